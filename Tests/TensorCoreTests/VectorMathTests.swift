@testable import TensorCore
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The activations are tested for what they compute, one number through a layer of weight 1.
@Suite struct VectorMathTests {
    @Test(arguments: eachInstructionSet, [LinearActivation.quickGELU, .gelu, .tanhGELU])
    func activationsAreExactToAFewUnitsInTheLastPlace(_ compute: Compute, _ activation: LinearActivation) {
        let inputs = (-6000...6000).map { Float($0) / 500 } + [-1e30, -200, -88, 0, 1e-30, 88, 200, 1e30]
        let found = activate(compute, inputs, activation)
        for (x, y) in zip(inputs, found) {
            let expected = Reference.activate(activation, Double(x))
            // For negative numbers 1 + erf cancels, as it does in every framework: the error is one of 1.
            let unit = 0x1p-23 * max(abs(expected), activation == .gelu ? abs(Double(max(x, -6))) * 0.5 : 0)
            #expect(abs(Double(y) - expected) <= 4 * unit + 1e-36, "\(x): \(y), expected \(expected)")
        }
    }

    private func activate(_ compute: Compute, _ inputs: [Float], _ activation: LinearActivation) -> [Float] {
        let weights = PanelPackedMatrix([1], outputs: 1, inputs: 1)
        var target = [Float](repeating: 0, count: inputs.count)
        target.withUnsafeMutableBufferPointer { target in
            inputs.withUnsafeBufferPointer { inputs in
                compute.linear([
                    LinearProduct(
                        input: inputs.baseAddress!, inputStride: 1, rows: inputs.count, weights: weights,
                        activation: activation, target: target.baseAddress!, targetStride: 1)
                ])
            }
        }
        return target
    }
}
