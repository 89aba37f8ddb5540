internal import CLIPCompute

/// The shape of a FastViT.
package struct FastViTConfiguration: Sendable, Equatable {
    /// Blocks of each stage.
    package var depths: [Int]
    /// Channels of each stage.
    package var widths: [Int]
    /// How many times as wide an MLP is in the middle.
    package var mlpRatio: Int
    /// Stages whose transition scales its channels.
    package var squeezedStages: [Int]
    /// How many of the last stages attend, rather than convolve.
    package var attentionStages: Int
    /// Whether the norm before an attention is a layer norm, else a batch norm.
    package var hasLayerNorm: Bool

    package init(
        depths: [Int], widths: [Int], mlpRatio: Int, squeezedStages: [Int], attentionStages: Int, hasLayerNorm: Bool
    ) {
        self.depths = depths
        self.widths = widths
        self.mlpRatio = mlpRatio
        self.squeezedStages = squeezedStages
        self.attentionStages = attentionStages
        self.hasLayerNorm = hasLayerNorm
    }

    /// Channels of what the last convolution gives.
    package var features: Int { 2 * (widths.last ?? 0) }
    /// The width of a head of an attention.
    static let headWidth = 32
}

/// A FastViT (Vasu et al., 2023), the image tower of MobileCLIP (Vasu et al., 2024): what was trained as several branches is
/// one convolution here, and batch norms are part of it.
struct FastViT: ConvolutionalNetwork {
    private let imageSize: Int
    private let stem: (first: Convolution, second: DepthwiseConvolution, third: Linear)
    private let stages: [Stage]
    private let lastConvolution: DepthwiseConvolution
    private let lastSqueeze: SqueezeExcitation
    private let projection: ProjectionLayers

    init(
        _ shape: FastViTConfiguration, _ configuration: ModelConfiguration, _ source: some TensorSource
    ) throws(CLIPError) {
        imageSize = configuration.vision.imageSize
        let width = shape.widths[0]
        stem = (
            try Convolution("vision_model.stem.0", outputs: width, inputs: 3, kernel: 3, step: 2, from: source),
            try DepthwiseConvolution("vision_model.stem.1", channels: width, kernel: 3, step: 2, from: source),
            try Linear("vision_model.stem.2", outputs: width, inputs: width, from: source)
        )
        var stages: [Stage] = []
        for stage in shape.depths.indices {
            stages.append(
                try Stage(stage, shape, epsilon: configuration.vision.transformer.layerNormEpsilon, from: source))
        }
        self.stages = stages
        lastConvolution = try DepthwiseConvolution(
            "vision_model.final_conv", channels: shape.features, kernel: 3, from: source)
        lastSqueeze = try SqueezeExcitation(
            "vision_model.final_conv.se", channels: shape.features, width: shape.features / 16, from: source)
        projection = try ProjectionLayers(
            "visual_projection", configuration.vision.projection, inputs: shape.features,
            outputs: configuration.embeddingDimension, from: source)
    }

    func embed(_ pixels: UnsafePointer<Float>, count: Int, _ compute: Compute) throws(CLIPError) -> [Float] {
        var maps = compute.convolve(pixels: pixels, count: count, size: imageSize, stem.first, activation: .gelu)
        maps = compute.convolve(maps, stem.second, activation: .gelu)
        maps = compute.linear(stem.third, maps, activation: .gelu)
        for stage in stages { maps = try stage(maps, compute) }
        maps = compute.convolve(compute.doubled(maps), lastConvolution)
        lastSqueeze(maps, compute: compute)
        compute.activate(maps.places.all, columns: maps.channels, .gelu)
        return projection(compute.means(of: maps), compute: compute)
    }
}

private struct Stage: Sendable {
    private let transition: Transition?
    private let positions: DepthwiseConvolution?
    private let blocks: [any Block]

    /// Halves the side, doubles the channels.
    private struct Transition: Sendable {
        let convolution: DepthwiseConvolution
        let squeeze: SqueezeExcitation?
        let mixing: Linear
    }

    init(
        _ index: Int, _ shape: FastViTConfiguration, epsilon: Float, from source: some TensorSource
    ) throws(CLIPError) {
        let prefix = "vision_model.stages.\(index)"
        let width = shape.widths[index]
        let attends = index >= shape.depths.count - shape.attentionStages
        if index > 0 {
            let path = "\(prefix).downsample.proj"
            transition = Transition(
                convolution: try DepthwiseConvolution("\(path).0", channels: width, kernel: 7, step: 2, from: source),
                squeeze: shape.squeezedStages.contains(index)
                    ? try SqueezeExcitation(
                        "\(path).0.se", channels: width, width: (width / 4 + 7) / 8 * 8, from: source) : nil,
                mixing: try Linear("\(path).1", outputs: width, inputs: width, from: source))
        } else {
            transition = nil
        }
        positions =
            attends ? try DepthwiseConvolution("\(prefix).pos_emb", channels: width, kernel: 7, from: source) : nil
        var blocks: [any Block] = []
        for block in 0..<shape.depths[index] {
            let path = "\(prefix).blocks.\(block)"
            blocks.append(
                attends
                    ? try AttentionBlock(path, width: width, shape, epsilon: epsilon, from: source)
                    : try MixingBlock(path, width: width, shape, from: source))
        }
        self.blocks = blocks
    }

