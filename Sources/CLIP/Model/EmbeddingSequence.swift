internal import CLIPThreads
internal import Synchronization

/// Pictures or texts that are embedded as their results are asked for.
struct EmbeddingSequence<Inputs: AsyncSequence & Sendable, Prepared: Sendable>: AsyncSequence, Sendable
where Inputs.Element: Sendable, Inputs.Failure == Never {
    typealias Element = (input: Inputs.Element, result: Result<Embedding, CLIPError>)
    typealias Failure = CLIPError
    typealias Preparation = OrderedBatches<Inputs.Element, Result<Prepared, CLIPError>>

    let inputs: Inputs
    /// Whether a batch waits until it is full, rather than for its first input alone.
    let fillsBatches: Bool
    let batchSize: Int
    let preparation: Preparation
    /// Embeds a batch of what was prepared.
    let embed: @Sendable ([Result<Prepared, CLIPError>]) throws(CLIPError) -> [Result<Embedding, CLIPError>]

    func makeAsyncIterator() -> Iterator { Iterator(run: Run(self)) }

    struct Iterator: AsyncIteratorProtocol {
        fileprivate let run: Run

        mutating func next(isolation actor: isolated (any Actor)?) async throws(CLIPError) -> Element? {
            try await run.next(isolation: actor)
        }
    }

    /// One reading of the sequence. What it has begun ends with it.
    fileprivate final class Run {
        private let sequence: EmbeddingSequence
        private let inbox: Inbox<Inputs.Element>
        private let cancellation = Cancellation()
        private var reader: Task<Void, Never>?
        private var batch: Preparation.Batch?
        /// What is embedded and not yet asked for, the next one last.
        private var ready: [Element] = []

        init(_ sequence: EmbeddingSequence) {
            self.sequence = sequence
            inbox = Inbox(capacity: sequence.batchSize)
        }

        deinit { end() }

        private func end() {
            reader?.cancel()
            inbox.close()
            cancellation.cancel()
        }

        func next(isolation actor: isolated (any Actor)?) async throws(CLIPError) -> Element? {
            if ready.isEmpty {
                do throws(CLIPError) {
                    try await embedBatch(isolation: actor)
                } catch {
                    // The sequence ends with its first error.
                    end()
                    batch = nil
                    throw error
                }
            }
            return ready.popLast()
        }

        private func embedBatch(isolation actor: isolated (any Actor)?) async throws(CLIPError) {
            startReading()
            try checkCancellation()
            if batch == nil {
                batch = start(await inbox.take(atLeast: sequence.fillsBatches ? sequence.batchSize : 1))
                try checkCancellation()
            }
            guard let current = batch else { return }
            let prepared = try await withoutBlocking { () throws(CLIPError) in current.outputs() }
            batch = start(sequence.fillsBatches ? await inbox.take(atLeast: sequence.batchSize) : inbox.takeAll())
            let embed = sequence.embed
            let results = try await withoutBlocking { () throws(CLIPError) in try embed(prepared) }
            ready = zip(current.inputs, results).map { (input: $0, result: $1) }.reversed()
        }

        private func startReading() {
            guard reader == nil else { return }
            let (inputs, inbox) = (sequence.inputs, inbox)
            reader = Task {
                for await input in inputs {
                    guard await inbox.put(input) else { return }
                }
                inbox.finish()
            }
        }

        private func start(_ inputs: [Inputs.Element]) -> Preparation.Batch? {
            inputs.isEmpty ? nil : sequence.preparation.start(inputs, cancellation)
        }
    }
}

/// The elements of a sequence that are there without waiting.
struct UnhurriedSequence<Base: Sequence & Sendable>: AsyncSequence, Sendable {
    typealias Element = Base.Element
    typealias Failure = Never

    let base: Base

    func makeAsyncIterator() -> Iterator { Iterator(base: base.makeIterator()) }

    struct Iterator: AsyncIteratorProtocol {
        var base: Base.Iterator

        mutating func next(isolation actor: isolated (any Actor)?) async -> Base.Element? { base.next() }
    }
}

/// Elements on their way from one task to another, a limited number of them: who puts them in waits for room.
final class Inbox<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        /// No more come.
        var isFinished = false
        /// Nobody wants any.
        var isClosed = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?

        mutating func takeAll() -> [Element] {
            defer { elements = [] }
            return elements
        }
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) { self.capacity = capacity }

    /// Puts an element in, once there is room.
    /// - Returns: false when nobody wants any more.
    func put(_ element: Element) async -> Bool {
        while true {
            let isPut: Bool? = state.withLock { state in
                if state.isClosed { return false }
                guard state.elements.count < capacity else { return nil }
                state.elements.append(element)
                return true
            }
            if let isPut {
                if isPut { wake(\.reader) }
                return isPut
            }
            await wait(\.writer) { $0.isClosed || $0.elements.count < self.capacity }
        }
    }

    /// Says that no more elements come.
    func finish() {
        state.withLock { $0.isFinished = true }
        wake(\.reader)
    }

    /// Says that nobody wants any more elements.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.elements = []
        }
        wake(\.reader)
        wake(\.writer)
    }

    /// The elements that are there, once there are so many of them, or no more come; none when the task is cancelled.
    func take(atLeast count: Int) async -> [Element] {
        await withTaskCancellationHandler {
            await wait(\.reader) { $0.isClosed || $0.isFinished || $0.elements.count >= count }
        } onCancel: {
            close()
        }
        return takeAll()
    }

    /// The elements that are there.
    func takeAll() -> [Element] {
        let elements = state.withLock { $0.takeAll() }
        wake(\.writer)
        return elements
    }

    private func wait(
        _ place: WritableKeyPath<State, CheckedContinuation<Void, Never>?> & Sendable,
        until isReached: @Sendable (State) -> Bool
    ) async {
        while !state.withLock({ isReached($0) }) {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if isReached(state) { return true }
                    state[keyPath: place] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        }
    }

    private func wake(_ place: WritableKeyPath<State, CheckedContinuation<Void, Never>?> & Sendable) {
        state.withLock { state in
            defer { state[keyPath: place] = nil }
            return state[keyPath: place]
        }?.resume()
    }
}
