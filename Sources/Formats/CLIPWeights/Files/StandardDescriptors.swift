#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Standard input, output and error of a program that may be started without them.
package enum StandardDescriptors {
    /// Gives those that are closed to `/dev/null`: the next file that is opened would get their numbers, and with them
    /// whatever is written to standard error. Reading from such an input and writing to such an output fail as before. For
    /// a program to call before it opens anything.
    package static func fill() {
        for (descriptor, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)] {
            guard fcntl(descriptor, F_GETFD) < 0, errno == EBADF else { continue }
            // The lowest number that is free: this one. A system without devices has a root folder at least.
            if open("/dev/null", flags) < 0 { _ = open("/", O_RDONLY) }
        }
    }
}
