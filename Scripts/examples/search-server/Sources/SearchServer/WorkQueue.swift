/// Work that many ask for at once.
///
/// What waits is done together, as much as a batch holds; only so much is done at the same time, and only so much waits: who comes
/// then is told at once, rather than left waiting for an answer that nobody will need by then. Who is cancelled leaves the line,
/// and what nobody waits for any more is cancelled too.
actor WorkQueue<Input: Sendable, Output: Sendable> {
    private struct Asker {
        let id: Int
        let input: Input
        let continuation: CheckedContinuation<Output, any Error>
    }

    private struct Batch {
        /// nil where one has left.
        var askers: [Asker?]
        let task: Task<Void, Never>
    }

    private let batchSize: Int
    private let lanes: Int
    private let mostWaiting: Int
    private let work: @Sendable ([Input]) async throws -> [Output]
    private var waiting: [Asker] = []
    private var running: [Int: Batch] = [:]
    private var lastID = 0

    /// - Parameters:
    ///   - batchSize: how much is done together at most.
    ///   - lanes: how many batches are worked on at the same time.
    ///   - mostWaiting: how many may wait.
    ///   - work: gives an output for each input, in their order. What it throws all of them get.
    init(
        batchSize: Int, lanes: Int, mostWaiting: Int, work: @escaping @Sendable ([Input]) async throws -> [Output]
    ) {
        self.batchSize = batchSize
        self.lanes = lanes
        self.mostWaiting = mostWaiting
        self.work = work
    }

    /// A queue for work that is done one by one.
    init(lanes: Int, mostWaiting: Int, each work: @escaping @Sendable (Input) async throws -> Output) {
        self.init(batchSize: 1, lanes: lanes, mostWaiting: mostWaiting) { [try await work($0[0])] }
    }

    /// Waits for what becomes of an input.
    /// - Throws: `ServerIsBusy` when too many wait, `CancellationError` once the task is cancelled; what the work throws.
    func result(of input: Input) async throws -> Output {
        lastID += 1
        let id = lastID
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                if waiting.count >= mostWaiting { return continuation.resume(throwing: ServerIsBusy()) }
                waiting.append(Asker(id: id, input: input, continuation: continuation))
                start()
            }
        } onCancel: {
            Task { await leave(id) }
        }
    }

    /// How many wait.
    var waitingCount: Int { waiting.count }
    /// Whether nothing is worked on.
    var isIdle: Bool { running.isEmpty }

    private func start() {
        while running.count < lanes, !waiting.isEmpty {
            let askers = Array(waiting.prefix(batchSize))
            waiting.removeFirst(askers.count)
            lastID += 1
            let id = lastID
            let task = Task {
                do {
                    let outputs = try await work(askers.map(\.input))
                    finish(id) { .success(outputs[$0]) }
                } catch {
                    finish(id) { _ in .failure(error) }
                }
            }
            running[id] = Batch(askers: askers, task: task)
        }
    }

    private func finish(_ id: Int, result: (Int) -> Result<Output, any Error>) {
        for (place, asker) in (running.removeValue(forKey: id)?.askers ?? []).enumerated() {
            asker?.continuation.resume(with: result(place))
        }
        start()
    }

    private func leave(_ id: Int) {
        if let place = waiting.firstIndex(where: { $0.id == id }) {
            waiting.remove(at: place).continuation.resume(throwing: CancellationError())
        }
        for (number, batch) in running {
            guard let place = batch.askers.firstIndex(where: { $0?.id == id }) else { continue }
            batch.askers[place]?.continuation.resume(throwing: CancellationError())
            running[number]?.askers[place] = nil
            if batch.askers.enumerated().allSatisfy({ $0.offset == place || $0.element == nil }) { batch.task.cancel() }
        }
    }
}

/// More waits than would be done soon.
struct ServerIsBusy: Error {}
