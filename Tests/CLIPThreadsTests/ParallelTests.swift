import Dispatch
import Synchronization
import Testing

@testable import CLIPThreads

@Suite struct ParallelTests {
    @Test(arguments: [1, 2, 3, 8, 64])
    func `Visits every index once`(_ threads: Int) {
        for count in [0, 1, 2, 3, 7, 63, 64, 65, 1000] {
            #expect(visits(Parallel(threads: threads), count) == Array(repeating: 1, count: count))
        }
    }

    @Test(arguments: [2, 8, 64])
    func `Serves several tasks at once`(_ threads: Int) async {
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<50).allSatisfy { _ in
                        visits(Parallel(threads: threads), 100) == Array(repeating: 1, count: 100)
                    }
                }
            }
            for await isComplete in group { #expect(isComplete) }
        }
    }

    @Test(arguments: [2, 4, 33])
    func `Work may begin more work`(_ threads: Int) {
        let sum = Atomic(0)
        Parallel(threads: threads).run(6) { outer in
            Parallel(threads: threads).run(5) { middle in
                Parallel(threads: 3).run(4) { inner in
                    sum.wrappingAdd(outer * 20 + middle * 4 + inner, ordering: .relaxed)
                }
            }
        }
        #expect(sum.load(ordering: .relaxed) == 119 * 120 / 2)
    }

    /// Every piece waits for all others, so that as many threads as there are pieces must be at work.
    @Test(arguments: [2, 3, 8])
    func `Uses every thread`(_ threads: Int) {
        let pool = WorkerPool()
        for _ in 0..<5 {
            let arrived = Atomic(0)
            Parallel(threads: threads, pool: pool).run(threads) { _ in
                arrived.add(1, ordering: .releasing)
                while arrived.load(ordering: .acquiring) < threads { spinPause() }
            }
            #expect(arrived.load(ordering: .relaxed) == threads)
        }
    }

    @Test func `Does all by itself without a thread`() {
        let pool = WorkerPool { _ in false }
        #expect(visits(Parallel(threads: 4, pool: pool), 100) == Array(repeating: 1, count: 100))
        Parallel(threads: 4, pool: pool).run(3) { _ in
            #expect(visits(Parallel(threads: 4, pool: pool), 10) == Array(repeating: 1, count: 10))
        }
    }

    /// A long region keeps its workers; meanwhile other callers get on by themselves.
    @Test func `Waits for nobody else`() {
        let pool = WorkerPool()
        let isOver = Atomic(false)
        let (began, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        DispatchQueue.global().async {
            Parallel(threads: 3, pool: pool).run(3) { _ in
                began.signal()
                while !isOver.load(ordering: .acquiring) { spinPause() }
            }
            ended.signal()
        }
        for _ in 0..<3 { began.wait() }
        #expect(visits(Parallel(threads: 3, pool: pool), 100) == Array(repeating: 1, count: 100))
        isOver.store(true, ordering: .releasing)
        ended.wait()
    }

    /// Workers that have gone to sleep come back, and what they wrote is seen.
    @Test func `Wakes sleepers`() async throws {
        for _ in 0..<3 {
            try await Task.sleep(for: .milliseconds(20))
            nonisolated(unsafe) let written = UnsafeMutablePointer<Int>.allocate(capacity: 64)
            Parallel(threads: 4).run(64) { index in written[index] = index }
            #expect((0..<64).allSatisfy { written[$0] == $0 })
            written.deallocate()
        }
    }
}

/// How often `parallel` calls for each index below `count`.
private func visits(_ parallel: Parallel, _ count: Int) -> [Int] {
    let counts = Mutex([Int](repeating: 0, count: count))
    parallel.run(count) { index in counts.withLock { $0[index] += 1 } }
    return counts.withLock { $0 }
}
