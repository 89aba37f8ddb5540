/// When to try again after a failure: after ever longer pauses, and not for ever. Progress starts it anew.
struct RetrySchedule {
    /// How many tries in a row may come to nothing.
    static let attempts = 6
    /// Longer than this nobody waits at a terminal.
    static let longestWait = 300.0

    private var failures = 0
    /// Whether the last try brought something.
    private var hasProgressed = false

    mutating func progress() {
        failures = 0
        hasProgressed = true
    }

    /// The seconds to wait now; nil when it is enough.
    ///
    /// - Parameters:
    ///   - asked: how long the server asks to wait (`Retry-After`).
    ///   - limit: how many tries this kind of failure is worth.
    ///   - spread: a random number from 0 to 1, so that many clients don't come back all at once.
    mutating func delay(asked: Double?, limit: Int = attempts, spread: Double) -> Double? {
        failures += 1
        defer { hasProgressed = false }
        guard failures < limit else { return nil }
        if let asked { return asked <= RetrySchedule.longestWait ? max(0, asked) : nil }
        // A connection that broke after it had worked is most likely to work again at once.
        if hasProgressed { return 0 }
        var pause = 0.5
        for _ in 1..<failures { pause = min(8, pause * 2) }
        return pause * (0.75 + spread / 2)
    }
}
