internal import CLIPCompute

/// Multi-head attention pooling (Zhai et al., 2022, "Scaling Vision Transformers", appendix): a learnt query attends to
/// all tokens of a sequence, then a pre-norm MLP with a residual.
struct AttentionPooling: Sendable {
    private let configuration: TransformerConfiguration
    /// The query before its projection, `[1, width]`.
    private let probe: [Float]
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear
    private let norm: LayerNorm
    private let mlpInput: Linear
    private let mlpOutput: Linear

    /// Reads the head under `prefix`, such as `vision_model.head`.
    init(
        _ prefix: String, configuration: TransformerConfiguration, from source: some TensorSource
    ) throws(CLIPError) {
        let width = configuration.width
        let intermediate = configuration.intermediateWidth
        self.configuration = configuration
        probe = try source.vector("\(prefix).probe", count: width)
        query = try Linear("\(prefix).attention.q_proj", outputs: width, inputs: width, from: source)
        key = try Linear("\(prefix).attention.k_proj", outputs: width, inputs: width, from: source)
        value = try Linear("\(prefix).attention.v_proj", outputs: width, inputs: width, from: source)
        output = try Linear("\(prefix).attention.out_proj", outputs: width, inputs: width, from: source)
        norm = try LayerNorm(
            "\(prefix).layernorm", width: width, epsilon: configuration.layerNormEpsilon, from: source)
        mlpInput = try Linear("\(prefix).mlp.fc1", outputs: intermediate, inputs: width, from: source)
        mlpOutput = try Linear("\(prefix).mlp.fc2", outputs: width, inputs: intermediate, from: source)
    }

    /// - Parameter hidden: every token once, `[rows, width]`, normalised.
    /// - Returns: a state per sequence, `[sequences.count, width]`.
    func callAsFunction(_ hidden: Activations, sequences: [TokenSequence], compute: Compute) -> Activations {
        let width = configuration.width
        let probe = compute.activations(rows: 1, columns: width)
        probe.row(0).update(from: self.probe, count: width)
        // Keys and values side by side, `[rows, 2 · width]`.
        let projected = compute.activations(rows: hidden.rows, columns: 2 * width)
        let queries = compute.activations(rows: 1, columns: width)
        compute.linear([
            LinearProduct(key, hidden, into: projected), LinearProduct(value, hidden, into: projected, column: width),
            LinearProduct(query, probe, into: queries),
        ])
        let attended = compute.activations(rows: sequences.count, columns: width)
        compute.attention(
            sequences.enumerated().map { index, sequence in
                AttentionSequence(
                    queries: queries.row(0), queryCount: 1, keyRows: sequence.rows, causalPosition: nil,
                    target: attended.row(index))
            }, keys: projected.row(0), values: projected.row(0) + width, heads: configuration.headCount,
            headWidth: width / configuration.headCount, stride: projected.stride, targetStride: attended.stride)

        let pooled = compute.activations(rows: sequences.count, columns: width)
        compute.linear([LinearProduct(output, attended, into: pooled)])
        compute.layerNorm(norm, pooled, into: attended)
        let intermediate = compute.activations(rows: sequences.count, columns: configuration.intermediateWidth)
        compute.linear([
            LinearProduct(mlpInput, attended, into: intermediate, activation: configuration.activation.linear)
        ])
        var mlp = LinearProduct(mlpOutput, intermediate, into: pooled)
        mlp.residual = UnsafePointer(pooled.row(0))
        mlp.residualStride = pooled.stride
        compute.linear([mlp])
        return pooled
    }
}

extension LinearProduct {
    /// A layer over all rows of `input`.
    fileprivate init(
        _ linear: Linear, _ input: Activations, into target: Activations, column: Int = 0,
        activation: LinearActivation = .identity
    ) {
        self.init(
            input: input.row(0), inputStride: input.stride, rows: input.rows, weights: linear.weights,
            bias: linear.bias, activation: activation, target: target.row(0) + column, targetStride: target.stride)
    }
}
