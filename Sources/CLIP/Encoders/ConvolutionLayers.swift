internal import CLIPCompute

extension Convolution {
    /// Reads `key.weight`, `[outputs, kernel · kernel · inputs]`, and `key.bias` if it has one.
    init(
        _ key: String, outputs: Int, inputs: Int, kernel: Int, step: Int = 1, padding: Int? = nil,
        paddingAfter: Int? = nil,
        hasBias: Bool = true, from source: some TensorSource
    ) throws(CLIPError) {
        self.init(
            try Linear(key, outputs: outputs, inputs: kernel * kernel * inputs, hasBias: hasBias, from: source),
            kernel: kernel, step: step, padding: padding, paddingAfter: paddingAfter)
    }
}

extension DepthwiseConvolution {
    /// Reads `key.weight`, `[kernel · kernel, channels]`, and `key.bias`.
    init(
        _ key: String, channels: Int, kernel: Int, step: Int = 1, padding: Int? = nil, from source: some TensorSource
    ) throws(CLIPError) {
        self.init(
            weights: try source.vector("\(key).weight", shape: [kernel * kernel, channels]),
            bias: try source.vector("\(key).bias", shape: [channels]), channels: channels, kernel: kernel, step: step,
            padding: padding)
    }
}

/// Squeeze and excitation (Hu et al., 2017): channels are scaled by what two layers make of their means.
struct SqueezeExcitation: Sendable {
    private let squeeze: Linear
    private let excite: Linear

    /// Reads the layers `prefix.fc1` and `prefix.fc2`.
    init(_ prefix: String, channels: Int, width: Int, from source: some TensorSource) throws(CLIPError) {
        squeeze = try Linear("\(prefix).fc1", outputs: width, inputs: channels, from: source)
        excite = try Linear("\(prefix).fc2", outputs: channels, inputs: width, from: source)
    }

    /// Scales the maps in place.
    func callAsFunction(_ maps: FeatureMaps, compute: Compute) {
        let means = compute.means(of: maps)
        let middle = compute.activations(rows: maps.count, columns: squeeze.weights.outputs)
        compute.linear([LinearProduct(squeeze, means, into: middle, activation: .relu)])
        compute.linear([LinearProduct(excite, middle, into: means)])
        compute.excite(maps, by: means)
    }
}

extension Compute {
    /// The mean of each picture's places, `[count, channels]`.
    func means(of maps: FeatureMaps) -> Activations {
        let size = maps.side * maps.side
        return means(maps.places, of: (0..<maps.count).map { [$0 * size..<($0 + 1) * size] })
    }

    /// A layer over all places, added to other maps of the same size.
    func linear(
        _ layer: Linear, _ input: FeatureMaps, addedTo target: FeatureMaps, activation: LinearActivation = .identity
    ) {
        linear([LinearProduct(layer, input.places, addedTo: target.places, activation: activation)])
    }

    /// A layer over all places.
    func linear(_ layer: Linear, _ input: FeatureMaps, activation: LinearActivation) -> FeatureMaps {
        let output = maps(count: input.count, side: input.side, channels: layer.weights.outputs)
        linear([LinearProduct(layer, input.places, into: output.places, activation: activation)])
        return output
    }
}
