internal import CLIPCompute

/// The shape of OpenAI's ResNets.
package struct ResNetConfiguration: Sendable, Equatable {
    /// Bottlenecks of each of the four stages.
    package var depths: [Int]
    /// The channels of the first stage's bottlenecks.
    package var width: Int

    package init(depths: [Int], width: Int) {
        self.depths = depths
        self.width = width
    }

    /// Channels of what the last stage gives.
    package var features: Int { 32 * width }
}

extension VisionConfiguration {
    /// An encoder that is a ResNet.
    package init(resNet shape: ResNetConfiguration, imageSize: Int, headCount: Int) {
        self.init(
            transformer: TransformerConfiguration(
                width: shape.features, intermediateWidth: shape.features, layerCount: shape.depths.reduce(0, +),
                headCount: headCount, activation: .relu), imageSize: imageSize, patchSize: 32, projection: .affine)
        tower = .resNet(shape)
    }
}

/// The ResNet of CLIP (Radford et al., 2021; He et al., 2015): three convolutions in front, means before a stride, and an
/// attention that pools. Batch norms are part of the convolutions.
struct ResNet: ConvolutionalNetwork {
    private let imageSize: Int
    private let stem: [Convolution]
    private let stages: [[Bottleneck]]
    private let pooling: MeanAttentionPooling

    init(
        _ shape: ResNetConfiguration, _ configuration: ModelConfiguration, _ source: some TensorSource
    ) throws(CLIPError) {
        imageSize = configuration.vision.imageSize
        let width = shape.width
        stem = [
            try Convolution("vision_model.conv1", outputs: width / 2, inputs: 3, kernel: 3, step: 2, from: source),
            try Convolution("vision_model.conv2", outputs: width / 2, inputs: width / 2, kernel: 3, from: source),
            try Convolution("vision_model.conv3", outputs: width, inputs: width / 2, kernel: 3, from: source),
        ]
        var channels = width
        var stages: [[Bottleneck]] = []
        for (stage, depth) in shape.depths.enumerated() {
            var blocks: [Bottleneck] = []
            for block in 0..<depth {
                blocks.append(
                    try Bottleneck(
                        "vision_model.layer\(stage + 1).\(block)", inputs: channels, width: width << stage,
                        step: stage > 0 && block == 0 ? 2 : 1, from: source))
                channels = 4 * width << stage
            }
            stages.append(blocks)
        }
        self.stages = stages
        pooling = try MeanAttentionPooling(
            "vision_model.attnpool", width: channels,
            places: configuration.vision.gridSize * configuration.vision.gridSize, configuration, from: source)
    }

    func embed(_ pixels: UnsafePointer<Float>, count: Int, _ compute: Compute) throws(CLIPError) -> [Float] {
        var maps = compute.convolve(pixels: pixels, count: count, size: imageSize, stem[0], activation: .relu)
        for convolution in stem.dropFirst() { maps = compute.convolve(maps, convolution, activation: .relu) }
        maps = compute.averagePool(maps, size: 2)
        for stage in stages {
            for block in stage {
                try checkCancellation()
                maps = block(maps, compute)
            }
        }
        return pooling(maps, compute)
    }
}

/// Three convolutions, the middle one over squares, beside what goes in.
private struct Bottleneck: Sendable {
    private let reduction: Linear
    private let convolution: Convolution
    private let expansion: Linear
    private let shortcut: Linear?
    /// The side of the squares whose means are taken.
    private let step: Int

    init(_ prefix: String, inputs: Int, width: Int, step: Int, from source: some TensorSource) throws(CLIPError) {
        self.step = step
        reduction = try Linear("\(prefix).conv1", outputs: width, inputs: inputs, from: source)
        convolution = try Convolution("\(prefix).conv2", outputs: width, inputs: width, kernel: 3, from: source)
        expansion = try Linear("\(prefix).conv3", outputs: 4 * width, inputs: width, from: source)
        shortcut =
            step > 1 || inputs != 4 * width
            ? try Linear("\(prefix).downsample.0", outputs: 4 * width, inputs: inputs, from: source) : nil
    }

    func callAsFunction(_ input: FeatureMaps, _ compute: Compute) -> FeatureMaps {
        var maps = compute.linear(reduction, input, activation: .relu)
        maps = compute.convolve(maps, convolution, activation: .relu)
        if step > 1 { maps = compute.averagePool(maps, size: step) }
        var sum = input
        if let shortcut {
            let pooled = step > 1 ? compute.averagePool(input, size: step) : input
            sum = compute.linear(shortcut, pooled, activation: .identity)
        }
        compute.linear(expansion, maps, addedTo: sum, activation: .relu)
        return sum
    }
}

/// Attention of the mean of all places to it and to them (openai/CLIP, `AttentionPool2d`).
private struct MeanAttentionPooling: Sendable {
    private let heads: Int
    /// `[places + 1, width]`, the mean's first.
    private let positions: ParameterVector
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let projection: ProjectionLayers

    init(
        _ prefix: String, width: Int, places: Int, _ configuration: ModelConfiguration, from source: some TensorSource
    ) throws(CLIPError) {
        heads = configuration.vision.transformer.headCount
        positions = try source.vector("\(prefix).positional_embedding", shape: [places + 1, width])
        query = try Linear("\(prefix).q_proj", outputs: width, inputs: width, from: source)
        key = try Linear("\(prefix).k_proj", outputs: width, inputs: width, from: source)
        value = try Linear("\(prefix).v_proj", outputs: width, inputs: width, from: source)
        projection = try ProjectionLayers(
            "visual_projection", configuration.vision.projection, inputs: width,
            outputs: configuration.embeddingDimension, from: source)
    }

    func callAsFunction(_ maps: FeatureMaps, _ compute: Compute) -> [Float] {
        let (width, size) = (maps.channels, maps.side * maps.side)
        let means = compute.means(of: maps)
        let tokens = compute.activations(rows: maps.count * (size + 1), columns: width)
        compute.forEach(tokens.rows) { row in
            let (picture, token) = row.quotientAndRemainder(dividingBy: size + 1)
            let source = token == 0 ? means.row(picture) : maps.places.row(picture * size + token - 1)
            let position = positions.start + token * width
            let target = tokens.row(row)
            for column in 0..<width { target[column] = source[column] + position[column] }
        }
        for picture in 0..<maps.count {
            means.row(picture).update(from: tokens.row(picture * (size + 1)), count: width)
        }
        let queries = compute.activations(rows: maps.count, columns: width)
        // Keys and values side by side.
        let projected = compute.activations(rows: tokens.rows, columns: 2 * width)
        compute.linear([
            LinearProduct(key, tokens, into: projected), LinearProduct(value, tokens, into: projected, column: width),
            LinearProduct(query, means, into: queries),
        ])
        compute.attention(
            (0..<maps.count).map { picture in
                AttentionSequence(
                    queries: Rows(queries.all[picture..<picture + 1]),
                    keyRows: [picture * (size + 1)..<(picture + 1) * (size + 1)], causalPosition: nil,
                    target: means.all[picture..<picture + 1])
            }, keys: Rows(projected.all), values: Rows(projected.all).columns(from: width), heads: heads,
            headWidth: width / heads, isWhole: key.weights.elementType.isWhole)
        return projection(means, compute: compute)
    }
}
