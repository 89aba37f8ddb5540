import Synchronization

/// A thread that takes part in regions that are offered to it, one after another, as long as the process lives.
final class Worker: Sendable {
    /// The region that is offered, or what the worker is doing without one.
    private let mailbox = Atomic(Worker.idle)
    private let isParked = Atomic(false)
    private let parking = Parking()

    private static let idle: UInt = 0
    /// No region's address.
    private static let busy: UInt = 1

    /// Starts a thread.
    /// - Returns: nil when the system has none left.
    static func start(_ start: ThreadStart) -> Worker? {
        let worker = Worker()
        return start { worker.serve() } ? worker : nil
    }

    /// Offers a region, which must exist until the worker has left it or the offer is withdrawn.
    /// - Returns: false when the worker has other work.
    func offer(_ region: UnsafeMutablePointer<ParallelRegion>) -> Bool {
        let address = UInt(bitPattern: region)
        guard
            mailbox.compareExchange(
                expected: Worker.idle, desired: address, ordering: .sequentiallyConsistent
            ).exchanged
        else { return false }
        if isParked.load(ordering: .sequentiallyConsistent) { parking.wake() }
        return true
    }

    /// Takes an offer back.
    /// - Returns: false when the worker has begun already.
    func withdraw(_ region: UnsafeMutablePointer<ParallelRegion>) -> Bool {
        mailbox.compareExchange(
            expected: UInt(bitPattern: region), desired: Worker.idle, ordering: .acquiringAndReleasing
        ).exchanged
    }

    private func serve() -> Never {
        var contention = CoreContention()
        var patience = 0
        while true {
            if !spin(atMost: patience, until: hasOffer) {
                isParked.store(true, ordering: .sequentiallyConsistent)
                parking.sleep { !hasOffer }
                isParked.store(false, ordering: .relaxed)
            }
            let offer = mailbox.load(ordering: .relaxed)
            guard
                offer != Worker.idle,
                mailbox.compareExchange(
                    expected: offer, desired: Worker.busy, ordering: .acquiringAndReleasing
                ).exchanged,
                let region = UnsafeMutablePointer<ParallelRegion>(bitPattern: offer)
            else { continue }
            let hasCores = region.pointee.hasCores
            region.pointee.work()
            // First, so that the caller finds this worker idle when it has another region.
            mailbox.store(Worker.idle, ordering: .releasing)
            region.pointee.leave()
            // A thread that spins looks as busy as one that works: it would have to give way when it has work again.
            patience = hasCores && !contention.isLikely() ? Worker.patience : 0
        }
    }

    private var hasOffer: Bool { mailbox.load(ordering: .sequentiallyConsistent) != Worker.idle }

    /// A few times what lies between two regions of an encoder, some tens of microseconds. Hypervisors interrupt who
    /// spins much longer.
    private static let patience = 2000
}
