import Synchronization

/// The workers of this process, started when they are first needed.
final class WorkerPool: Sendable {
    static let shared = WorkerPool()

    private struct State {
        var workers: [Worker] = []
        /// False once the system had no thread left.
        var canGrow = true
    }

    private let state = Mutex(State())

    /// Runs a region to its end, with as many idle workers as it has threads for.
    func run(_ region: UnsafeMutablePointer<ParallelRegion>) {
        let wanted = region.pointee.threads - 1
        var helpers: [Worker] = []
        for worker in workers(atLeast: wanted) where helpers.count < wanted && worker.offer(region) {
            helpers.append(worker)
        }
        region.pointee.work()
        // Who hasn't begun by now finds nothing left to do.
        let absent = wanted - helpers.count + helpers.count { $0.withdraw(region) }
        region.pointee.leave(absent)
        region.pointee.wait()
    }

    private func workers(atLeast count: Int) -> [Worker] {
        state.withLock { state in
            while state.workers.count < count, state.canGrow {
                if let worker = Worker.start() { state.workers.append(worker) } else { state.canGrow = false }
            }
            return state.workers
        }
    }
}
