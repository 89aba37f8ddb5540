#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif
import Testing

@testable import CLIPCompute

/// Every instruction set of this machine, with every number of threads.
let everyCompute: [Compute] = InstructionSet.available.flatMap { instructionSet in
    [1, 2, 3, 8].map { try! Compute(instructionSet: instructionSet, threads: $0) }
}

/// Every instruction set of this machine, on two threads.
let eachInstructionSet: [Compute] = InstructionSet.available.map { try! Compute(instructionSet: $0, threads: 2) }

extension Compute: CustomTestStringConvertible {
    /// As it stands in a test report.
    public var testDescription: String { "\(instructionSet.rawValue), \(threads) threads" }
}

/// The largest difference, divided by the largest expected value.
func largestError(_ found: some Sequence<Float>, _ expected: some Sequence<Double>) -> Double {
    var difference = 0.0
    var largest = 0.0
    for (a, b) in zip(found, expected) {
        guard a.isFinite else { return .infinity }
        difference = max(difference, abs(Double(a) - b))
        largest = max(largest, abs(b))
    }
    return difference / max(largest, .leastNormalMagnitude)
}

enum Reference {
    /// input · weightsᵀ + bias.
    static func linear(_ input: [Float], _ weights: [Float], bias: [Float], rows: Int, outputs: Int) -> [Double] {
        let inputs = weights.count / outputs
        return (0..<rows * outputs).map { index in
            let (row, output) = index.quotientAndRemainder(dividingBy: outputs)
            var sum = Double(bias[output])
            for k in 0..<inputs { sum += Double(input[row * inputs + k]) * Double(weights[output * inputs + k]) }
            return sum
        }
    }

    static func activate(_ activation: LinearActivation, _ x: Double) -> Double {
        switch activation {
        case .identity: x
        case .quickGELU: x / (1 + exp(-1.702 * x))
        case .gelu: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
        case .silu: x / (1 + exp(-x))
        case .relu: max(0, x)
        case .relu6: min(max(0, x), 6)
        case .tanhGELU: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
        }
    }

    /// One head: softmax(q · kᵀ / √width) · v, or softmax(q · kᵀ + bias) · v.
    static func attention(
        _ q: [Float], _ k: [Float], _ v: [Float], width: Int, causalPosition: Int?,
        bias: ((_ query: Int, _ key: Int) -> Float)? = nil
    ) -> [Double] {
        let scale = bias == nil ? 1 / Double(width).squareRoot() : 1
        let keys = k.count / width
        return (0..<q.count / width).flatMap { query in
            let seen = causalPosition.map { min(keys, $0 + query + 1) } ?? keys
            let scores = (0..<seen).map { key in
                (0..<width).reduce(0.0) { $0 + Double(q[query * width + $1]) * Double(k[key * width + $1]) }
                    * scale + Double(bias?(query, key) ?? 0)
            }
            let weights = scores.map { exp($0 - scores.max()!) }
            return (0..<width).map { column in
                (0..<seen).reduce(0.0) { $0 + weights[$1] * Double(v[$1 * width + column]) } / weights.reduce(0, +)
            }
        }
    }

    static func layerNorm(
        _ row: [Float], gain: [Float], bias: [Float], epsilon: Float, isCentred: Bool
    ) -> [Double] {
        let mean = isCentred ? row.reduce(0.0) { $0 + Double($1) } / Double(row.count) : 0
        let variance = row.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(row.count)
        return row.indices.map {
            (Double(row[$0]) - mean) / (variance + Double(epsilon)).squareRoot() * Double(gain[$0]) + Double(bias[$0])
        }
    }
}
