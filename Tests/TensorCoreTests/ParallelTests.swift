import Synchronization
import Testing

@testable import TensorCore

@Suite struct ParallelTests {
    @Test(arguments: [1, 2, 3, 8, 64])
    func visitsEveryIndexOnce(_ threads: Int) {
        for count in [0, 1, 2, 3, 7, 63, 64, 65, 1000] {
            #expect(visits(Parallel(threads: threads), count) == Array(repeating: 1, count: count))
        }
    }

    @Test func servesSeveralTasksAtOnce() async {
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<50).allSatisfy { _ in
                        visits(Parallel(threads: 8), 100) == Array(repeating: 1, count: 100)
                    }
                }
            }
            for await isComplete in group { #expect(isComplete) }
        }
    }

    @Test func nests() {
        let sum = Atomic(0)
        Parallel(threads: 4).run(6) { outer in
            Parallel(threads: 4).run(10) { inner in sum.wrappingAdd(outer * 10 + inner, ordering: .relaxed) }
        }
        #expect(sum.load(ordering: .relaxed) == 59 * 60 / 2)
    }
}

/// How often `parallel` calls for each index below `count`.
private func visits(_ parallel: Parallel, _ count: Int) -> [Int] {
    let counts = Mutex([Int](repeating: 0, count: count))
    parallel.run(count) { index in counts.withLock { $0[index] += 1 } }
    return counts.withLock { $0 }
}
