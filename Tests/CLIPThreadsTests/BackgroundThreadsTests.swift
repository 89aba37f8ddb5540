import Dispatch
import Foundation
import Synchronization
import Testing

@testable import CLIPThreads

@Suite struct BackgroundThreadsTests {
    @Test(arguments: [1, 2, 5])
    func `Every job runs once, more of them than there are threads`(_ limit: Int) {
        let threads = BackgroundThreads(limit: limit)
        let counts = Mutex([Int](repeating: 0, count: 200))
        let ended = DispatchSemaphore(value: 0)
        for index in 0..<200 {
            let isTaken = threads.start {
                counts.withLock { $0[index] += 1 }
                ended.signal()
            }
            #expect(isTaken)
        }
        for _ in 0..<200 { ended.wait() }
        #expect(counts.withLock { $0 } == [Int](repeating: 1, count: 200))
    }

    @Test func `Without a thread nothing is taken; with one, everything, when the system has no second`() {
        #expect(!BackgroundThreads(limit: 4) { _ in false }.start {})
        let (threads, ended) = (BackgroundThreads(limit: 4, start: OneThread().start), DispatchSemaphore(value: 0))
        for _ in 0..<20 { #expect(threads.start { ended.signal() }) }
        for _ in 0..<20 { ended.wait() }
    }

    @Test func `Jobs run beside each other, and their caller`() {
        let threads = BackgroundThreads(limit: 3)
        let (meeting, ended) = (Meeting(), DispatchSemaphore(value: 0))
        for _ in 0..<3 {
            let isTaken = threads.start {
                meeting.arrive()
                while meeting.count < 3 { spinPause() }
                ended.signal()
            }
            #expect(isTaken)
        }
        for _ in 0..<3 { ended.wait() }
        #expect(meeting.count == 3)
    }
}

/// A system that has one thread left.
private final class OneThread: Sendable {
    private let isTaken = Atomic(false)

    @Sendable func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard !isTaken.exchange(true, ordering: .relaxed) else { return false }
        Thread.detachNewThread(body)
        return true
    }
}

private final class Meeting: Sendable {
    private let arrived = Atomic(0)

    var count: Int { arrived.load(ordering: .acquiring) }

    func arrive() { arrived.add(1, ordering: .releasing) }
}
