internal import CLIPThreads
internal import Synchronization

/// Does synchronous work of this library on a thread of the library's own, and suspends the task until it is done.
///
/// This is how everything that takes long is called from a task: encoding keeps a thread for long, and those that tasks
/// share are few. What gives a result has an asynchronous form that goes this way by itself (`CLIPModel.embedding(of:)` for
/// `embed(_:)`); loading, writing, and several calls at once go through here.
/// ```swift
/// let model = try await withoutBlocking { try CLIPModel(named: "org/name") }
/// ```
/// Only where the system has no thread left, the task's own does the work.
/// - Parameter work: what to do. All calls of this library in it end soon once the task is cancelled, with `CLIPError` of
///   kind `.cancelled`: between the layers of an encoder, the stages of a picture, the blocks of a search.
/// - Returns: what `work` returns.
/// - Throws: what `work` throws, `CLIPError` alone if it says so (`{ () throws(CLIPError) in …`); `CLIPError` of kind
///   `.cancelled` when the task was cancelled before the work had begun.
public func withoutBlocking<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
) async throws(Failure) -> Value {
    let job = OffloadedWork(work)
    let result = await withTaskCancellationHandler {
        await withCheckedContinuation { job.start($0) }
    } onCancel: {
        job.cancel()
    }
    if let result { return try result.get() }
    if let error = CLIPError.cancelled as? Failure { throw error }
    // Work that has no word for it is done all the same.
    return try work()
}

/// Ends work that is no longer wanted: to be called every few milliseconds.
/// - Throws: `CLIPError` of kind `.cancelled` when the task that waits for the work was cancelled.
package func checkCancellation() throws(CLIPError) {
    if Cancellation.isRequested { throw CLIPError.cancelled }
}

extension CLIPError {
    static let cancelled = CLIPError(.cancelled, "the task was cancelled before the work was done")
}

/// Work that one thread does while a task waits for it.
private final class OffloadedWork<Value: Sendable, Failure: Error>: Sendable {
    /// Takes nil when the work won't be done.
    typealias Waiter = CheckedContinuation<Result<Value, Failure>?, Never>

    private enum State {
        case new
        case queued(Waiter)
        case begun
        case cancelled
    }

    private let work: @Sendable () throws(Failure) -> Value
    private let cancellation = Cancellation()
    private let state = Mutex(State.new)

    init(_ work: @escaping @Sendable () throws(Failure) -> Value) { self.work = work }

    func start(_ waiter: Waiter) {
        let isWanted = state.withLock { state in
            if case .cancelled = state { return false }
            state = .queued(waiter)
            return true
        }
        guard isWanted else { return waiter.resume(returning: nil) }
        if !BackgroundThreads.shared.start({ [self] in run() }) { run() }
    }

    private func run() {
        guard let waiter = leaveQueue(.begun) else { return }
        waiter.resume(returning: cancellation.during { Result(catching: work) })
    }

    /// Work that has begun ends when it next asks; what has not begun never does.
    func cancel() {
        cancellation.cancel()
        leaveQueue(.cancelled)?.resume(returning: nil)
    }

    /// The waiter, if the work has not begun.
    private func leaveQueue(_ next: State) -> Waiter? {
        state.withLock { state in
            switch state {
            case .new:
                state = next
                return nil
            case .queued(let waiter):
                state = next
                return waiter
            case .begun, .cancelled: return nil
            }
        }
    }
}
