/// Runs independent pieces of work on several cores.
struct Parallel: Sendable {
    /// At most so many pieces run at once.
    let threads: Int
    var pool = WorkerPool.shared

    /// Calls `body` once for each index below `count` and returns when all are done.
    ///
    /// The caller works too, beside workers that have nothing else to do: regions may be nested, and any number of
    /// threads may call at once.
    func run(_ count: Int, _ body: (Int) -> Void) {
        guard min(threads, count) > 1 else {
            for index in 0..<count { body(index) }
            return
        }
        withoutActuallyEscaping(body) { body in
            let region = UnsafeMutablePointer<ParallelRegion>.allocate(capacity: 1)
            region.initialize(to: ParallelRegion(count: count, threads: threads, body))
            pool.run(region)
            region.deinitialize(count: 1)
            region.deallocate()
        }
    }
}
