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

    /// Embeds squares of the model's size.
    ///
    /// - Parameter pixels: `[count, 3, imageSize, imageSize]`.
    /// - Returns: as of pictures of any size.
    /// - Throws: `CLIPError` of kind `.cancelled`, within the time that a layer takes.
    package func embed(pixels: UnsafePointer<Float>, count: Int, compute: Compute) throws(CLIPError) -> [Float] {
        try embed(pixels: pixels, sizes: Array(repeating: PixelSize(side: imageSize), count: count), compute: compute)
    }

    /// Embeds pictures that preprocessing has brought to a size that the model takes.
    ///
    /// - Parameters:
    ///   - pixels: one after another, `[3, height, width]` each.
    ///   - sizes: each picture's. Only an encoder whose pictures keep their shape takes others than the model's square.
    /// - Returns: `[sizes.count, embeddingDimension]`, not normalised; the same to the bit whatever pictures are beside one,
    ///   and for any number of threads.
    /// - Throws: `CLIPError` of kind `.cancelled`, within the time that a layer takes.
    package func embed(
        pixels: UnsafePointer<Float>, sizes: [PixelSize], compute: Compute
    ) throws(CLIPError) -> [Float] {
        guard let largest = sizes.max(by: { $0.valueCount < $1.valueCount }) else { return [] }
        let (count, limit) = (sizes.count, tower.picturesAtOnce(of: largest, compute))
        // As few groups as hold them, all of about the same size.
        let groupCount = max(1, (count + limit - 1) / limit)
        let group = max(1, (count + groupCount - 1) / groupCount)
        var embeddings: [Float] = []
        var start = pixels
        for first in stride(from: 0, to: count, by: group) {
            let members = Array(sizes[first..<min(first + group, count)])
            embeddings += try tower.embed(start, sizes: members, compute)
            start += members.reduce(0) { $0 + $1.valueCount }
        }
        return embeddings
    }
}

/// The network of an image encoder.
protocol ImageTower: Sendable {
    /// The most pictures of a size that go through it together.
    func picturesAtOnce(of size: PixelSize, _ compute: Compute) -> Int
    /// - Parameter pixels: pictures of these sizes, one after another.
    /// - Returns: `[sizes.count, embeddingDimension]`.
    func embed(_ pixels: UnsafePointer<Float>, sizes: [PixelSize], _ compute: Compute) throws(CLIPError) -> [Float]
}

/// A network of convolutions, over squares of one size.
protocol ConvolutionalNetwork: ImageTower {
    /// - Parameter pixels: `[count, 3, imageSize, imageSize]`.
    /// - Returns: `[count, embeddingDimension]`.
    func embed(_ pixels: UnsafePointer<Float>, count: Int, _ compute: Compute) throws(CLIPError) -> [Float]
}

extension ConvolutionalNetwork {
    /// The maps of more would leave the caches between one layer and the next.
    func picturesAtOnce(of size: PixelSize, _ compute: Compute) -> Int { 2 }

    func embed(_ pixels: UnsafePointer<Float>, sizes: [PixelSize], _ compute: Compute) throws(CLIPError) -> [Float] {
        try embed(pixels, count: sizes.count, compute)
    }
}
