import Dispatch
import Synchronization

/// Two stages of work on a sequence of pieces, the second on another thread if one is free.
///
/// The pieces pass through a few places in turn. Nothing is ever waited for that has not begun: with no other thread to
/// be had, the first stage's thread does both.
final class JPEGPipeline: Sendable {
    private enum Helper {
        /// No thread has come for the second stage so far; that stage has finished so many pieces.
        case absent(finished: Int)
        case present
        /// All pieces are finished, or never will be.
        case late
    }

    private let count: Int
    private let places: Int
    private let hasMaker = Atomic(false)
    private let isStopped = Atomic(false)
    private let helper = Mutex(Helper.absent(finished: 0))
    private let made = DispatchSemaphore(value: 0)
    private let free = DispatchSemaphore(value: 0)

    private init(count: Int, places: Int) {
        self.count = count
        self.places = places
        // Not as its first value, which must not be above its last.
        for _ in 0..<places { free.signal() }
    }

    /// - Parameters:
    ///   - make: the first stage: an index below `count`, and its place below `places`. What it throws ends the work.
    ///   - finish: the second stage.
    static func run(
        _ count: Int, places: Int, make: (Int, Int) throws(PictureError) -> Void, finish: (Int, Int) -> Void
    ) throws(PictureError) {
        let pipeline = JPEGPipeline(count: count, places: places)
        var failure: PictureError?
        withUnsafeMutablePointer(to: &failure) { failure in
            nonisolated(unsafe) let failure = failure
            withoutActuallyEscaping(make) { make in
                withoutActuallyEscaping(finish) { finish in
                    nonisolated(unsafe) let (make, finish) = (make, finish)
                    concurrently(2) { _ in
                        if pipeline.hasMaker.exchange(true, ordering: .relaxed) {
                            pipeline.help(finish)
                        } else {
                            do throws(PictureError) {
                                try pipeline.makeAll(make, finish)
                            } catch {
                                failure.pointee = error
                                pipeline.stop()
                            }
                        }
                    }
                }
            }
        }
        if let failure { throw failure }
    }

    private func makeAll(
        _ make: (Int, Int) throws(PictureError) -> Void, _ finish: (Int, Int) -> Void
    ) throws(PictureError) {
        for index in 0..<count {
            if free.wait(timeout: .now()) == .timedOut, !finishAlone(upTo: index - places + 1, finish) { free.wait() }
            try make(index, index % places)
            made.signal()
        }
        _ = finishAlone(upTo: count, finish)
    }

    /// Does the second stage's work if no other thread has come for it.
    private func finishAlone(upTo end: Int, _ finish: (Int, Int) -> Void) -> Bool {
        helper.withLock { state in
            guard case .absent(let finished) = state else { return false }
            for index in finished..<end {
                made.wait()
                finish(index, index % places)
            }
            state = end == count ? .late : .absent(finished: end)
            return true
        }
    }

    private func help(_ finish: (Int, Int) -> Void) {
        let first: Int? = helper.withLock { state in
            guard case .absent(let finished) = state else { return nil }
            state = .present
            return finished
        }
        guard let first else { return }
        for index in first..<count {
            made.wait()
            if isStopped.load(ordering: .relaxed) { return }
            finish(index, index % places)
            free.signal()
        }
    }

    private func stop() {
        isStopped.store(true, ordering: .relaxed)
        helper.withLock { state in
            if case .absent = state { state = .late }
        }
        made.signal()
    }
}
