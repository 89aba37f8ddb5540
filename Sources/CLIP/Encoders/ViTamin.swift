internal import CLIPCompute

/// The shape of the convolutions in front of a ViTamin's transformer.
package struct ViTaminConfiguration: Sendable, Equatable {
    /// Blocks of each stage.
    package var depths: [Int]
    /// Channels of each stage; those of the first are the stem's too.
    package var widths: [Int]

    package init(depths: [Int], widths: [Int]) {
        self.depths = depths
        self.widths = widths
    }

    /// How many times as wide a block is in the middle.
    static let expansion = 4
    /// The ε of every norm.
    static let layerNormEpsilon: Float = 1e-6
    /// The pixels along a side of a patch: stem, stages and the convolution behind them halve the side.
    var patchSize: Int { 4 << depths.count }

    /// Floating-point operations of one picture, two per multiply-add.
    func operations(imageSize: Int, width: Int) -> Double {
        func square(_ side: Int) -> Int { (imageSize / side) * (imageSize / side) }
        var (side, channels) = (2, widths[0])
        var products = square(side) * 9 * channels * (3 + channels)
        for (depth, outputs) in zip(depths, widths) {
            for block in 0..<depth {
                let inner = ViTaminConfiguration.expansion * outputs
                products += square(side) * channels * inner
                if block == 0 { side *= 2 }
                products += square(side) * (9 * inner + inner * outputs)
                if block == 0, channels != outputs { products += square(side) * channels * outputs }
                channels = outputs
            }
        }
        return Double(2 * (products + square(2 * side) * 9 * channels * width))
    }
}

/// The first stages of a ViTamin (Chen et al., 2024): a stem, blocks of MBConv with layer norms, and a convolution whose
/// places are the patches of a transformer.
struct ViTaminStages: Sendable {
    private let imageSize: Int
    private let stem: (first: Convolution, norm: LayerNorm, second: Convolution)
    private let blocks: [Block]
    private let norm: LayerNorm
    private let last: Convolution

    private struct Block: Sendable {
        let norm: LayerNorm
        let widening: Linear
        let convolution: DepthwiseConvolution
        let narrowing: Linear
        /// What is added to a block that halves the side has the channels of its output by this, if its input hasn't.
        let shortcut: Linear?
    }

    /// - Parameter width: that of the transformer behind them.
    init(
        _ shape: ViTaminConfiguration, imageSize: Int, width: Int, from source: some TensorSource
    ) throws(CLIPError) {
        self.imageSize = imageSize
        let prefix = "vision_model.convolutions"
        let epsilon = ViTaminConfiguration.layerNormEpsilon
        var channels = shape.widths[0]
        stem = (
            try Convolution("\(prefix).stem.conv1", outputs: channels, inputs: 3, kernel: 3, step: 2, from: source),
            try LayerNorm("\(prefix).stem.norm1", width: channels, epsilon: epsilon, from: source),
            try Convolution("\(prefix).stem.conv2", outputs: channels, inputs: channels, kernel: 3, from: source)
        )
        var blocks: [Block] = []
        for (stage, outputs) in shape.widths.enumerated() {
            for index in 0..<shape.depths[stage] {
                let path = "\(prefix).stages.\(stage).\(index)"
                let inner = ViTaminConfiguration.expansion * outputs
                blocks.append(
                    Block(
                        norm: try LayerNorm("\(path).pre_norm", width: channels, epsilon: epsilon, from: source),
                        widening: try Linear("\(path).conv1_1x1", outputs: inner, inputs: channels, from: source),
                        convolution: try DepthwiseConvolution(
                            "\(path).conv2_kxk", channels: inner, kernel: 3, step: index == 0 ? 2 : 1, from: source),
                        narrowing: try Linear("\(path).conv3_1x1", outputs: outputs, inputs: inner, from: source),
                        shortcut: channels == outputs
                            ? nil
                            : try Linear("\(path).shortcut.expand", outputs: outputs, inputs: channels, from: source)))
                channels = outputs
            }
        }
        self.blocks = blocks
        norm = try LayerNorm("\(prefix).pool.norm", width: channels, epsilon: epsilon, from: source)
        last = try Convolution(
            "\(prefix).pool.proj", outputs: width, inputs: channels, kernel: 3, step: 2, from: source)
    }

    /// - Parameter pixels: `[count, 3, imageSize, imageSize]`.
    /// - Returns: the patches, without positions.
    func callAsFunction(
        _ pixels: UnsafePointer<Float>, count: Int, _ compute: Compute
    ) throws(CLIPError) -> FeatureMaps {
        var maps = compute.convolve(pixels: pixels, count: count, size: imageSize, stem.first)
        compute.layerNorm(stem.norm, maps.places, into: maps.places)
        compute.activate(maps.places.all, columns: maps.channels, .gelu)
        maps = compute.convolve(maps, stem.second)
        for block in blocks {
            try checkCancellation()
            let normed = compute.maps(count: count, side: maps.side, channels: maps.channels)
            compute.layerNorm(block.norm, maps.places, into: normed.places)
            let wide = compute.linear(block.widening, normed, activation: .gelu)
            let convolved = compute.convolve(wide, block.convolution, activation: .gelu)
            if block.convolution.step > 1 { maps = compute.averagePool(maps, size: 3, step: 2, padding: 1) }
            if let shortcut = block.shortcut { maps = compute.linear(shortcut, maps, activation: .identity) }
            compute.linear(block.narrowing, convolved, addedTo: maps)
        }
        compute.layerNorm(norm, maps.places, into: maps.places)
        return compute.convolve(maps, last)
    }
}
