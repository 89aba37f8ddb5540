extension CLIPModel {
    /// What the image encoder sees of a picture: fitted, normalised.
    /// - Returns: `[crops, 3, S, S]`, one crop unless `fit` is `.multicrop`.
    public func preprocess(_ image: Image, fit: ImageFit? = nil) throws(CLIPError) -> PixelTensor { throw notYet }

    /// What the image encoder sees of a picture, as pictures of the model's size, before normalisation.
    /// - Returns: one picture, or several if `fit` is `.multicrop`.
    public func fittedImages(of image: Image, fit: ImageFit? = nil) throws(CLIPError) -> [Image] { throw notYet }

    /// Embeds one picture.
    /// - Parameters:
    ///   - fit: how a picture that is not square becomes square; nil is the model's own preprocessing.
    ///   - normalize: whether the result has length 1.
    public func embed(
        _ image: Image, fit: ImageFit? = nil, normalize: Bool = true
    ) throws(CLIPError) -> Embedding { throw notYet }

    /// Embeds many pictures, in batches.
    /// - Returns: an embedding per picture, in order. Each is bit-identical to what the picture gives alone.
    public func embed(
        _ images: [Image], fit: ImageFit? = nil, normalize: Bool = true
    ) throws(CLIPError) -> [Embedding] { throw notYet }

    /// Embeds many pictures without blocking the caller's executor.
    /// - Throws: `CancellationError` between batches once the task is cancelled, else `CLIPError`.
    public func embed(
        _ images: [Image], fit: ImageFit? = nil, normalize: Bool = true
    ) async throws -> [Embedding] { throw notYet }

    /// Reads, decodes and embeds pictures one batch after another, decoding the next while it encodes the last.
    ///
    /// Memory does not grow with the number of pictures: at most two batches are in memory.
    /// - Parameters:
    ///   - inputs: files or bytes, taken as they are needed.
    ///   - body: called once per input, in order, on the caller's thread. A picture that can't be read or decoded brings
    ///     its error, and the rest goes on. What `body` throws ends the run.
    public func embedEach(
        _ inputs: some Sequence<ImageInput>, options: ImageOptions = ImageOptions(), fit: ImageFit? = nil,
        normalize: Bool = true, batchSize: Int = 32,
        _ body: (ImageInput, Result<Embedding, CLIPError>) throws -> Void
    ) throws { throw notYet }

    /// The same as an asynchronous sequence, in order; cancelling the task that reads it ends the work.
    public func embeddings(
        of inputs: [ImageInput], options: ImageOptions = ImageOptions(), fit: ImageFit? = nil, normalize: Bool = true
    ) -> AsyncStream<(ImageInput, Result<Embedding, CLIPError>)> { fatalError() }
}

/// Where a picture comes from.
public enum ImageInput: Sendable, Equatable {
    /// A file, by its path.
    case file(String)
    /// The bytes of a picture file, and the name to call it by.
    case bytes([UInt8], name: String)

    /// The path or name.
    public var name: String {
        switch self {
        case .file(let path): path
        case .bytes(_, let name): name
        }
    }
}

/// A picture as the image encoder takes it.
public struct PixelTensor: Sendable, Equatable {
    /// `[crops, 3, height, width]`.
    public let shape: [Int]
    /// The normalised values, row-major.
    public let values: [Float]
}
