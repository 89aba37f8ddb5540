import CLIPSystem

/// What a process that has ended took.
struct ChildUsage {
    let wallSeconds: Double
    let userSeconds: Double
    let systemSeconds: Double
    let peakBytes: Double
    /// Those that memory could serve, and those that a disk had to.
    let pageFaults: Int
}

/// Runs this program again with other arguments, the program's name first, and waits for its end.
/// - Throws: `SystemError`, also when it fails: what is wrong is on standard error then.
func runSelf(_ arguments: [String]) throws(SystemError) -> ChildUsage {
    var words = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child = pid_t()
    let watch = Stopwatch()
    guard let program = programPath() else { throw SystemError(code: ENOENT) }
    let code = posix_spawn(&child, program, nil, nil, &words, environmentVector)
    guard code == 0 else { throw SystemError(code: code) }
    var status: Int32 = 0
    var usage = rusage()
    while wait4(child, &status, 0, &usage) < 0 {
        guard errno == EINTR else { throw SystemError(code: errno) }
    }
    let wall = watch.seconds
    guard status == 0 else { throw SystemError(code: ECHILD) }
    #if canImport(Darwin)
    let unit = 1.0
    #else
    let unit = 1024.0
    #endif
    return ChildUsage(
        wallSeconds: wall, userSeconds: usage.ru_utime.seconds, systemSeconds: usage.ru_stime.seconds,
        peakBytes: Double(usage.ru_maxrss) * unit, pageFaults: Int(usage.ru_minflt + usage.ru_majflt))
}

/// The user time of this process so far.
func processorSeconds() -> Double {
    var usage = rusage()
    #if canImport(Darwin) || canImport(Musl)
    getrusage(RUSAGE_SELF, &usage)
    #else
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #endif
    return usage.ru_utime.seconds
}

extension timeval {
    fileprivate var seconds: Double { Double(tv_sec) + Double(tv_usec) * 1e-6 }
}

/// A temporary file of some bytes.
func scratchFile(_ bytes: [UInt8]) throws(CLIPError) -> ScratchFile {
    do throws(SystemError) {
        return try ScratchFile(bytes)
    } catch {
        throw CLIPError(.storage, "no temporary file can be made: \(error.message); set TMPDIR")
    }
}
