internal import CLIPKernels

/// The trained part of a layer norm.
package struct LayerNorm: Sendable {
    package let gain: ParameterVector
    package let bias: ParameterVector
    package let epsilon: Float

    package init(gain: [Float], bias: [Float], epsilon: Float) {
        precondition(gain.count == bias.count)
        self.gain = ParameterVector(gain)
        self.bias = ParameterVector(bias)
        self.epsilon = epsilon
    }
}

extension Compute {
    /// Normalises `rows` rows of `norm.gain.count` numbers. The target may be the input.
    package func layerNorm(
        _ norm: LayerNorm, rows: Int, input: UnsafePointer<Float>, inputStride: Int,
        target: UnsafeMutablePointer<Float>, targetStride: Int
    ) {
        let columns = norm.gain.count
        // A piece of work shorter than this, a few microseconds, costs less than handing it to another core.
        let chunks = max(1, min(rows, rows * columns / 8192))
        parallel.run(chunks) { chunk in
            let range = evenBlock(chunk, of: chunks, rows: rows)
            kernels.layerNorm(
                LayerNormRows(
                    input: input + range.lowerBound * inputStride, inputStride: inputStride, rows: range.count,
                    columns: columns, gain: norm.gain.start, bias: norm.bias.start, epsilon: norm.epsilon,
                    target: target + range.lowerBound * targetStride, targetStride: targetStride))
        }
    }
}
