internal import CLIPCompute

/// The shape of a ConvNeXt.
package struct ConvNeXtConfiguration: Sendable, Equatable {
    /// Blocks of each stage.
    package var depths: [Int]
    /// Channels of each stage.
    package var widths: [Int]

    package init(depths: [Int], widths: [Int]) {
        self.depths = depths
        self.widths = widths
    }
}

/// A ConvNeXt (Liu et al., 2022): in each block a depthwise convolution, a norm and an MLP over the channels.
struct ConvNeXt: ConvolutionalNetwork {
    private let imageSize: Int
    private let stem: Convolution
    private let stemNorm: LayerNorm
    private let stages: [Stage]
    private let norm: LayerNorm
    private let projection: ProjectionLayers

    private struct Stage: Sendable {
        /// Between this stage and the one before.
        var transition: (norm: LayerNorm, convolution: Convolution)?
        var blocks: [Block]
    }

    private struct Block: Sendable {
        let convolution: DepthwiseConvolution
        let norm: LayerNorm
        let mlpInput: Linear
        /// LayerScale is part of it.
        let mlpOutput: Linear

        init(_ prefix: String, width: Int, epsilon: Float, from source: some TensorSource) throws(CLIPError) {
            convolution = try DepthwiseConvolution("\(prefix).conv_dw", channels: width, kernel: 7, from: source)
            norm = try LayerNorm("\(prefix).norm", width: width, epsilon: epsilon, from: source)
            mlpInput = try Linear("\(prefix).mlp.fc1", outputs: 4 * width, inputs: width, from: source)
            mlpOutput = try Linear("\(prefix).mlp.fc2", outputs: width, inputs: 4 * width, from: source)
        }
    }

    init(
        _ shape: ConvNeXtConfiguration, _ configuration: ModelConfiguration, _ source: some TensorSource
    ) throws(CLIPError) {
        imageSize = configuration.vision.imageSize
        let epsilon = configuration.vision.transformer.layerNormEpsilon
        var width = shape.widths[0]
        stem = try Convolution(
            "vision_model.stem.0", outputs: width, inputs: 3, kernel: 4, step: 4, padding: 0, from: source)
        stemNorm = try LayerNorm("vision_model.stem.1", width: width, epsilon: epsilon, from: source)
        var stages: [Stage] = []
        for (index, depth) in shape.depths.enumerated() {
            let prefix = "vision_model.stages.\(index)"
            var stage = Stage(blocks: [])
            if index > 0 {
                stage.transition = (
                    try LayerNorm("\(prefix).downsample.0", width: width, epsilon: epsilon, from: source),
                    try Convolution(
                        "\(prefix).downsample.1", outputs: shape.widths[index], inputs: width, kernel: 2, step: 2,
                        padding: 0, from: source)
                )
                width = shape.widths[index]
            }
            for block in 0..<depth {
                stage.blocks.append(
                    try Block("\(prefix).blocks.\(block)", width: width, epsilon: epsilon, from: source))
            }
            stages.append(stage)
        }
        self.stages = stages
        norm = try LayerNorm("vision_model.head.norm", width: width, epsilon: epsilon, from: source)
        projection = try ProjectionLayers(
            "visual_projection", configuration.vision.projection, inputs: width,
            outputs: configuration.embeddingDimension, from: source)
    }

    func embed(_ pixels: UnsafePointer<Float>, count: Int, _ compute: Compute) throws(CLIPError) -> [Float] {
        var maps = compute.convolve(pixels: pixels, count: count, size: imageSize, stem)
        compute.layerNorm(stemNorm, maps.places, into: maps.places)
        for stage in stages {
            if let (norm, convolution) = stage.transition {
                compute.layerNorm(norm, maps.places, into: maps.places)
                maps = compute.convolve(maps, convolution)
            }
            for block in stage.blocks {
                try checkCancellation()
                let convolved = compute.convolve(maps, block.convolution)
                compute.layerNorm(block.norm, convolved.places, into: convolved.places)
                compute.linear(block.mlpInput, .gelu, block.mlpOutput, convolved.places, addedTo: maps.places)
            }
        }
        let pooled = compute.means(of: maps)
        compute.layerNorm(norm, pooled, into: pooled)
        return projection(pooled, compute: compute)
    }
}
