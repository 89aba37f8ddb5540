import Synchronization
import CLIPSystem
import CLIPThreads

/// Ends this program when it has no reason to go on: when `clip` is gone, and when the system lets it have no threads, for
/// which Dispatch would wait for ever.
enum Watch {
    /// Lines that were written: a program that writes some gets on.
    static let lineCount = Atomic<Int>(0)
    /// How often in a row, seconds apart, a program that doesn't get on may find that it can have no thread.
    private static let mostMisses = 4
    private static let pause: Int32 = 5000

    /// Begins to watch, on a thread of its own.
    ///
    /// - Parameter descriptor: of a pipe into which `clip` never writes: its end is that of `clip`, however that comes.
    /// - Returns: whether there is a thread for it.
    static func begin(_ descriptor: Int32) -> Bool {
        var status = stat()
        // Somebody may run this program by hand.
        let isPipe = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
        return startThread {
            var (misses, seen) = (0, 0)
            while true {
                var request = pollfd(fd: isPipe ? descriptor : -1, events: Int16(POLLIN), revents: 0)
                let ready = poll(&request, 1, pause)
                if ready > 0, isOver(descriptor) { _exit(1) }
                if ready != 0 { continue }
                let count = lineCount.load(ordering: .relaxed)
                misses = count != seen || startThread({}) ? 0 : misses + 1
                seen = count
                if misses >= mostMisses {
                    EventLine.failure("the system lets this program have no more threads: \(noThreads)").write()
                    _exit(1)
                }
            }
        }
    }

    /// Four connections, as many files, and what Dispatch and the resolver take.
    static let leastDescriptors = 64

    /// Whether there are descriptors enough, the limit raised as far as it may be. Dispatch waits for ever for one that it
    /// can't have.
    static var hasDescriptors: Bool {
        var limit = rlimit()
        #if canImport(Darwin) || canImport(Musl)
        let kind = RLIMIT_NOFILE
        #else
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #endif
        guard getrlimit(kind, &limit) == 0, limit.rlim_cur < leastDescriptors else { return true }
        limit.rlim_cur = min(limit.rlim_max, rlim_t(leastDescriptors))
        return limit.rlim_cur >= leastDescriptors && setrlimit(kind, &limit) == 0
    }

    /// What can be done about it.
    static let noThreads = "end other programs, or raise the limit of processes (ulimit -u, pids.max)"

    private static func isOver(_ descriptor: Int32) -> Bool {
        var byte: UInt8 = 0
        let got = read(descriptor, &byte, 1)
        return got == 0 || got < 0 && errno != EINTR && errno != EAGAIN
    }
}
