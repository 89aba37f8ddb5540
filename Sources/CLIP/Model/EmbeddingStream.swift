/// Embeds pictures as their results are asked for, a batch at a time.
actor EmbeddingStream {
    typealias Element = (PictureInput, Result<Embedding, CLIPError>)

    private let inputs: [PictureInput]
    private let preparation: PicturePreparation
    private let normalize: Bool
    private let batchSize: Int
    /// How many inputs are in batches that were started.
    private var startedCount = 0
    private var batch: PictureBatch?
    /// What is embedded and not yet asked for, the next one last.
    private var ready: [Element] = []

    init(_ inputs: [PictureInput], preparation: PicturePreparation, normalize: Bool, batchSize: Int) {
        self.inputs = inputs
        self.preparation = preparation
        self.normalize = normalize
        self.batchSize = batchSize
    }

    /// The next result, in the order of the inputs; nil after the last, and once the task is cancelled.
    func next() async -> Element? {
        if ready.isEmpty { await embedBatch() }
        return ready.popLast()
    }

    private func embedBatch() async {
        guard !Task.isCancelled, let current = batch ?? startBatch() else { return }
        let (loaded, normalize) = (preparation.loaded, normalize)
        _ = await offloaded { current.wait() }
        batch = startBatch()
        let results = await offloaded { () -> [Result<Embedding, CLIPError>] in
            do throws(CLIPError) {
                return try loaded.embed(current.wait(), normalize: normalize)
            } catch {
                return current.inputs.map { _ in .failure(error) }
            }
        }
        ready = Array(zip(current.inputs, results).reversed())
    }

    private func startBatch() -> PictureBatch? {
        guard startedCount < inputs.count else { return nil }
        let end = min(startedCount + batchSize, inputs.count)
        defer { startedCount = end }
        return preparation.start(Array(inputs[startedCount..<end]))
    }
}
