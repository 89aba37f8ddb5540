internal import CLIPThreads

/// Runs `work` on another thread: those that tasks share are few, and an encoder keeps one for long. Where there is no
/// other, the task's own thread does it.
func offloaded<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        let job: BackgroundThreads.Job = { continuation.resume(returning: work()) }
        if !BackgroundThreads.shared.start(job) { job() }
    }
}

/// Calls `encode` for one batch of `elements` after another, off the caller's executor.
/// - Throws: `CancellationError` between batches once the task is cancelled, else what `encode` throws.
func inBatches<Element: Sendable>(
    _ elements: [Element], of size: Int,
    _ encode: @escaping @Sendable (ArraySlice<Element>) throws(CLIPError) -> [Embedding]
) async throws -> [Embedding] {
    var embeddings: [Embedding] = []
    embeddings.reserveCapacity(elements.count)
    for start in stride(from: 0, to: elements.count, by: size) {
        try Task.checkCancellation()
        let batch = elements[start..<min(start + size, elements.count)]
        embeddings += try await offloaded { Result { () throws(CLIPError) in try encode(batch) } }.get()
    }
    return embeddings
}
