@testable import CLIPCompute
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
    @Test(arguments: eachInstructionSet, [LinearActivation.quickGELU, .gelu, .tanhGELU, .silu, .relu, .relu6])
    func `Activations are exact to a few units in the last place`(_ compute: Compute, _ activation: LinearActivation) {
        let inputs = (-600...600).map { Float($0) / 50 } + [-1e4, -200, -88, 1e-30, 88, 200, 1e4]
        let found = activate(compute, inputs, activation)
        var worst = 0.0
        for (x, y) in zip(inputs, found) {
            let expected = Reference.activate(activation, Double(x))
            worst = max(worst, abs(Double(y) - expected) / (unit(activation, Double(x), expected) + 1e-30))
        }
        #expect(worst <= 4)
    }

    /// What one rounding on the way costs.
    private func unit(_ activation: LinearActivation, _ x: Double, _ y: Double) -> Double {
        switch activation {
        case .identity, .relu, .relu6: 0
        case .silu: 0x1p-24 * abs(y) * (1 + abs(x))
        // The exponent is rounded, so that its exponential is off by as many units as the exponent is large.
        case .quickGELU: 0x1p-24 * abs(y) * (1 + abs(1.702 * x))
        // So is the reference's own 1 + tanh, in double precision.
        case .tanhGELU: 0x1p-24 * abs(y) * (1 + abs(1.6 * (x + 0.044715 * x * x * x))) + 0x1p-50 * abs(x)
        // For negative numbers 1 + erf cancels in every framework: what counts is the error beside 1.
        case .gelu: 0x1p-24 * abs(x)
        }
    }

    private func activate(_ compute: Compute, _ inputs: [Float], _ activation: LinearActivation) -> [Float] {
        let weights = PanelPackedMatrix([1], outputs: 1, inputs: 1)
        var target = [Float](repeating: 0, count: inputs.count)
        target.withUnsafeMutableBufferPointer { target in
            inputs.withUnsafeBufferPointer { inputs in
                compute.linear([
                    LinearProduct(
                        Linear(weights), Rows(inputs.baseAddress!, stride: 1, count: inputs.count),
                        into: MutableRows(target.baseAddress!, stride: 1, count: inputs.count), activation: activation)
                ])
            }
        }
        return target
    }
}
