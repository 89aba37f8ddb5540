internal import CLIPCompute

/// Multi-head attention pooling: a learnt query attends to all tokens of a sequence. In SigLIP a pre-norm MLP with a residual
/// follows (Zhai et al., 2022, "Scaling Vision Transformers", appendix); in CoCa query and tokens are normalised, and what is
/// found has the length of an embedding (Yu et al., 2022).
struct AttentionPooling: Sendable {
    private let headCount: Int
    /// The query before its projection, `[1, width]`.
    private let probe: ParameterVector
    private let norms: (query: LayerNorm, key: LayerNorm)?
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear
    private let mlp: MLP?

    private struct MLP: Sendable {
        let norm: LayerNorm
        let input: Linear
        let output: Linear
        let activation: LinearActivation

        init(_ prefix: String, _ layer: TransformerConfiguration, from source: some TensorSource) throws(CLIPError) {
            let (width, intermediate) = (layer.width, layer.intermediateWidth)
            norm = try LayerNorm("\(prefix).layernorm", width: width, epsilon: layer.layerNormEpsilon, from: source)
            input = try Linear("\(prefix).mlp.fc1", outputs: intermediate, inputs: width, from: source)
            output = try Linear("\(prefix).mlp.fc2", outputs: width, inputs: intermediate, from: source)
            activation = layer.activation.linear
        }
    }

    /// Reads SigLIP's head under `prefix`, such as `vision_model.head`.
    init(
        _ prefix: String, configuration: TransformerConfiguration, from source: some TensorSource
    ) throws(CLIPError) {
        try self.init(
            prefix, inputs: configuration.width, width: configuration.width, headCount: configuration.headCount,
            normEpsilon: nil, mlp: configuration, from: source)
    }

    /// Reads CoCa's under `prefix`.
    /// - Parameters:
    ///   - inputs: the length of a token.
    ///   - width: the length of what is found.
    init(
        _ prefix: String, inputs: Int, width: Int, headCount: Int, normEpsilon: Float, from source: some TensorSource
    ) throws(CLIPError) {
        try self.init(
            prefix, inputs: inputs, width: width, headCount: headCount, normEpsilon: normEpsilon, mlp: nil, from: source
        )
    }

    private init(
        _ prefix: String, inputs: Int, width: Int, headCount: Int, normEpsilon: Float?, mlp: TransformerConfiguration?,
        from source: some TensorSource
    ) throws(CLIPError) {
        self.headCount = headCount
        probe = try source.vector("\(prefix).probe", shape: [width])
        norms =
            if let normEpsilon {
                (
                    try LayerNorm("\(prefix).query_norm", width: width, epsilon: normEpsilon, from: source),
                    try LayerNorm("\(prefix).key_norm", width: inputs, epsilon: normEpsilon, from: source)
                )
            } else {
                nil
            }
        query = try Linear("\(prefix).attention.q_proj", outputs: width, inputs: width, from: source)
        key = try Linear("\(prefix).attention.k_proj", outputs: width, inputs: inputs, from: source)
        value = try Linear("\(prefix).attention.v_proj", outputs: width, inputs: inputs, from: source)
        output = try Linear("\(prefix).attention.out_proj", outputs: width, inputs: width, from: source)
        self.mlp = try mlp.map { layer throws(CLIPError) in try MLP(prefix, layer, from: source) }
    }

    /// - Parameter hidden: every token once, `[rows, inputs]`; SigLIP's normalised, CoCa's overwritten.
    /// - Returns: a state per sequence, `[sequences.count, width]`.
    func callAsFunction(_ hidden: Activations, sequences: [TokenSequence], compute: Compute) -> Activations {
        let width = query.weights.outputs
        let probe = compute.activations(rows: 1, columns: width)
        probe.row(0).update(from: self.probe.start, count: width)
        if let norms {
            compute.layerNorm(norms.query, probe, into: probe)
            compute.layerNorm(norms.key, hidden, into: hidden)
        }
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
                    queries: Rows(queries.all), keyRows: sequence.rows, causalPosition: nil,
                    target: attended.all[index..<index + 1])
            }, keys: Rows(projected.all), values: Rows(projected.all).columns(from: width), heads: headCount,
            headWidth: width / headCount, isWhole: key.weights.elementType.isWhole)

        let pooled = compute.activations(rows: sequences.count, columns: width)
        compute.linear([LinearProduct(output, attended, into: pooled)])
        guard let mlp else { return pooled }
        compute.layerNorm(mlp.norm, pooled, into: attended)
        let intermediate = compute.activations(rows: sequences.count, columns: mlp.input.weights.outputs)
        compute.linear([LinearProduct(mlp.input, attended, into: intermediate, activation: mlp.activation)])
        compute.linear([LinearProduct(mlp.output, intermediate, addedTo: pooled)])
        return pooled
    }
}
