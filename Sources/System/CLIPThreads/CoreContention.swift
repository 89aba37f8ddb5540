#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Whether other threads want the core that this thread runs on.
struct CoreContention {
    private var preemptions = 0
    private var remaining = 0

    /// - Returns: true for a while after the system has taken the core from this thread. Systems that don't tell count as
    ///   quiet.
    mutating func isLikely() -> Bool {
        let current = CoreContention.preemptions
        if current != preemptions {
            preemptions = current
            remaining = CoreContention.memory
        }
        guard remaining > 0 else { return false }
        remaining -= 1
        return true
    }

    /// Calls until a core counts as quiet again: some milliseconds of an encoder's regions, as long as others keep a core.
    private static let memory = 30

    /// How often the system has stopped this thread to run another.
    private static var preemptions: Int {
        #if os(Linux)
        var usage = rusage()
        #if canImport(Musl)
        let status = getrusage(thread, &usage)
        #else
        let status = getrusage(__rusage_who_t(thread), &usage)
        #endif
        return status == 0 ? usage.ru_nivcsw : 0
        #else
        return 0
        #endif
    }

    /// RUSAGE_THREAD, which not every C library declares.
    private static let thread: Int32 = 1
}
