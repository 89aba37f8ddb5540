internal import CLIPKernels

/// A layer norm, or one whose mean is taken for 0 (RMSNorm).
package struct LayerNorm: Sendable {
    package let gain: ParameterVector
    package let bias: ParameterVector
    package let epsilon: Float
    package let isCentred: Bool

    package init(gain: ParameterVector, bias: ParameterVector, epsilon: Float, isCentred: Bool = true) {
        precondition(gain.count == bias.count)
        self.gain = gain
        self.bias = bias
        self.epsilon = epsilon
        self.isCentred = isCentred
    }
}

extension Compute {
    /// Normalises rows of `norm.gain.count` numbers. The target may be the input.
    package func layerNorm(_ norm: LayerNorm, _ input: Rows<Float>, into target: MutableRows<Float>) {
        let columns = norm.gain.count
        let parameters = NormParameters(
            gain: norm.gain.start, bias: norm.bias.start, columns: columns, epsilon: norm.epsilon,
            isCentred: norm.isCentred)
        // A piece of work shorter than this, a few microseconds, costs less than handing it to another core.
        let chunks = max(1, min(input.count, input.count * columns / 8192))
        parallel.run(chunks) { chunk in
            let rows = evenBlock(chunk, of: chunks, rows: input.count)
            kernels.layerNorm(input[rows], parameters, target[rows])
        }
    }

    package func layerNorm(_ norm: LayerNorm, _ input: Activations, into target: Activations) {
        layerNorm(norm, Rows(input.all), into: target.all)
    }
}
