internal import CLIPPictures
internal import CLIPThreads

/// A picture as the image encoder takes it: all that is kept of it while it waits for its batch.
package struct PreparedPicture: Sendable {
    /// All of one size.
    let crops: [PixelSize]
    /// `[crops, 3, height, width]`.
    let pixels: [Float]
}

extension CLIPModel {
    /// Reads, decodes and fits pictures, in order, the next batch while the last is encoded.
    func preparation(
        options: PictureOptions, fit: PictureFit?
    ) -> OrderedBatches<PictureInput, Result<PreparedPicture, CLIPError>> {
        OrderedBatches(threads: threads) { [loaded] input, threads in
            var options = options
            options.threads = threads
            return Result { [options] () throws(CLIPError) in
                try checkCancellation()
                let picture = try input.picture(options)
                try checkCancellation()
                return loaded.prepare(picture, fit: fit, threads: threads)
            }
        }
    }

    /// What is kept of a picture until its batch is encoded.
    /// - Parameter threads: how many may resize it; the result is the same.
    package func prepared(_ picture: Picture, fit: PictureFit?, threads: Int) -> PreparedPicture {
        loaded.prepare(picture, fit: fit, threads: threads)
    }

    /// Embeds a batch; each picture as `embed` does alone.
    package func embed(_ pictures: [PreparedPicture], normalize: Bool = true) throws(CLIPError) -> [Embedding] {
        try loaded.embed(pictures, normalize: normalize)
    }
}

extension LoadedModel {
    /// What the image encoder sees of a picture.
    /// - Parameter threads: how many may resize it; nil where no other picture is prepared at the same time.
    func prepare(_ image: Picture, fit: PictureFit?, threads: Int? = nil) -> PreparedPicture {
        PreparedPicture(
            crops: preprocessor.crops(width: image.width, height: image.height, fit: fit),
            pixels: preprocessor.pixels(of: image.bitmap, fit: fit, threads: threads ?? compute.threads))
    }

    /// Embeds the pictures of a batch that could be prepared.
    func embed(
        _ batch: [Result<PreparedPicture, CLIPError>], normalize: Bool
    ) throws(CLIPError) -> [Result<Embedding, CLIPError>] {
        // A picture that was not prepared for this reason says nothing of itself.
        try checkCancellation()
        var embeddings = try embed(batch.compactMap { try? $0.get() }, normalize: normalize).makeIterator()
        return batch.map { result in result.map { _ in embeddings.next() ?? Embedding(values: []) } }
    }

    /// Embeds a batch.
    /// - Returns: an embedding per picture; that of several crops is the mean of theirs at length 1.
    func embed(_ pictures: [PreparedPicture], normalize: Bool) throws(CLIPError) -> [Embedding] {
        let crops = pictures.flatMap(\.crops)
        var pixels: [Float] = []
        // A batch of one, the usual case, is not copied.
        if pictures.count == 1 {
            pixels = pictures[0].pixels
        } else {
            pixels.reserveCapacity(crops.reduce(0) { $0 + $1.valueCount })
            for picture in pictures { pixels += picture.pixels }
        }
        return joined(try encode(pixels, crops), of: pictures, normalize: normalize)
    }

    /// An embedding per picture from those of all their crops.
    func joined(_ crops: [Embedding], of pictures: [PreparedPicture], normalize: Bool) -> [Embedding] {
        var rows = crops.makeIterator()
        return pictures.map { picture in
            Embedding(meanOf: picture.crops.compactMap { _ in rows.next() }, normalize: normalize)
        }
    }

    /// Embeds crops that lie one after another, `[3, height, width]` each. Equal ones are encoded once.
    /// - Returns: an embedding per crop, not normalised.
    func encode(_ pixels: [Float], _ crops: [PixelSize]) throws(CLIPError) -> [Embedding] {
        let distinct = pixels.withUnsafeBytes { DistinctCrops($0, crops) }
        guard distinct.firsts.count < crops.count else { return try encodeEach(pixels, crops) }
        let firsts = distinct.firsts.flatMap { pixels[distinct.ranges[$0]] }
        let embeddings = try encodeEach(firsts, distinct.firsts.map { crops[$0] })
        return distinct.places.map { embeddings[$0] }
    }

    private func encodeEach(_ pixels: [Float], _ crops: [PixelSize]) throws(CLIPError) -> [Embedding] {
        let encoder = try images()
        let values = try pixels.withUnsafeBufferPointer { buffer throws(CLIPError) -> [Float] in
            guard let start = buffer.baseAddress else { return [] }
            return try encoder.embed(pixels: start, sizes: crops, compute: compute)
        }
        return try embeddings(values)
    }

    /// The rows of an encoder's result.
    /// - Throws: `CLIPError` when the weights were written to meanwhile; when a number is infinite or no number: weights
    ///   that are used as they are mapped were not checked before.
    func embeddings(_ values: [Float]) throws(CLIPError) -> [Embedding] {
        try store.checkUnchanged()
        guard values.allSatisfy(\.isFinite) else {
            throw CLIPError(
                .model, path: store.info.path,
                "gives an embedding that is not finite: the weights are damaged", advice: .verifyWeights)
        }
        let dimension = store.info.configuration.embeddingDimension
        return stride(from: 0, to: values.count, by: dimension).map {
            Embedding(values: Array(values[$0..<$0 + dimension]))
        }
    }
}

extension Embedding {
    /// One embedding of several parts of a picture or text: the mean of their directions. Of one part it is the part
    /// itself.
    package init(meanOf parts: [Embedding], normalize: Bool) {
        guard parts.count > 1, let first = parts.first else {
            let only = parts.first ?? Embedding(values: [])
            self = normalize ? only.normalized() : only
            return
        }
        var sums = [Double](repeating: 0, count: first.values.count)
        for part in parts {
            for (index, value) in part.normalized().values.enumerated() { sums[index] += Double(value) }
        }
        let mean = Embedding(values: sums.map { Float($0 / Double(parts.count)) })
        self = normalize ? mean.normalized() : mean
    }
}
