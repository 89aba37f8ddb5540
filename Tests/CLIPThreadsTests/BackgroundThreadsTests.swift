import Dispatch
import func Kernels.spinPause
import Synchronization
import Testing

@testable import CLIPThreads

@Suite struct BackgroundThreadsTests {
    @Test("Every job runs once, more of them than there are threads", arguments: [1, 2, 5])
    func runsAll(_ limit: Int) {
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

    @Test("Jobs run beside each other, and their caller") func besideEachOther() {
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

private final class Meeting: Sendable {
    private let arrived = Atomic(0)

    var count: Int { arrived.load(ordering: .acquiring) }

    func arrive() { arrived.add(1, ordering: .releasing) }
}
