@testable import CLIPCompute

/// The arithmetic of int16 layers, number by number: the specification, which every kernel equals to the bit on every
/// instruction set. `Sources/CLIP/Files/FORMAT.md` says the same in words.
///
/// Every operation of floats is rounded by itself, to nearest, ties to even.
enum SixteenBitArithmetic {
    static let blockSize = 128
    static let largest: Float = 4095

    /// Some inputs or weights as whole numbers of −4095…4095: number · scale is about the value.
    struct Numbers {
        var numbers: [Int]
        var scale: Float
    }

    /// The weights of an output, or a key: one scale for all of them.
    static func weights(_ values: [Float]) -> Numbers {
        let scale = max(values.reduce(0) { max($0, abs($1)) } / largest, .leastNormalMagnitude)
        return Numbers(numbers: values.map { Int(($0 / scale).rounded(.toNearestOrEven)) }, scale: scale)
    }

    /// Inputs of a layer, one block of them; also a key, and a value, of any length.
    static func block(_ values: some Collection<Float>) -> Numbers {
        let zeros = values.map { _ in 0 }
        guard values.allSatisfy(\.isFinite) else { return Numbers(numbers: zeros, scale: .nan) }
        let range = values.reduce(0) { max($0, abs($1)) }
        guard range >= 1e-30 else { return Numbers(numbers: zeros, scale: 0) }
        let factor = largest / range
        return Numbers(
            numbers: values.map { Int(($0 * factor).rounded(.toNearestOrEven)) }, scale: range / largest)
    }

    /// Inputs of a layer: blocks of 128, the last of them shorter.
    static func blocks(_ row: [Float]) -> [Numbers] {
        stride(from: 0, to: row.count, by: blockSize).map { block(row[$0..<min($0 + blockSize, row.count)]) }
    }

    /// The sum over the blocks in their order, each an exact sum of whole numbers, then times the scale of the weights.
    static func product(_ row: [Numbers], _ weights: Numbers) -> Float {
        var sum: Float = 0
        var start = 0
        for block in row {
            var whole: Int32 = 0
            for (index, number) in block.numbers.enumerated() {
                whole += Int32(number * weights.numbers[start + index])
            }
            sum = sum + Float(whole) * block.scale
            start += block.numbers.count
        }
        return sum * weights.scale
    }

    /// A linear layer, `[rows, outputs]`.
    static func linear(
        _ input: [[Float]], _ weights: [Numbers], bias: [Float]?, activation: LinearActivation = .identity,
        residual: [[Float]]? = nil
    ) -> [[Float]] {
        input.enumerated().map { row, values in
            let blocks = blocks(values)
            return weights.enumerated().map { output, weights in
                var value = product(blocks, weights)
                if let bias { value = value + bias[output] }
                if let residual { value = value + residual[row][output] }
                return activate(value, activation)
            }
        }
    }

    static func activate(_ x: Float, _ activation: LinearActivation) -> Float {
        switch activation {
        case .identity: return x
        case .quickGELU: return x / (1 + exponential(x * -1.702))
        case .gelu: return gelu(x)
        case .tanhGELU:
            let cubic = (x * x) * (x * 0.044_715) + x
            return x / (1 + exponential(cubic * -1.595_769_1))
        case .silu: return x / (1 + exponential(0 - x))
        case .relu: return x < 0 ? 0 : x
        case .relu6: return x < 0 ? 0 : x > 6 ? 6 : x
        }
    }

    /// eˣ, of −87 below and of 88 above.
    static func exponential(_ x: Float) -> Float {
        let clamped = max(min(x, 88), -87)
        let shift: Float = 0x1.8p23 + 127
        let shifted = clamped * 1.442_695 + shift
        let whole = shifted - shift
        let rest = whole * 2.121_944_4e-4 + (whole * -0.693_359_375 + clamped)
        var sum: Float = 1.381_460_2e-3
        for coefficient: Float in [8.368_716e-3, 4.166_839e-2, 1.666_652_1e-1, 0.499_999_94, 1, 1] {
            sum = sum * rest + coefficient
        }
        return sum * Float(bitPattern: shifted.bitPattern << 23)
    }

