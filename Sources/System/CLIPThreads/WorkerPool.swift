internal import CLIPSystem
import Synchronization

/// Workers that are started when they are first needed, and stay.
package final class WorkerPool: Sendable {
    package static let shared = WorkerPool()
    /// For reading, decoding and fitting pictures, which goes on while the last batch is encoded.
    package static let pictures = WorkerPool()

    private struct State {
        var workers: [Worker] = []
        /// False once the system had no thread left.
        var canGrow = true
    }

    private let state = Mutex(State())
    private let start: ThreadStart

    init(start: @escaping ThreadStart = startThread) { self.start = start }

    /// Runs a region to its end, with as many idle workers as it has threads for.
    func run(_ region: UnsafeMutablePointer<ParallelRegion>) {
        let wanted = region.pointee.threads - 1
        var helpers: [Worker] = []
        for worker in workers(atLeast: wanted) where helpers.count < wanted && worker.offer(region) {
            helpers.append(worker)
        }
        // The others are busy, with a region around this one perhaps.
        while helpers.count < wanted, let worker = another() {
            if worker.offer(region) { helpers.append(worker) }
        }
        region.pointee.work()
        // Who hasn't begun by now finds nothing left to do.
        let absent = wanted - helpers.count + helpers.count { $0.withdraw(region) }
        region.pointee.leave(absent)
        region.pointee.wait()
    }

    /// One more worker, as long as there are cores for all.
    private func another() -> Worker? {
        state.withLock { state in
            guard state.canGrow, state.workers.count < ProcessorCount.usable - 1 else { return nil }
            guard let worker = Worker.start(start) else {
                state.canGrow = false
                return nil
            }
            state.workers.append(worker)
            return worker
        }
    }

    private func workers(atLeast count: Int) -> [Worker] {
        state.withLock { state in
            while state.workers.count < count, state.canGrow {
                if let worker = Worker.start(start) { state.workers.append(worker) } else { state.canGrow = false }
            }
            return state.workers
        }
    }
}