    func callAsFunction(_ input: FeatureMaps, _ compute: Compute) throws(CLIPError) -> FeatureMaps {
        var maps = input
        if let transition {
            let doubled = compute.doubled(maps)
            if let squeeze = transition.squeeze {
                maps = compute.convolve(doubled, transition.convolution)
                squeeze(maps, compute: compute)
                compute.activate(maps.places.all, columns: maps.channels, .gelu)
            } else {
                maps = compute.convolve(doubled, transition.convolution, activation: .gelu)
            }
            maps = compute.linear(transition.mixing, maps, activation: .gelu)
        }
        if let positions { maps = compute.convolve(maps, positions) }
        for block in blocks {
            try checkCancellation()
            maps = block(maps, compute)
        }
        return maps
    }
}

private protocol Block: Sendable {
    func callAsFunction(_ maps: FeatureMaps, _ compute: Compute) -> FeatureMaps
}

/// A convolution and an MLP.
private struct MixingBlock: Block {
    private let mixer: DepthwiseConvolution
    private let mlp: ConvolutionalMLP

    init(
        _ prefix: String, width: Int, _ shape: FastViTConfiguration, from source: some TensorSource
    ) throws(CLIPError) {
        mixer = try DepthwiseConvolution("\(prefix).token_mixer", channels: width, kernel: 3, from: source)
        mlp = try ConvolutionalMLP("\(prefix).mlp", width: width, ratio: shape.mlpRatio, from: source)
    }

    func callAsFunction(_ maps: FeatureMaps, _ compute: Compute) -> FeatureMaps {
        let mixed = compute.convolve(maps, mixer)
        mlp.add(to: mixed, compute)
        return mixed
    }
}

/// An attention and an MLP. LayerScale is part of the last layer of both.
private struct AttentionBlock: Block {
    private let norm: LayerNorm?
    /// What a batch norm does to each channel.
    private let scale: (factors: ParameterVector, terms: ParameterVector)?
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear
    private let mlp: ConvolutionalMLP

    init(
        _ prefix: String, width: Int, _ shape: FastViTConfiguration, epsilon: Float, from source: some TensorSource
    ) throws(CLIPError) {
        if shape.hasLayerNorm {
            norm = try LayerNorm("\(prefix).norm", width: width, epsilon: epsilon, from: source)
            scale = nil
        } else {
            norm = nil
            scale = (
                try source.vector("\(prefix).norm.weight", shape: [width]),
                try source.vector("\(prefix).norm.bias", shape: [width])
            )
        }
        let path = "\(prefix).token_mixer"
        query = try Linear("\(path).q_proj", outputs: width, inputs: width, hasBias: false, from: source)
        key = try Linear("\(path).k_proj", outputs: width, inputs: width, hasBias: false, from: source)
        value = try Linear("\(path).v_proj", outputs: width, inputs: width, hasBias: false, from: source)
        output = try Linear("\(path).proj", outputs: width, inputs: width, from: source)
        mlp = try ConvolutionalMLP("\(prefix).mlp", width: width, ratio: shape.mlpRatio, from: source)
    }

    func callAsFunction(_ maps: FeatureMaps, _ compute: Compute) -> FeatureMaps {
        let (width, size) = (maps.channels, maps.side * maps.side)
        let normed = compute.activations(rows: maps.places.rows, columns: width)
        if let norm { compute.layerNorm(norm, maps.places, into: normed) }
        if let scale { compute.scale(maps.places, factors: scale.factors, terms: scale.terms, into: normed) }
        let projected = compute.activations(rows: maps.places.rows, columns: 3 * width)
        compute.linear([
            LinearProduct(query, normed, into: projected), LinearProduct(key, normed, into: projected, column: width),
            LinearProduct(value, normed, into: projected, column: 2 * width),
        ])
        let all = Rows(projected.all)
        compute.attention(
            (0..<maps.count).map { picture in
                let rows = picture * size..<(picture + 1) * size
                return AttentionSequence(
                    queries: all[rows], keyRows: [rows], causalPosition: nil, target: normed.all[rows])
            }, keys: all.columns(from: width), values: all.columns(from: 2 * width),
            heads: width / FastViTConfiguration.headWidth, headWidth: FastViTConfiguration.headWidth,
            isWhole: key.weights.elementType.isWhole)
        compute.linear([LinearProduct(output, normed, addedTo: maps.places)])
        mlp.add(to: maps, compute)
        return maps
    }
}

/// A depthwise convolution and two layers over the channels.
private struct ConvolutionalMLP: Sendable {
    private let convolution: DepthwiseConvolution
    private let input: Linear
    private let output: Linear

    init(_ prefix: String, width: Int, ratio: Int, from source: some TensorSource) throws(CLIPError) {
        convolution = try DepthwiseConvolution("\(prefix).conv", channels: width, kernel: 7, from: source)
        input = try Linear("\(prefix).fc1", outputs: ratio * width, inputs: width, from: source)
        output = try Linear("\(prefix).fc2", outputs: width, inputs: ratio * width, from: source)
    }

    func add(to maps: FeatureMaps, _ compute: Compute) {
        compute.linear(input, .gelu, output, compute.convolve(maps, convolution).places, addedTo: maps.places)
    }
}
