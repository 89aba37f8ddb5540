internal import CLIPCompute

/// The shape of an EfficientNet-lite: seven stages, of which depths and widths differ.
package struct EfficientNetConfiguration: Sendable, Equatable {
    /// Blocks of each stage.
    package var depths: [Int]
    /// Channels of each stage.
    package var widths: [Int]
    /// Channels in front of the stages.
    package var stemWidth: Int
    /// Channels behind them, which are pooled.
    package var features: Int

    package init(depths: [Int], widths: [Int], stemWidth: Int, features: Int) {
        self.depths = depths
        self.widths = widths
        self.stemWidth = stemWidth
        self.features = features
    }

    /// The side of the depthwise convolutions of each stage.
    static let kernels = [3, 3, 5, 3, 5, 5, 3]
    /// Places from one square of a stage's first block to the next.
    static let steps = [1, 2, 2, 2, 1, 2, 1]
    /// How many times as wide a block is in the middle, but for those of the first stage.
    var expansion: Int { 6 }

    /// The pixels along a side of a place of a stage, in front of its first block or behind that.
    static func side(stage: Int?, isBefore: Bool) -> Int? {
        guard let stage, steps.indices.contains(stage) else { return nil }
        return steps.prefix(isBefore ? stage : stage + 1).reduce(2, *)
    }
}

/// An EfficientNet-lite (Tan and Le, 2019, without squeeze and excitation): blocks that widen, convolve each channel by itself,
/// and narrow (Sandler et al., 2018). Batch norms are part of the convolutions.
///
/// Pads as TensorFlow does: of an odd number of places the one more stands behind.
struct EfficientNet: ConvolutionalNetwork {
    private let imageSize: Int
    private let stem: Convolution
    private let blocks: [Block]
    private let last: Linear
    private let projection: ProjectionLayers

    private struct Block: Sendable {
        /// Nil where the channels are those of the input.
        let widening: Linear?
        let convolution: DepthwiseConvolution
        let narrowing: Linear
        /// Whether the input is added.
        let isResidual: Bool
    }

    init(
        _ shape: EfficientNetConfiguration, _ configuration: ModelConfiguration, _ source: some TensorSource
    ) throws(CLIPError) {
        imageSize = configuration.vision.imageSize
        stem = try Convolution(
            "vision_model.conv_stem", outputs: shape.stemWidth, inputs: 3, kernel: 3, step: 2, padding: 0,
            paddingAfter: 1, from: source)
        var (blocks, width): ([Block], Int) = ([], shape.stemWidth)
        for (stage, depth) in shape.depths.enumerated() {
            for index in 0..<depth {
                let prefix = "vision_model.blocks.\(stage).\(index)"
                let kernel = EfficientNetConfiguration.kernels[stage]
                let step = index == 0 ? EfficientNetConfiguration.steps[stage] : 1
                let (inner, outputs) = (stage == 0 ? width : shape.expansion * width, shape.widths[stage])
                blocks.append(
                    Block(
                        widening: stage == 0
                            ? nil : try Linear("\(prefix).conv_pw", outputs: inner, inputs: width, from: source),
                        convolution: try DepthwiseConvolution(
                            "\(prefix).conv_dw", channels: inner, kernel: kernel, step: step,
                            padding: (kernel - step) / 2, from: source),
                        narrowing: try Linear(
                            "\(prefix).\(stage == 0 ? "conv_pw" : "conv_pwl")", outputs: outputs, inputs: inner,
                            from: source), isResidual: step == 1 && width == outputs))
                width = outputs
            }
        }
        self.blocks = blocks
        last = try Linear("vision_model.conv_head", outputs: shape.features, inputs: width, from: source)
        projection = try ProjectionLayers(
            "visual_projection", configuration.vision.projection, inputs: shape.features,
            outputs: configuration.embeddingDimension, from: source)
    }

    func embed(_ pixels: UnsafePointer<Float>, count: Int, _ compute: Compute) throws(CLIPError) -> [Float] {
        var maps = compute.convolve(pixels: pixels, count: count, size: imageSize, stem, activation: .relu6)
        for block in blocks {
            try checkCancellation()
            let wide = block.widening.map { compute.linear($0, maps, activation: .relu6) } ?? maps
            let convolved = compute.convolve(wide, block.convolution, activation: .relu6)
            if block.isResidual {
                compute.linear(block.narrowing, convolved, addedTo: maps)
            } else {
                maps = compute.linear(block.narrowing, convolved, activation: .identity)
            }
        }
        return projection(compute.means(of: compute.linear(last, maps, activation: .relu6)), compute: compute)
    }
}
