/// A layer norm (Ba, Kiros and Hinton, 2016): (x − mean) / √(variance + ε) · gain + bias. One that isn't centred takes 0 for
/// the mean (RMSNorm; Zhang and Sennrich, 2019).
@usableFromInline package struct NormParameters {
    /// A number for each of `columns`.
    @usableFromInline package var gain: UnsafePointer<Float>
    @usableFromInline package var bias: UnsafePointer<Float>
    @usableFromInline package var columns: Int
    @usableFromInline package var epsilon: Float
    @usableFromInline package var isCentred: Bool

    @inlinable
    package init(
        gain: UnsafePointer<Float>, bias: UnsafePointer<Float>, columns: Int, epsilon: Float, isCentred: Bool
    ) {
        self.gain = gain
        self.bias = bias
        self.columns = columns
        self.epsilon = epsilon
        self.isCentred = isCentred
    }
}

extension VectorUnit {
    /// Normalises rows. The target may be the input. The bits are the same on every instruction set.
    @inlinable @inline(__always)
    package static func layerNorm(_ input: Rows<Float>, _ norm: NormParameters, into target: MutableRows<Float>) {
        for row in 0..<input.count { layerNorm(input[row], norm, into: target[row]) }
    }

    @inlinable @inline(__always)
    package static func layerNorm(
        _ input: UnsafePointer<Float>, _ norm: NormParameters, into target: UnsafeMutablePointer<Float>
    ) {
        let count = Float(norm.columns)
        let mean = norm.isCentred ? sum(of: norm.columns, from: input) { $0 } / count : 0
        let means = Vector(repeating: mean)
        let squares = sum(of: norm.columns, from: input) { value in
            let difference = value - means
            return difference * difference
        }
        let scales = Vector(repeating: 1 / (squares / count + norm.epsilon).squareRoot())
        let whole = norm.columns / width * width
        for column in stride(from: 0, to: whole, by: width) {
            let value = (load(input + column) - means) * scales
            store(multiplyThenAdd(value, load(norm.gain + column), load(norm.bias + column)), target + column)
        }
        let tail = norm.columns - whole
        if tail > 0 {
            let value = (load(input + whole, count: tail) - means) * scales
            let gain = load(norm.gain + whole, count: tail)
            let bias = load(norm.bias + whole, count: tail)
            store(multiplyThenAdd(value, gain, bias), target + whole, count: tail)
        }
    }

    /// The sum of what `term` makes of `count` numbers, taken as every instruction set takes it: sixteen sums of the numbers
    /// sixteen apart, then the sums of those eight apart, four, two and one apart.
    @inlinable @inline(__always)
    package static func sum(
        of count: Int, from source: UnsafePointer<Float>, _ term: (Vector) -> Vector
    ) -> Float {
        var sums = SixteenSums<Self>()
        let whole = count / 16 * 16
        for index in stride(from: 0, to: whole, by: 16) {
            sums.add { term(load(source + (index + $0))) }
        }
        if whole < count {
            sums.add { offset in
                let left = min(max(count - whole - offset, 0), width)
                let values = term(load(source + (whole + offset), count: left))
                var kept = Vector(repeating: 0)
                for lane in 0..<left { kept[lane] = values[lane] }
                return kept
            }
        }
        return sums.total()
    }
}

/// Sixteen sums side by side, in as many vectors as hold them.
@frozen @usableFromInline package struct SixteenSums<Unit: VectorUnit> {
    @usableFromInline var a = Unit.Vector(repeating: 0)
    @usableFromInline var b = Unit.Vector(repeating: 0)
    @usableFromInline var c = Unit.Vector(repeating: 0)
    @usableFromInline var d = Unit.Vector(repeating: 0)

    @inlinable @inline(__always)
    package init() {}

    /// Adds sixteen numbers.
    /// - Parameter values: those from an offset on.
    @inlinable @inline(__always)
    package mutating func add(_ values: (_ offset: Int) -> Unit.Vector) {
        a += values(0)
        if Unit.width < 16 { b += values(Unit.width) }
        if Unit.width < 8 {
            c += values(2 * Unit.width)
            d += values(3 * Unit.width)
        }
    }

    @inlinable @inline(__always)
    package func total() -> Float {
        withUnsafeBytes(of: self) { sums in
            @inline(__always) func four(_ index: Int) -> SIMD4<Float> {
                sums.load(fromByteOffset: 16 * index, as: SIMD4<Float>.self)
            }
            let fours = (four(0) + four(2)) + (four(1) + four(3))
            let pairs = fours.lowHalf + fours.highHalf
            return pairs[0] + pairs[1]
        }
    }
}
