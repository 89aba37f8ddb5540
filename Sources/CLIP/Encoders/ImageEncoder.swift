package import CLIPCompute

/// The image tower: pictures to embeddings.
package struct ImageEncoder: Sendable {
    private let imageSize: Int
    private let tower: any ImageTower

    /// Reads the tensors of the image tower, and no others.
    /// - Throws: `CLIPError` when one is missing or of another shape.
    package init(configuration: ModelConfiguration, weights: some TensorSource) throws(CLIPError) {
        try self.init(configuration: configuration, weights: weights, release: nil)
    }

    /// - Parameter release: given, layers of a transformer are read when their turn comes and not kept: it gives back the
    ///   memory of one.
    init(
        configuration: ModelConfiguration, weights: some TensorSource, release: (@Sendable () -> Void)?
    ) throws(CLIPError) {
        imageSize = configuration.vision.imageSize
        tower =
            switch configuration.vision.tower {
            case .transformer:
                try VisionTransformer(configuration: configuration, weights: weights, release: release)
            case .resNet(let shape): try ResNet(shape, configuration, weights)
            case .convNeXt(let shape): try ConvNeXt(shape, configuration, weights)
            case .fastViT(let shape): try FastViT(shape, configuration, weights)
            case .efficientNet(let shape): try EfficientNet(shape, configuration, weights)
            }
    }

    /// Embeds pictures that preprocessing has brought to the model's size.
    ///
    /// - Parameter pixels: `[count, 3, imageSize, imageSize]`.
    /// - Returns: `[count, embeddingDimension]`, not normalised; the same to the bit for any `count` and any number of
    ///   threads.
    /// - Throws: `CLIPError` of kind `.cancelled`, within the time that a layer takes.
    package func embed(pixels: UnsafePointer<Float>, count: Int, compute: Compute) throws(CLIPError) -> [Float] {
        let limit = tower.picturesAtOnce(compute)
        // As few groups as hold them, all of about the same size.
        let groupCount = max(1, (count + limit - 1) / limit)
        let group = max(1, (count + groupCount - 1) / groupCount)
        let imageFloats = 3 * imageSize * imageSize
        var embeddings: [Float] = []
        for first in stride(from: 0, to: count, by: group) {
            embeddings += try tower.embed(pixels + first * imageFloats, count: min(group, count - first), compute)
        }
        return embeddings
    }
}

/// The network of an image encoder.
protocol ImageTower: Sendable {
    /// The most pictures that go through it together.
    func picturesAtOnce(_ compute: Compute) -> Int
    /// - Parameter pixels: `[count, 3, imageSize, imageSize]`.
    /// - Returns: `[count, embeddingDimension]`.
    func embed(_ pixels: UnsafePointer<Float>, count: Int, _ compute: Compute) throws(CLIPError) -> [Float]
}