    static func gelu(_ x: Float) -> Float {
        let magnitude = min(abs(x), 6.2)
        let exponent = polynomial(
            magnitude,
            [
                0, -1.151_104_9, -0.459_212_48, -5.247_505_8e-2, 7.014_808_7e-3, -7.719_092e-5, -2.275_644_4e-4,
                5.548_773_7e-5, -6.106_660_7e-6, 2.684_748e-7,
            ])
        let whole = exponent.rounded(.toNearestOrEven)
        let power =
            1
            + polynomial(
                exponent - whole,
                [0, 0.693_147_2, 0.240_226_48, 5.550_332_4e-2, 9.618_437e-3, 1.339_887_5e-3, 1.535_336e-4])
        return (x < 0 ? 0 : x) - magnitude * (power * Float(sign: .plus, exponent: Int(whole) - 1, significand: 1))
    }

    /// The sum of `coefficients[n]` · xⁿ: pairs of terms are summed, pairs of pairs by x², and those, from the last on, by x⁴.
    static func polynomial(_ x: Float, _ coefficients: [Float]) -> Float {
        func pair(_ first: Int) -> Float {
            first + 1 < coefficients.count ? coefficients[first + 1] * x + coefficients[first] : coefficients[first]
        }
        let fours = stride(from: 0, to: coefficients.count, by: 4).map { first in
            first + 2 < coefficients.count ? pair(first + 2) * (x * x) + pair(first) : pair(first)
        }
        return fours.dropLast().reversed().reduce(fours.last!) { $0 * ((x * x) * (x * x)) + $1 }
    }

    /// Sixteen sums of the terms sixteen apart, then the sums of those eight apart, four, two and one apart.
    static func sum(_ terms: [Float]) -> Float {
        var sums = [Float](repeating: 0, count: 16)
        for (index, term) in terms.enumerated() { sums[index % 16] = sums[index % 16] + term }
        for distance in [8, 4, 2, 1] { sums = (0..<distance).map { sums[$0] + sums[$0 + distance] } }
        return sums[0]
    }

    static func layerNorm(
        _ row: [Float], gain: [Float], bias: [Float], epsilon: Float, isCentred: Bool = true
    ) -> [Float] {
        let count = Float(row.count)
        let mean = isCentred ? sum(row) / count : 0
        let variance = sum(row.map { ($0 - mean) * ($0 - mean) }) / count
        let scale = 1 / (variance + epsilon).squareRoot()
        return row.indices.map { (row[$0] - mean) * scale * gain[$0] + bias[$0] }
    }

    /// One query's attention to keys and values, those that it sees.
    /// - Parameter bias: what is added to the score of each key, which is not divided then.
    static func attention(_ query: [Float], keys: [[Float]], values: [[Float]], bias: [Float]? = nil) -> [Float] {
        let scale = bias == nil ? 1 / Float(query.count).squareRoot() : 1
        let query = blocks(query)
        let scores = keys.indices.map { key in
            var numbers = block(keys[key])
            numbers.scale = scale * numbers.scale
            let score = product(query, numbers)
            return bias.map { score + $0[key] } ?? score
        }
        let values = values.map(block)
        let most = scores.reduce(-.infinity) { max($0, $1) }
        // The difference of a score that is not finite with itself is no number, which an exponential would hide.
        let weights = scores.map { exponential($0 - most) + ($0 - $0) }
        let factor = 1 / sum(weights)
        var blocks = blocks(zip(weights, values).map { $0 * $1.scale })
        for index in blocks.indices { blocks[index].scale = blocks[index].scale * factor }
        return (0..<(values.first?.numbers.count ?? 0)).map { column in
            product(blocks, Numbers(numbers: values.map { $0.numbers[column] }, scale: 1))
        }
    }
}
