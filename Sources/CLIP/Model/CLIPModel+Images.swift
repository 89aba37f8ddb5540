extension CLIPModel {
    /// How many pictures are encoded at once.
    private static let batchSize = 32

    /// What the image encoder sees of a picture: fitted, normalised.
    /// - Parameter fit: how a picture that is not square becomes square; nil is the model's own preprocessing.
    /// - Returns: `[crops, 3, S, S]`, one crop unless `fit` is `.multicrop`.
    public func preprocess(_ image: Picture, fit: PictureFit? = nil) throws(CLIPError) -> PixelTensor {
        let picture = loaded.prepare(image, fit: fit)
        let side = info.preprocessing.cropSize
        return PixelTensor(shape: [picture.cropCount, 3, side, side], values: picture.pixels)
    }

    /// What the image encoder sees of a picture, as pictures of the model's size, before normalisation.
    /// - Parameter fit: as in `preprocess`.
    /// - Returns: one picture, or several if `fit` is `.multicrop`.
    public func fittedPictures(of image: Picture, fit: PictureFit? = nil) throws(CLIPError) -> [Picture] {
        loaded.preprocessor.fittedBitmaps(of: image.bitmap, fit: fit).map { Picture(bitmap: $0) }
    }

    /// The square that the image encoder sees of a picture, at least `side` pixels wide, to be looked at.
    /// - Parameter fit: as in `preprocess`; of several crops it is the first.
    public func view(of image: Picture, fit: PictureFit? = nil, side: Int = 448) -> Picture {
        var configuration = info.preprocessing
        let factor = max(1, (side + configuration.cropSize - 1) / configuration.cropSize)
        configuration.cropSize *= factor
        configuration.resizeSize *= factor
        return Picture(bitmap: ImagePreprocessor(configuration).fittedBitmaps(of: image.bitmap, fit: fit)[0])
    }

    /// Embeds one picture.
    /// - Parameters:
    ///   - fit: how a picture that is not square becomes square; nil is the model's own preprocessing.
    ///   - normalize: whether the result has length 1.
    /// - Throws: `CLIPError` of kind `.model` when the weights have no image encoder or are damaged.
    public func embed(
        _ image: Picture, fit: PictureFit? = nil, normalize: Bool = true
    ) throws(CLIPError) -> Embedding {
        try loaded.embed([loaded.prepare(image, fit: fit)], normalize: normalize)[0]
    }

    /// Embeds one picture without blocking the caller's executor.
    /// - Returns: as the synchronous method.
    /// - Throws: `CancellationError` if the task is cancelled, else `CLIPError`.
    public func embed(
        _ image: Picture, fit: PictureFit? = nil, normalize: Bool = true
    ) async throws -> Embedding {
        try await embed([image], fit: fit, normalize: normalize)[0]
    }

    /// Embeds pictures that are fitted and normalised already, for programs that prepare pixels themselves.
    /// - Parameters:
    ///   - pixels: `[count, 3, S, S]`, as `preprocess` makes them.
    ///   - normalize: whether the results have length 1.
    /// - Returns: an embedding per picture; several crops of one picture are several pictures here.
    /// - Throws: `CLIPError` of kind `.argument` when the side is not the model's; else as for one picture.
    public func embed(_ pixels: PixelTensor, normalize: Bool = true) throws(CLIPError) -> [Embedding] {
        let expected = [3, info.preprocessing.cropSize, info.preprocessing.cropSize]
        guard Array(pixels.shape.dropFirst()) == expected else {
            throw CLIPError(
                .argument, "pixels of shape \(pixels.shape), expected [count, 3, \(expected[1]), \(expected[2])]")
        }
        let embeddings = try loaded.encode(pixels.values, count: pixels.shape[0])
        return normalize ? embeddings.map { $0.normalized() } : embeddings
    }

    /// Embeds many pictures, in batches.
    /// - Returns: an embedding per picture, in order. Each is bit-identical to what the picture gives alone.
    /// - Throws: `CLIPError` as for one picture.
    public func embed(
        _ images: [Picture], fit: PictureFit? = nil, normalize: Bool = true
    ) throws(CLIPError) -> [Embedding] {
        var embeddings: [Embedding] = []
        embeddings.reserveCapacity(images.count)
        for start in stride(from: 0, to: images.count, by: CLIPModel.batchSize) {
            let batch = images[start..<min(start + CLIPModel.batchSize, images.count)]
            embeddings += try loaded.embed(batch.map { loaded.prepare($0, fit: fit) }, normalize: normalize)
        }
        return embeddings
    }

    /// Embeds many pictures without blocking the caller's executor.
    /// - Returns: as the synchronous method.
    /// - Throws: `CancellationError` between batches once the task is cancelled, else `CLIPError`.
    public func embed(
        _ images: [Picture], fit: PictureFit? = nil, normalize: Bool = true
    ) async throws -> [Embedding] {
        try await inBatches(images, of: CLIPModel.batchSize) { batch throws(CLIPError) in
            try loaded.embed(batch.map { loaded.prepare($0, fit: fit) }, normalize: normalize)
        }
    }

    /// Reads, decodes and embeds pictures one batch after another, decoding the next while it encodes the last.
    ///
    /// Memory does not grow with the number of pictures: at most two batches are in memory, each picture as the square
    /// that the encoder takes, and as many decoded pictures as there are threads. A model of one thread does one thing
    /// after the other.
    /// - Parameters:
    ///   - inputs: files or bytes, taken as they are needed.
    ///   - options: how pictures are decoded.
    ///   - fit: how a picture that is not square becomes square; nil is the model's own preprocessing.
    ///   - normalize: whether the results have length 1.
    ///   - batchSize: how many pictures are encoded at once, at least 1.
    ///   - body: called once per input, in order, on the caller's thread. A picture that can't be read or decoded brings
    ///     its error, and the rest goes on. What `body` throws ends the run.
    /// - Throws: `CLIPError` of kind `.model` when the weights have no image encoder or are damaged; what `body` throws.
    public func embedEach(
        _ inputs: some Sequence<PictureInput>, options: PictureOptions = PictureOptions(), fit: PictureFit? = nil,
        normalize: Bool = true, batchSize: Int = 32,
        _ body: (PictureInput, Result<Embedding, CLIPError>) throws -> Void
    ) throws {
        guard batchSize > 0 else { throw CLIPError(.argument, "a batch of \(batchSize) pictures, expected at least 1") }
        _ = try loaded.images()
        let preparation = PicturePreparation(loaded: loaded, options: options, fit: fit)
        var remaining = inputs.makeIterator()
        var batch = preparation.start(next(batchSize, of: &remaining))
        defer { batch.wait() }
        while !batch.inputs.isEmpty {
            let prepared = batch.wait()
            let current = batch.inputs
            batch = preparation.start(next(batchSize, of: &remaining))
            let results = try loaded.embed(prepared, normalize: normalize)
            for (input, result) in zip(current, results) { try body(input, result) }
        }
    }

    /// The same as an asynchronous sequence, in order; cancelling the task that reads it ends the work.
    ///
    /// Nothing is done before the first result is asked for, and no more than two batches ahead.
    /// - Parameters:
    ///   - inputs: files or bytes.
    ///   - options: how pictures are decoded.
    ///   - fit: how a picture that is not square becomes square; nil is the model's own preprocessing.
    ///   - normalize: whether the results have length 1.
    /// - Returns: each input with its embedding, or with why there is none.
    public func embeddings(
        of inputs: [PictureInput], options: PictureOptions = PictureOptions(), fit: PictureFit? = nil,
        normalize: Bool = true
    ) -> AsyncStream<(PictureInput, Result<Embedding, CLIPError>)> {
        let preparation = PicturePreparation(loaded: loaded, options: options, fit: fit)
        let stream = EmbeddingStream(
            inputs, preparation: preparation, normalize: normalize, batchSize: CLIPModel.batchSize)
        return AsyncStream { await stream.next() }
    }
}

/// Up to `count` more elements.
private func next<Iterator: IteratorProtocol>(_ count: Int, of iterator: inout Iterator) -> [Iterator.Element] {
    var elements: [Iterator.Element] = []
    while elements.count < count, let element = iterator.next() { elements.append(element) }
    return elements
}

/// Where a picture comes from.
public enum PictureInput: Sendable, Equatable {
    /// A file, by its path.
    case file(String)
    /// A file, by its path as the bytes that the file system has, which need not be UTF-8.
    case filePath([UInt8])
    /// The bytes of a picture file, and the name to call it by.
    case bytes([UInt8], name: String)

    /// The path or name. What is not UTF-8 is replaced, and opens nothing.
    public var name: String {
        switch self {
        case .file(let path): path
        case .filePath(let bytes): String(decoding: bytes, as: UTF8.self)
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

    /// Pixels of this shape.
    /// - Precondition: there are as many values as the shape says.
    public init(shape: [Int], values: [Float]) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values for a tensor of shape \(shape)")
        self.shape = shape
        self.values = values
    }
}
