internal import CLIPSystem
import Synchronization

/// Threads for work that its caller does not wait for at once. They are started when they are first needed, and stay.
package final class BackgroundThreads: Sendable {
    package typealias Job = @Sendable () -> Void

    package static let shared = BackgroundThreads(limit: 2 * ProcessorCount.usable + 2)

    private struct State {
        /// Those that nobody has begun, the oldest first.
        var waiting: [Job] = []
        var threads = 0
        var busy = 0
    }

    private let limit: Int
    private let startOne: ThreadStart
    private let state = Mutex(State())
    private let parking = Parking()

    /// - Parameter limit: the most threads, at least 1.
    init(limit: Int, start: @escaping ThreadStart = startThread) {
        self.limit = limit
        startOne = start
    }

    /// Hands over a job, which runs now or as soon as another is done. No job may wait for one that was handed over
    /// later.
    /// - Returns: false, with nothing handed over, when there is no thread and the system has none: the caller has to do
    ///   it.
    package func start(_ job: @escaping Job) -> Bool {
        let isTaken = state.withLock { state in
            if state.waiting.count >= state.threads - state.busy, state.threads < limit,
                startOne({ [self] in serve() })
            {
                state.threads += 1
            }
            guard state.threads > 0 else { return false }
            state.waiting.append(job)
            return true
        }
        if isTaken { parking.wake() }
        return isTaken
    }

    private func serve() -> Never {
        while true {
            var job: Job?
            parking.sleep {
                job = take()
                return job == nil
            }
            job?()
            job = nil
            state.withLock { $0.busy -= 1 }
        }
    }

    private func take() -> Job? {
        state.withLock { state in
            guard !state.waiting.isEmpty else { return nil }
            state.busy += 1
            return state.waiting.removeFirst()
        }
    }
}
