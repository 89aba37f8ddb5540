/// Runs independent pieces of work on several cores.
package struct Parallel: Sendable {
    /// At most so many pieces run at once.
    package let threads: Int
    private let pool: WorkerPool

    /// - Parameter pool: whose workers help. Work that goes on beside an encoder's takes another pool than that.
    package init(threads: Int, pool: WorkerPool = .shared) {
        self.threads = threads
        self.pool = pool
    }

    /// Calls `body` once for each index below `count` and returns when all are done.
    ///
    /// The caller works too, beside workers that have nothing else to do: regions may be nested, and any number of
    /// threads may call at once. Where the system has no thread left, the caller does all.
    package func run(_ count: Int, _ body: (Int) -> Void) {
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
