import Testing

@testable import CLIPCompute

/// One product of `rows` rows, which must write its own numbers and nothing behind them.
func linear(
    _ compute: Compute, _ input: [Float], _ weights: PanelPackedMatrix, bias: [Float], rows: Int,
    activation: LinearActivation = .identity, residual: [Float]? = nil
) -> [Float] {
    // A guard behind the last number must stay as it is.
    var target = [Float](repeating: 1234, count: rows * weights.outputs + 64)
    let layer = Linear(weights, bias: ParameterVector(bias))
    let residual = residual.map(ParameterVector.init)
    target.withUnsafeMutableBufferPointer { target in
        input.withUnsafeBufferPointer { input in
            compute.linear([
                LinearProduct(
                    layer, Rows(input.baseAddress!, stride: weights.inputs, count: rows),
                    into: MutableRows(target.baseAddress!, stride: weights.outputs, count: rows),
                    activation: activation,
                    residual: residual.map { Rows($0.start, stride: weights.outputs, count: rows) })
            ])
        }
    }
    #expect(target.suffix(64).allSatisfy { $0 == 1234 })
    return Array(target.dropLast(64))
}
