internal import CLIPThreads

extension CLIPModel {
    /// How many pictures are encoded at once.
    private static let batchSize = 32

    /// What the image encoder sees of a picture: fitted, normalised.
    /// - Parameters:
    ///   - image: the picture.
    ///   - fit: how a picture that is not square becomes square; nil is the model's own preprocessing.
    /// - Returns: `[crops, 3, height, width]`, one crop unless `fit` is `.multicrop`. Both extents are the model's size; of
    ///   one whose pictures keep their shape (`ModelInfo.keepsShape`) they are the picture's own.
    public func preprocess(_ image: Picture, fit: PictureFit? = nil) throws(CLIPError) -> PixelTensor {
        let picture = loaded.prepare(image, fit: fit)
        let size = picture.crops[0]
        return PixelTensor(shape: [picture.crops.count, 3, size.height, size.width], values: picture.pixels)
    }

    /// What the image encoder sees of a picture, as `preprocess(_:fit:)` makes it, without blocking the caller's executor.
    /// - Throws: `CLIPError` of kind `.cancelled` once the task is cancelled.
    public func pixels(of picture: Picture, fit: PictureFit? = nil) async throws(CLIPError) -> PixelTensor {
        try await withoutBlocking { () throws(CLIPError) in try preprocess(picture, fit: fit) }
    }

    /// What the image encoder sees of a picture, as pictures of the model's size, before normalisation.
    /// - Parameters:
    ///   - image: the picture.
    ///   - fit: as in `preprocess`.
    /// - Returns: one picture, or several if `fit` is `.multicrop`.
    public func fittedPictures(of image: Picture, fit: PictureFit? = nil) throws(CLIPError) -> [Picture] {
        loaded.preprocessor.fittedBitmaps(of: image.bitmap, fit: fit).map { Picture(bitmap: $0) }
    }

    /// What the image encoder sees of a picture, enlarged to be looked at.
    /// - Parameters:
    ///   - image: the picture.
    ///   - fit: as in `preprocess`; of several crops it is the first.
    ///   - side: the least width in pixels of a square; a picture that keeps its shape has about as many pixels.
    public func view(of image: Picture, fit: PictureFit? = nil, side: Int = 448) -> Picture {
        var configuration = info.preprocessing
        let factor = max(1, (side + configuration.cropSize - 1) / configuration.cropSize)
        configuration.cropSize *= factor
        configuration.resizeSize *= factor
        configuration.patches?.side *= factor
        return Picture(bitmap: ImagePreprocessor(configuration).fittedBitmaps(of: image.bitmap, fit: fit)[0])
    }

    /// Embeds one picture.
    /// - Parameters:
    ///   - image: the picture.
    ///   - fit: how a picture that is not square becomes square; nil is the model's own preprocessing.
    ///   - normalize: whether the result has length 1.
    /// - Throws: `CLIPError` of kind `.model` when the weights have no image encoder or are damaged.
    public func embed(
        _ image: Picture, fit: PictureFit? = nil, normalize: Bool = true
    ) throws(CLIPError) -> Embedding {
        try loaded.embed([loaded.prepare(image, fit: fit)], normalize: normalize)[0]
    }

