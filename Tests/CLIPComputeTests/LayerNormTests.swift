@testable import CLIPCompute
import CLIPTestSupport
import Testing

@Suite struct LayerNormTests {
    @Test(arguments: eachInstructionSet, [1, 15, 16, 17, 31, 64, 100, 768])
    func `Matches the reference`(_ compute: Compute, _ columns: Int) {
        for (rows, epsilon, isCentred) in [
            (1, Float(1e-5), true), (3, 1e-3, true), (90, 1e-6, true), (1, 1e-6, false), (7, 1e-3, false),
        ] {
            var numbers = SeededNumbers(seed: UInt64(columns))
            // A mean far from zero shows a variance that is taken as a difference of squares.
            let input = numbers.floats(rows * columns).map { $0 + 30 }
            let norm = LayerNorm(
                gain: ParameterVector(numbers.floats(columns)), bias: ParameterVector(numbers.floats(columns)),
                epsilon: epsilon, isCentred: isCentred)
            var found = input
            found.withUnsafeMutableBufferPointer {
                let all = MutableRows($0.baseAddress!, stride: columns, count: rows)
                compute.layerNorm(norm, Rows(all), into: all)
            }
            let gain = (0..<columns).map { norm.gain.start[$0] }
            let bias = (0..<columns).map { norm.bias.start[$0] }
            let expected = (0..<rows).flatMap {
                Reference.layerNorm(
                    Array(input[$0 * columns..<($0 + 1) * columns]), gain: gain, bias: bias, epsilon: epsilon,
                    isCentred: isCentred)
            }
            #expect(largestError(found, expected) < 1e-5, "\(rows) rows")
            let specified = (0..<rows).flatMap {
                SixteenBitArithmetic.layerNorm(
                    Array(input[$0 * columns..<($0 + 1) * columns]), gain: gain, bias: bias, epsilon: epsilon,
                    isCentred: isCentred)
            }
            #expect(zip(found, specified).allSatisfy(areSame))
        }
    }
}
