internal import CLIPCompute

/// A linear layer's parameters.
struct Linear: Sendable {
    let weights: PanelPackedMatrix
    let bias: ParameterVector?

    /// Reads `key.weight`, and `key.bias` if it has one.
    init(
        _ key: String, outputs: Int, inputs: Int, hasBias: Bool = true, from source: some TensorSource
    ) throws(CLIPError) {
        weights = try source.matrix("\(key).weight", outputs: outputs, inputs: inputs)
        bias = hasBias ? ParameterVector(try source.vector("\(key).bias", count: outputs)) : nil
    }
}

extension LayerNorm {
    /// Reads `key.weight` and `key.bias`.
    init(_ key: String, width: Int, epsilon: Float, from source: some TensorSource) throws(CLIPError) {
        self.init(
            gain: try source.vector("\(key).weight", count: width),
            bias: try source.vector("\(key).bias", count: width), epsilon: epsilon)
    }
}

/// The parameters of one pre-norm transformer layer.
struct TransformerLayer: Sendable {
    let attentionNorm: LayerNorm
    let query: Linear
    let key: Linear
    let value: Linear
    let attentionOutput: Linear
    let mlpNorm: LayerNorm
    let mlpInput: Linear
    let mlpOutput: Linear

    /// Reads the layer under `prefix`, such as `text_model.encoder.layers.0`.
    init(
        _ prefix: String, configuration: TransformerConfiguration, from source: some TensorSource
    ) throws(CLIPError) {
        let width = configuration.width
        let intermediate = configuration.intermediateWidth
        let epsilon = configuration.layerNormEpsilon
        attentionNorm = try LayerNorm("\(prefix).layer_norm1", width: width, epsilon: epsilon, from: source)
        query = try Linear("\(prefix).self_attn.q_proj", outputs: width, inputs: width, from: source)
        key = try Linear("\(prefix).self_attn.k_proj", outputs: width, inputs: width, from: source)
        value = try Linear("\(prefix).self_attn.v_proj", outputs: width, inputs: width, from: source)
        attentionOutput = try Linear("\(prefix).self_attn.out_proj", outputs: width, inputs: width, from: source)
        mlpNorm = try LayerNorm("\(prefix).layer_norm2", width: width, epsilon: epsilon, from: source)
        mlpInput = try Linear("\(prefix).mlp.fc1", outputs: intermediate, inputs: width, from: source)
        mlpOutput = try Linear("\(prefix).mlp.fc2", outputs: width, inputs: intermediate, from: source)
    }
}
