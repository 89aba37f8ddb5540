#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import Weights

/// What signals mean to a well-behaved filter.
enum Signals {
    /// An interrupted run leaves no temporary file; a file that grows past the limit is an error, not the end.
    static func prepare() {
        TemporaryFiles.removeOnInterrupt()
        signal(SIGXFSZ, SIG_IGN)
    }

    /// The reader of a pipe has gone: end as if by SIGPIPE, which somebody asked not to get.
    static func diesOfClosedPipe() -> Int32 { 128 + SIGPIPE }
}
