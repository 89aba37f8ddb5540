internal import CLIPSystem
import Synchronization

/// Whether work that was begun is still wanted.
///
/// Swift tells the thread that runs a task whether it was cancelled, and no other. Work that goes on elsewhere for a task
/// carries one of these along: whatever it calls asks `Cancellation.isRequested`, on every thread.
package final class Cancellation: @unchecked Sendable {
    private let isSet = Atomic(false)
    private let outer = Cancellation.current
    /// Who waits for the work, and so is there as long as anybody asks.
    private let task: UnsafeCurrentTask?

    private init(task: UnsafeCurrentTask?) { self.task = task }

    /// That of a piece of work which nobody has to wait for.
    package convenience init() { self.init(task: nil) }

    /// That of a piece of work which the caller waits for in any case: it asks the caller's task too.
    package static func ofCaller() -> Cancellation { Cancellation(task: withUnsafeCurrentTask { $0 }) }

    /// Says that the work is no longer wanted. It ends when it next asks.
    package func cancel() { isSet.store(true, ordering: .relaxed) }

    /// Whether this work, or what it is a part of, is no longer wanted. Once it is so it stays so.
    package var isRequested: Bool {
        isSet.load(ordering: .relaxed) || outer?.isRequested ?? false || task?.isCancelled ?? false
    }

    /// Whether what this thread does is no longer wanted. Once it is so it stays so.
    package static var isRequested: Bool { Task.isCancelled || current?.isRequested ?? false }

    /// Does work that asks this.
    package func during<Value>(_ work: () -> Value) -> Value {
        guard let key = Cancellation.key else { return work() }
        let before = pthread_getspecific(key)
        pthread_setspecific(key, Unmanaged.passUnretained(self).toOpaque())
        defer { pthread_setspecific(key, before) }
        return withExtendedLifetime(self) { work() }
    }

    /// That of the work which this thread does for another.
    ///
    /// A value of the thread, not of the task: a task that such work starts, and doesn't wait for, is not a part of it.
    private static var current: Cancellation? {
        guard let key, let value = pthread_getspecific(key) else { return nil }
        return Unmanaged<Cancellation>.fromOpaque(value).takeUnretainedValue()
    }

    /// nil when the system has none left.
    private static let key: pthread_key_t? = {
        var key = pthread_key_t()
        return pthread_key_create(&key, nil) == 0 ? key : nil
    }()
}
