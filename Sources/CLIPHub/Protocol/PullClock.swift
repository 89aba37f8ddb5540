#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// Time and chance, which tests replace.
package protocol PullClock: Sendable {
    /// Waits so many seconds.
    /// - Returns: false when the task was cancelled.
    func sleep(_ seconds: Double) async -> Bool
    /// Seconds since 1970.
    func now() -> Double
    /// From 0 to 1.
    func random() -> Double
}

struct SystemClock: PullClock {
    func sleep(_ seconds: Double) async -> Bool {
        do {
            try await Task.sleep(nanoseconds: UInt64(max(0, min(seconds, 1e6)) * 1e9))
            return true
        } catch {
            return false
        }
    }

    func now() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    func random() -> Double { Double.random(in: 0...1) }
}
