internal import CLIPKernels
internal import CLIPSystem
import Synchronization

/// Pieces of work that several threads share while one of them, the caller, waits for the end.
struct ParallelRegion: ~Copyable {
    /// How many threads the work is cut for, the caller among them.
    let threads: Int
    /// Whether there is a core for each thread, so that waiting for another one takes no core from it.
    let hasCores: Bool
    private let count: Int
    private let body: (Int) -> Void
    /// The next index of each share.
    private let next: UnsafeMutablePointer<Atomic<Int>>
    private let joined = Atomic(0)
    /// Twice the number of threads beside the caller that may still be at work, plus one when the caller sleeps.
    private let running: Atomic<Int>

    /// A region of at least one index and thread.
    init(count: Int, threads: Int, _ body: @escaping (Int) -> Void) {
        self.threads = min(threads, count)
        hasCores = self.threads <= ProcessorCount.usable
        self.count = count
        self.body = body
        running = Atomic(2 * (self.threads - 1))
        next = .allocate(capacity: self.threads * ParallelRegion.spacing)
        for share in 0..<self.threads {
            let first = evenBlock(share, of: self.threads, rows: count).lowerBound
            (next + share * ParallelRegion.spacing).initialize(to: Atomic(first))
        }
    }

    deinit { next.deallocate() }

    /// From one counter to the next: two cache lines, which processors fetch in pairs.
    private static let spacing = 128 / MemoryLayout<Int>.size

    /// Works until no piece is left that nobody has begun.
    ///
    /// Every thread starts on a share of its own, neighbours in their order, so that a piece may fetch ahead what its
    /// successor needs; a thread that is done helps the others.
    // A thread must have dropped the body when it leaves: inlined, it might do so later.
    @inline(never)
    func work() {
        let body = body
        let own = joined.wrappingAdd(1, ordering: .relaxed).oldValue
        for offset in 0..<threads {
            let share = (own + offset) % threads
            let end = evenBlock(share, of: threads, rows: count).upperBound
            while true {
                let index = next[share * ParallelRegion.spacing].wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < end else { break }
                body(index)
            }
        }
    }

    /// Says that a number of threads has done its part, or won't take any. The region may be gone when this returns.
    func leave(_ threads: Int = 1) {
        let old = running.wrappingSubtract(2 * threads, ordering: .acquiringAndReleasing).oldValue
        if old == 2 * threads + 1 { ParallelRegion.parking.wake() }
    }

    /// Returns when all threads have left.
    func wait() {
        if hasCores && spin(atMost: ParallelRegion.patience, until: running.load(ordering: .acquiring) == 0) { return }
        ParallelRegion.parking.sleep {
            running.bitwiseOr(1, ordering: .acquiringAndReleasing).newValue > 1
        }
    }

    /// About as long as the largest pieces take.
    private static let patience = 8000

    /// Where callers sleep. It must outlive a region, which is gone as soon as its caller knows that it may go.
    private static let parking = Parking()
}
