internal import Synchronization

/// How far a pull is. Told so often that a line on a screen moves, and not more often.
public struct PullProgress: Sendable, Equatable {
    /// Bytes that are here, found in the cache or fetched.
    public var byteCount = 0
    /// Those of them that were here before.
    public var foundByteCount = 0
    /// Bytes of all files that are known to be needed. It grows once: which weights to fetch is known when the
    /// configuration is here.
    public var totalByteCount = 0
    /// Files that are here, whole.
    public var fileCount = 0
    /// Files that are known to be needed.
    public var totalFileCount = 0
    /// Why nothing happens for a while; nil while all is well.
    public var note: String?
}

/// Adds up what several downloads report.
final class ProgressMeter: Sendable {
    private struct State {
        var progress = PullProgress()
        var lastReport: ContinuousClock.Instant?
    }

    private static let interval = Duration.milliseconds(100)
    private let state = Mutex(State())
    private let report: @Sendable (PullProgress) -> Void

    init(_ report: @escaping @Sendable (PullProgress) -> Void) {
        self.report = report
    }

    func plan(files: Int, bytes: Int) {
        update(isUrgent: true) {
            $0.totalFileCount += files
            $0.totalByteCount += bytes
        }
    }

    /// Counts bytes that came over the network.
    func add(fetched bytes: Int) {
        update(isUrgent: false) {
            $0.byteCount += bytes
            $0.note = nil
        }
    }

    /// Counts bytes that were here before.
    func add(found bytes: Int) {
        update(isUrgent: false) {
            $0.byteCount += bytes
            $0.foundByteCount += bytes
        }
    }

    /// Forgets bytes that are not worth keeping.
    func drop(_ bytes: Int) {
        update(isUrgent: false) {
            $0.byteCount -= bytes
            $0.foundByteCount = min($0.foundByteCount, $0.byteCount)
        }
    }

    func addFile() { update(isUrgent: true) { $0.fileCount += 1 } }

    func note(_ text: String) { update(isUrgent: true) { $0.note = text } }

    private func update(isUrgent: Bool, _ change: (inout PullProgress) -> Void) {
        let due = state.withLock { state -> PullProgress? in
            let hadNote = state.progress.note != nil
            change(&state.progress)
            let now = ContinuousClock.now
            let isNews = isUrgent || hadNote != (state.progress.note != nil)
            guard isNews || state.lastReport.map({ now - $0 >= ProgressMeter.interval }) ?? true else { return nil }
            state.lastReport = now
            return state.progress
        }
        if let due { report(due) }
    }
}
