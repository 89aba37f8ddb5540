import Synchronization
import Testing

@testable import CLIPThreads

@Suite struct OrderedMapTests {
    private struct Refusal: Error, Equatable { let number: Int }

    @Test(arguments: [1, 2, 3, 8])
    func `Results are in the order of the elements, however long each takes`(threads: Int) {
        let parallel = Parallel(threads: threads)
        for count in [0, 1, 2, 17, 200] {
            let found = parallel.orderedMap(Array(0..<count)) { number in
                for _ in 0..<(number * 7919 % 13) * 500 { spinPause() }
                return "\(number)"
            }
            #expect(found == (0..<count).map { "\($0)" })
        }
    }

    @Test(arguments: [1, 2, 8])
    func `Of several failures the first in order is thrown`(threads: Int) {
        let seen = Atomic(0)
        #expect(throws: Refusal(number: 21)) {
            try Parallel(threads: threads).orderedMap(Array(0..<100)) { number throws(Refusal) in
                seen.add(1, ordering: .relaxed)
                if number % 21 == 0, number > 0 { throw Refusal(number: number) }
                return number
            }
        }
        let count = seen.load(ordering: .relaxed)
        #expect(count == 100)
    }

    @Test func `A cancelled task is known on every thread that works for it, and on no other`() async {
        let asked = await Task {
            let parallel = Parallel(threads: 4)
            let before = parallel.orderedMap(Array(0..<50)) { _ in Cancellation.isRequested }
            withUnsafeCurrentTask { $0?.cancel() }
            let after = parallel.orderedMap(Array(0..<50)) { _ in
                Parallel(threads: 3).orderedMap([1, 2, 3]) { _ in Cancellation.isRequested }
            }
            return (before, after.flatMap { $0 })
        }.value
        #expect(!asked.0.contains(true) && !asked.1.contains(false))
        #expect(!Parallel(threads: 4).orderedMap(Array(0..<50)) { _ in Cancellation.isRequested }.contains(true))
    }

    @Test func `A piece of work is cancelled with what it is a part of, and not the other way round`() {
        let outer = Cancellation()
        let inner = outer.during { Cancellation() }
        inner.cancel()
        #expect(inner.isRequested && !outer.isRequested)
        #expect(!outer.during { Cancellation.isRequested } && inner.during { Cancellation.isRequested })
        let other = outer.during { Cancellation() }
        outer.cancel()
        #expect(other.isRequested && !Cancellation.isRequested)
    }

    @Test(arguments: [1, 2, 4], [1, 3, 8])
    func `Batches come in order, the next begun before the last is done`(threads: Int, size: Int) {
        let batches = OrderedBatches<Int, Int>(threads: threads, pool: WorkerPool()) { number, _ in -number }
        let taken = Mutex(0)
        let numbers = sequence(state: 0) { (next: inout Int) -> Int? in
            guard next < 20 else { return nil }
            defer { next += 1 }
            taken.withLock { $0 += 1 }
            return next
        }
        var found: [Int] = []
        batches.forEachBatch(of: numbers, size: size) { inputs, outputs in
            #expect(outputs == inputs.map { -$0 })
            found += inputs
            #expect(taken.withLock { $0 } == min(20, found.count + size))
        }
        #expect(found == Array(0..<20))
    }

    @Test func `A lonely element has all threads, many have one each`() {
        let batches = OrderedBatches<Int, Int>(threads: 4) { _, threads in threads }
        var found: [[Int]] = []
        batches.forEachBatch(of: 0..<8, size: 7) { found.append($1) }
        #expect(found == [Array(repeating: 1, count: 7), [4]])
    }

    @Test func `Nothing of a batch stays behind where every thread is busy`() {
        let state = SharedState()
        for _ in 0..<64 {
            _ = BackgroundThreads.shared.start {
                while !state.mayGoOn.load(ordering: .acquiring) { spinPause() }
            }
        }
        let batches = OrderedBatches<Int, CountedResult>(threads: 2) { _, _ in CountedResult(state) }
        batches.forEachBatch(of: 0..<12, size: 2) { _, results in #expect(results.count == 2) }
        let alive = state.alive.load(ordering: .acquiring)
        #expect(alive == 0)
        state.mayGoOn.store(true, ordering: .releasing)
    }

    @Test func `An error ends the work that is ahead`() {
        let isAsked = Atomic(false)
        let batches = OrderedBatches<Int, Int>(threads: 2) { number, _ in
            guard number > 0 else { return number }
            while !Cancellation.isRequested { spinPause() }
            isAsked.store(true, ordering: .relaxed)
            return number
        }
        #expect(throws: Refusal(number: 0)) {
            try batches.forEachBatch(of: 0..<9, size: 1) { inputs, _ throws(Refusal) in
                throw Refusal(number: inputs[0])
            }
        }
        let wasAsked = isAsked.load(ordering: .relaxed)
        #expect(wasAsked)
    }
}

private final class SharedState: Sendable {
    let alive = Atomic(0)
    let mayGoOn = Atomic(false)
}

/// A result that is counted for as long as anybody has it.
private final class CountedResult: Sendable {
    private let state: SharedState

    init(_ state: SharedState) {
        self.state = state
        state.alive.add(1, ordering: .acquiringAndReleasing)
    }

    deinit { state.alive.subtract(1, ordering: .acquiringAndReleasing) }
}