    /// Embeds one picture, as `embed(_:fit:normalize:)` does, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func embedding(
        of picture: Picture, fit: PictureFit? = nil, normalize: Bool = true
    ) async throws(CLIPError) -> Embedding {
        try await withoutBlocking { () throws(CLIPError) in try embed(picture, fit: fit, normalize: normalize) }
    }

    /// Embeds pictures that are fitted and normalised already, for programs that prepare pixels themselves.
    /// - Parameters:
    ///   - pixels: `[count, 3, height, width]`, as `preprocess` makes them.
    ///   - normalize: whether the results have length 1.
    /// - Returns: an embedding per picture; several crops of one picture are several pictures here.
    /// - Throws: `CLIPError` of kind `.argument` when the model takes no pictures of that size; else as for one picture.
    public func embed(_ pixels: PixelTensor, normalize: Bool = true) throws(CLIPError) -> [Embedding] {
        guard pixels.shape.count == 4, pixels.shape[1] == 3,
            case let size = PixelSize(width: pixels.shape[3], height: pixels.shape[2]), info.preprocessing.gives(size)
        else {
            throw CLIPError(
                .argument, "pixels of shape \(pixels.shape), expected [count, 3, \(info.preprocessing.sizeDescription)]"
            )
        }
        let embeddings = try loaded.encode(pixels.values, Array(repeating: size, count: pixels.shape[0]))
        return normalize ? embeddings.map { $0.normalized() } : embeddings
    }

    /// Embeds fitted pictures, as `embed(_:normalize:)` does, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func embeddings(of pixels: PixelTensor, normalize: Bool = true) async throws(CLIPError) -> [Embedding] {
        try await withoutBlocking { () throws(CLIPError) in try embed(pixels, normalize: normalize) }
    }

    /// Embeds many pictures, in batches, the next fitted while the last is encoded.
    /// - Returns: an embedding per picture, in order. Each is bit-identical to what the picture gives alone.
    /// - Throws: `CLIPError` as for one picture.
    public func embed(
        _ pictures: [Picture], fit: PictureFit? = nil, normalize: Bool = true
    ) throws(CLIPError) -> [Embedding] {
        let preparation = OrderedBatches(threads: threads) { [loaded] picture, threads in
            loaded.prepare(picture, fit: fit, threads: threads)
        }
        var embeddings: [Embedding] = []
        embeddings.reserveCapacity(pictures.count)
        try preparation.forEachBatch(of: pictures, size: CLIPModel.batchSize) { _, prepared throws(CLIPError) in
            embeddings += try loaded.embed(prepared, normalize: normalize)
        }
        return embeddings
    }

    /// Embeds many pictures, as `embed(_:fit:normalize:)` does, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func embeddings(
        of pictures: [Picture], fit: PictureFit? = nil, normalize: Bool = true
    ) async throws(CLIPError) -> [Embedding] {
        try await withoutBlocking { () throws(CLIPError) in try embed(pictures, fit: fit, normalize: normalize) }
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
        try preparation(options: options, fit: fit).forEachBatch(of: inputs, size: batchSize) { inputs, prepared in
            let results = try loaded.embed(prepared, normalize: normalize)
            for (input, result) in zip(inputs, results) { try body(input, result) }
        }
    }

    /// The embeddings of any number of pictures, in order, as they are asked for: the asynchronous form of `embedEach`.
    ///
    /// Nothing is done before the first is asked for. Inputs are taken at most three batches ahead of the results, and
    /// memory does not grow with their number.
    /// - Parameters:
    ///   - inputs: files or bytes.
    ///   - options: how pictures are decoded.
    ///   - fit: how a picture that is not square becomes square; nil is the model's own preprocessing.
    ///   - normalize: whether the results have length 1.
    ///   - batchSize: how many pictures are encoded at once, at least 1.
    /// - Returns: each input with its embedding, or with why there is none. The sequence throws `CLIPError` of kind `.model`
    ///   when the weights have no image encoder or are damaged, of kind `.cancelled` once the task that reads it is cancelled.
    public func embeddings(
        of inputs: some Sequence<PictureInput> & Sendable, options: PictureOptions = PictureOptions(),
        fit: PictureFit? = nil, normalize: Bool = true, batchSize: Int = 32
    ) -> some AsyncSequence<(input: PictureInput, result: Result<Embedding, CLIPError>), CLIPError> & Sendable {
        EmbeddingSequence(
            inputs: UnhurriedSequence(base: inputs), fillsBatches: true, batchSize: max(1, batchSize),
            preparation: preparation(options: options, fit: fit)
        ) { [loaded] (batch) throws(CLIPError) in try loaded.embed(batch, normalize: normalize) }
    }

    /// The embeddings of pictures that come in the course of time, in order.
    ///
    /// What has come by the time that the encoder is free is encoded at once, up to a batch: a picture doesn't wait for
    /// others. Inputs are taken at most three batches ahead of the results; whoever makes them is held up until then.
    /// - Parameters:
    ///   - inputs: files or bytes. A sequence that can fail is made one that can't by ending it where it fails.
    ///   - options: how pictures are decoded.
    ///   - fit: how a picture that is not square becomes square; nil is the model's own preprocessing.
    ///   - normalize: whether the results have length 1.
    ///   - batchSize: how many pictures are encoded at once at most, at least 1.
    /// - Returns: as for a sequence that is there already.
    public func embeddings<Inputs: AsyncSequence<PictureInput, Never> & Sendable>(
        of inputs: Inputs, options: PictureOptions = PictureOptions(), fit: PictureFit? = nil, normalize: Bool = true,
        batchSize: Int = 32
    ) -> some AsyncSequence<(input: PictureInput, result: Result<Embedding, CLIPError>), CLIPError> & Sendable {
        EmbeddingSequence(
            inputs: inputs, fillsBatches: false, batchSize: max(1, batchSize),
            preparation: preparation(options: options, fit: fit)
        ) { [loaded] (batch) throws(CLIPError) in try loaded.embed(batch, normalize: normalize) }
    }
}

/// A picture as the image encoder takes it.
public struct PixelTensor: Sendable, Equatable {
    /// The extents of the tensor, `[crops, 3, height, width]`.
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
