internal import CLIPWeights
internal import CLIPSystem

/// An exclusive lock on a file (`flock`, as Python's filelock takes it): one process at a time fetches a blob.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock at `path`, waiting for whoever has it.
    ///
    /// - Parameter waiting: told once that it is taken.
    /// - Returns: nil if the file system has no locks, or the task was cancelled.
    init?(path: String, clock: any PullClock, waiting: () -> Void) async throws(HubError) {
        var isFirst = true
        while true {
            let descriptor = try openOwnFile(path)
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
                if FileLock.isStill(at: path, descriptor) {
                    self.descriptor = descriptor
                    return
                }
                close(descriptor)
                continue
            }
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK || code == EINTR else { return nil }
            if isFirst { waiting() }
            isFirst = false
            guard await clock.sleep(0.1) else { throw HubError(.cancelled, path, "was cancelled") }
        }
    }

    deinit {
        // A child process that is just being started may still hold a copy, and with it the lock.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Other programs remove a lock's file when they are done: whoever waited has then locked a file without a name.
    private static func isStill(at path: String, _ descriptor: Int32) -> Bool {
        var (held, named) = (stat(), stat())
        return fstat(descriptor, &held) == 0 && stat(path, &named) == 0
            && held.st_ino == named.st_ino && held.st_dev == named.st_dev
    }
}

/// Opens or makes a file of the cache whose name can be foretold, to read and write it.
///
/// - Throws: when a link stands there, or a file that has another name elsewhere: writing would change what it leads to.
func openOwnFile(_ path: String) throws(HubError) -> Int32 {
    while true {
        // Opening a named pipe would wait for its other end.
        let descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o666)
        if descriptor < 0 && errno == EINTR { continue }
        let isLink = descriptor < 0 && errno == ELOOP
        guard descriptor >= 0 || isLink else {
            throw HubError(.storage, path, "can't be written: \(systemMessage())")
        }
        var status = stat()
        if descriptor >= 0, fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink <= 1 {
            return descriptor
        }
        if descriptor >= 0 { close(descriptor) }
        let found = isLink ? "a link" : status.st_nlink > 1 ? "a file that has other names too" : "no regular file"
        throw HubError(.storage, path, "is \(found), which this program doesn't put there: remove it")
    }
}
