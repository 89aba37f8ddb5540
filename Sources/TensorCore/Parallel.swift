import Dispatch
import Synchronization

/// Runs independent pieces of work on several cores.
struct Parallel: Sendable {
    /// At most so many pieces run at once.
    let threads: Int

    /// Calls `body` once for each index below `count`, in any order, and returns when all are done.
    func run(_ count: Int, _ body: (Int) -> Void) {
        let workers = min(threads, count)
        guard workers > 1 else {
            for index in 0..<count { body(index) }
            return
        }
        let next = Atomic(0)
        withoutActuallyEscaping(body) { body in
            nonisolated(unsafe) let body = body
            DispatchQueue.concurrentPerform(iterations: workers) { _ in
                while true {
                    let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < count else { break }
                    body(index)
                }
            }
        }
    }
}
