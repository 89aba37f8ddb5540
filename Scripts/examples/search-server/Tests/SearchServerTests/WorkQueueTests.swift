import Synchronization
import Testing

@testable import search_server

/// Work that goes on until it is let go.
private actor Latch {
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var isOpen = false

    func wait() async { if !isOpen { await withCheckedContinuation { waiting.append($0) } } }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}

/// Comes back once something holds.
private func until(_ holds: () -> Bool) async throws {
    while !holds() { try await Task.sleep(for: .milliseconds(1)) }
}

@Suite struct WorkQueueTests {
    @Test func `What waits is done together, in order`() async throws {
        let latch = Latch()
        let sizes = Mutex<[Int]>([])
        let queue = WorkQueue<Int, Int>(batchSize: 4, lanes: 1, mostWaiting: 100) { inputs in
            sizes.withLock { $0.append(inputs.count) }
            await latch.wait()
            return inputs.map { 10 * $0 }
        }
        try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for number in 0..<9 { group.addTask { (number, try await queue.result(of: number)) } }
            try await until { sizes.withLock { $0 } == [1] }
            while await queue.waitingCount < 8 { await Task.yield() }
            await latch.open()
            for try await (number, result) in group { #expect(result == 10 * number) }
        }
        #expect(sizes.withLock { $0 } == [1, 4, 4])
    }

    @Test func `Who comes when too many wait is told so at once`() async throws {
        let latch = Latch()
        let queue = WorkQueue<Int, Int>(lanes: 1, mostWaiting: 2) { number in
            await latch.wait()
            return number
        }
        let tasks = (0..<3).map { number in Task { try await queue.result(of: number) } }
        while await queue.waitingCount < 2 { await Task.yield() }
        await #expect(throws: ServerIsBusy.self) { try await queue.result(of: 3) }
        await latch.open()
        var results: [Int] = []
        for task in tasks { results.append(try await task.value) }
        #expect(results == [0, 1, 2])
    }

    @Test func `Who is cancelled leaves the line, and the others are served`() async throws {
        let latch = Latch()
        let done = Mutex<[Int]>([])
        let queue = WorkQueue<Int, Int>(lanes: 1, mostWaiting: 9) { number in
            await latch.wait()
            done.withLock { $0.append(number) }
            return number
        }
        let first = Task { try await queue.result(of: 1) }
        while await queue.isIdle { await Task.yield() }
        let second = Task { try await queue.result(of: 2) }
        while await queue.waitingCount < 1 { await Task.yield() }
        let third = Task { try await queue.result(of: 3) }
        while await queue.waitingCount < 2 { await Task.yield() }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        await latch.open()
        #expect(try await first.value == 1)
        #expect(try await third.value == 3)
        #expect(done.withLock { $0 } == [1, 3])
    }

    @Test func `Work that nobody waits for any more is cancelled, and a lane is free again`() async throws {
        let queue = WorkQueue<Int, Int>(batchSize: 2, lanes: 1, mostWaiting: 9) { inputs in
            if inputs == [0] { try await Task.sleep(for: .seconds(3600)) }
            return inputs
        }
        let stuck = Task { try await queue.result(of: 0) }
        while await queue.isIdle { await Task.yield() }
        let next = Task { try await queue.result(of: 1) }
        stuck.cancel()
        await #expect(throws: CancellationError.self) { try await stuck.value }
        #expect(try await next.value == 1)
    }

    @Test func `What fails fails for all of a batch, and not for the next`() async throws {
        let queue = WorkQueue<Int, Int>(lanes: 2, mostWaiting: 9) { number in
            if number < 0 { throw NoSuchPicture() }
            return number
        }
        await #expect(throws: NoSuchPicture.self) { try await queue.result(of: -1) }
        #expect(try await queue.result(of: 5) == 5)
    }
}
