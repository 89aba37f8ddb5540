import Dispatch
internal import Kernels
import Synchronization

/// Runs independent pieces of work on several cores.
struct Parallel: Sendable {
    /// At most so many pieces run at once.
    let threads: Int

    /// Calls `body` once for each index below `count` and returns when all are done.
    ///
    /// Every worker starts on a share of its own, neighbours in their order, so that a piece may fetch ahead what its
    /// successor needs; a worker that is done helps the others.
    func run(_ count: Int, _ body: (Int) -> Void) {
        let workers = min(threads, count)
        guard workers > 1 else {
            for index in 0..<count { body(index) }
            return
        }
        let next = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: workers)
        for worker in 0..<workers {
            (next + worker).initialize(to: Atomic(evenBlock(worker, of: workers, rows: count).lowerBound))
        }
        defer {
            next.deinitialize(count: workers)
            next.deallocate()
        }
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            nonisolated(unsafe) let next = next
            DispatchQueue.concurrentPerform(iterations: workers) { worker in
                for offset in 0..<workers {
                    let share = (worker + offset) % workers
                    let end = evenBlock(share, of: workers, rows: count).upperBound
                    while true {
                        let index = next[share].wrappingAdd(1, ordering: .relaxed).oldValue
                        guard index < end else { break }
                        body(index)
                    }
                }
            }
        }
    }
}
