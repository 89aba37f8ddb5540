internal import CLIPSystem
internal import CLIPThreads

/// Reads, decodes and fits batches of pictures, on other threads while the last batch is encoded.
struct PicturePreparation: Sendable {
    let loaded: LoadedModel
    let options: PictureOptions
    let fit: PictureFit?

    /// Starts on a batch. With one thread, or where the system has no other, the work is left to whoever waits for it.
    func start(_ inputs: [PictureInput]) -> PictureBatch {
        let batch = PictureBatch(inputs, preparation: self)
        if loaded.compute.threads > 1 && !inputs.isEmpty {
            _ = BackgroundThreads.shared.start { batch.wait() }
        }
        return batch
    }

    fileprivate func prepare(_ inputs: [PictureInput]) -> [Result<PreparedPicture, CLIPError>] {
        let slots = PictureSlots(count: inputs.count)
        let options = options.sharing(loaded.compute.threads, among: inputs.count)
        Parallel(threads: loaded.compute.threads, pool: .pictures).run(inputs.count) { index in
            slots.set(
                index,
                Result { () throws(CLIPError) in
                    try prepare(inputs[index], options, isAlone: inputs.count == 1)
                })
        }
        return slots.results
    }

    private func prepare(
        _ input: PictureInput, _ options: PictureOptions, isAlone: Bool
    ) throws(CLIPError) -> PreparedPicture {
        let image =
            switch input {
            case .file(let path): try Picture(path: PathBytes(path), options: options)
            case .filePath(let bytes): try Picture(path: PathBytes(bytes), options: options)
            case .bytes(let bytes, let name): try Picture(bytes: bytes, name: name, options: options)
            }
        return loaded.prepare(image, fit: fit, isAlone: isAlone)
    }
}

/// A batch of pictures that is being prepared.
final class PictureBatch: Sendable {
    let inputs: [PictureInput]
    private let preparation: PicturePreparation
    private let results = LazyPart<[Result<PreparedPicture, CLIPError>]>()

    fileprivate init(_ inputs: [PictureInput], preparation: PicturePreparation) {
        self.inputs = inputs
        self.preparation = preparation
    }

    /// The pictures, or why there are none, in order.
    @discardableResult
    func wait() -> [Result<PreparedPicture, CLIPError>] {
        results.value { preparation.prepare(inputs) }
    }
}

extension LoadedModel {
    /// Embeds the pictures of a batch that could be prepared.
    func embed(
        _ batch: [Result<PreparedPicture, CLIPError>], normalize: Bool
    ) throws(CLIPError) -> [Result<Embedding, CLIPError>] {
        var embeddings = try embed(batch.compactMap { try? $0.get() }, normalize: normalize).makeIterator()
        return batch.map { result in result.map { _ in embeddings.next() ?? Embedding(values: []) } }
    }
}

/// A place for each picture of a batch, each written once by one thread.
private final class PictureSlots: @unchecked Sendable {
    private let slots: UnsafeMutableBufferPointer<Result<PreparedPicture, CLIPError>?>

    init(count: Int) {
        slots = .allocate(capacity: count)
        slots.initialize(repeating: nil)
    }

    deinit {
        slots.deinitialize()
        slots.deallocate()
    }

    func set(_ index: Int, _ result: Result<PreparedPicture, CLIPError>) { slots[index] = result }

    /// Once all are written.
    var results: [Result<PreparedPicture, CLIPError>] { slots.compactMap { $0 } }
}
