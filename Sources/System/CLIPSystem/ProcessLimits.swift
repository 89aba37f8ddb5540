#if !canImport(Darwin)
/// What this process may take of the machine, for one that does what may go wrong.
package enum ProcessLimits {
    /// The limit of address space, or of what else is counted; the second number can't be raised again.
    private static func set(_ resource: some BinaryInteger, _ now: Int, most: Int) {
        var limit = rlimit(rlim_cur: rlim_t(now), rlim_max: rlim_t(most))
        // What was limited further before stays so.
        #if canImport(Musl)
        _ = setrlimit(Int32(resource), &limit)
        #else
        _ = setrlimit(__rlimit_resource_t(resource), &limit)
        #endif
    }

    #if canImport(Musl)
    private static let (space, time, core, files) = (RLIMIT_AS, RLIMIT_CPU, RLIMIT_CORE, RLIMIT_FSIZE)
    #else
    private static let (space, time, core, files) = (
        RLIMIT_AS.rawValue, RLIMIT_CPU.rawValue, RLIMIT_CORE.rawValue, RLIMIT_FSIZE.rawValue
    )
    #endif

    /// Bytes of memory that this process may take, and how far that may be raised later.
    package static func setMemory(_ bytes: Int, most: Int) { set(space, bytes, most: most) }

    /// Seconds that its threads may compute together, after which the system ends it.
    package static func setSeconds(_ seconds: Int) { set(time, seconds, most: seconds + 1) }

    /// Neither files nor images of its memory are written by it.
    package static func forbidFiles() {
        set(core, 0, most: 0)
        set(files, 0, most: 0)
    }
}
#endif
