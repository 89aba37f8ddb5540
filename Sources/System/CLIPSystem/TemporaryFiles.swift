import Synchronization

/// The temporary files of this process, for a program that must leave none behind when it is interrupted.
package enum TemporaryFiles {
    private static let capacity = 16
    /// C strings: a signal handler can't work with anything finer. A string is never freed, since a handler may be
    /// reading it.
    nonisolated(unsafe) private static let paths: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = {
        let paths = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: capacity)
        paths.initialize(repeating: nil, count: capacity)
        return paths
    }()
    private static let isActive = Mutex(false)
    private static let longestWords = 400
    /// Room for two sentences: one may be read by a handler while the other is written.
    nonisolated(unsafe) private static let words: UnsafeMutablePointer<CChar> = {
        let words = UnsafeMutablePointer<CChar>.allocate(capacity: 2 * (longestWords + 1))
        words.initialize(repeating: 0, count: 2 * (longestWords + 1))
        return words
    }()
    /// What is said now, a place in `words`.
    nonisolated(unsafe) private static var lastWords: UnsafeMutablePointer<CChar>?

    /// What SIGINT, SIGTERM and SIGHUP write to standard error before they end the process, whole lines; nil for nothing.
    /// For one thread at a time.
    package static func setLastWords(_ text: String?) {
        guard let text else {
            lastWords = nil
            return
        }
        let place = lastWords == words ? words + longestWords + 1 : words
        let bytes = text.utf8.prefix(longestWords)
        for (index, byte) in bytes.enumerated() { place[index] = CChar(bitPattern: byte) }
        place[bytes.count] = 0
        lastWords = place
    }

    /// From now on SIGINT, SIGTERM, SIGHUP and SIGPIPE remove the temporary files, then do what they always do, and so do
    /// the signals of a crash. One that is ignored stays so. For a program to call, once; a library must leave signals alone.
    package static func removeOnInterrupt() {
        isActive.withLock { $0 = true }
        _ = paths
        _ = words
        var handled = sigset_t()
        sigemptyset(&handled)
        // Swift's runtime answers a crash with a backtrace, which takes a minute and asks at a terminal what to do next:
        // nothing for the users of a program, unless they ask for it.
        let crashes =
            environmentVariable("SWIFT_BACKTRACE") == nil ? [SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGSEGV, SIGBUS] : []
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] + crashes {
            let former = signal(number) { number in
                let error = errno
                defer { errno = error }
                TemporaryFiles.unlinkAll()
                if number == SIGINT || number == SIGTERM || number == SIGHUP, let words = TemporaryFiles.lastWords {
                    _ = write(STDERR_FILENO, words, strlen(words))
                }
                // The default action is taken when this handler returns: the signal is blocked until then.
                signal(number, SIG_DFL)
                raise(number)
            }
            if unsafeBitCast(former, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { signal(number, SIG_IGN) }
            sigaddset(&handled, number)
        }
        // A parent that starts processes from a worker thread of Dispatch hands down that thread's mask.
        pthread_sigmask(SIG_UNBLOCK, &handled, nil)
    }

    /// Removes them. For a signal handler too: it neither locks nor allocates, once `removeOnInterrupt` was called.
    static func unlinkAll() {
        for slot in 0..<capacity {
            if let path = paths[slot] { unlink(path) }
        }
        // Folders, which are empty by now.
        for slot in 0..<capacity {
            if let path = paths[slot] { rmdir(path) }
        }
    }

    /// Remembers a file or a folder. Past the sixteenth at a time, none.
    package static func add(_ path: PathBytes) {
        isActive.withLock { isActive in
            guard isActive, let slot = (0..<capacity).first(where: { paths[$0] == nil }) else { return }
            paths[slot] = withCString(path.bytes) { strdup($0) }
        }
    }

    /// Forgets a file that is gone or has its final name.
    package static func remove(_ path: PathBytes) {
        isActive.withLock { _ in
            for slot in 0..<capacity {
                guard let known = paths[slot] else { continue }
                if withCString(path.bytes, { strcmp(known, $0) }) == 0 { paths[slot] = nil }
            }
        }
    }
}

/// A file that is gone when nobody holds it any more.
package final class ScratchFile {
    package let path: String

    package init(_ bytes: [UInt8]) throws(SystemError) {
        let descriptor: Int32
        (path, descriptor) = try makeTemporaryFile()
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor)
    }

    deinit { unlink(path) }
}

/// Where temporary files go.
package var temporaryFolder: String { environmentVariable("TMPDIR") ?? "/tmp" }

/// A new file for this process alone, open for reading and writing.
package func makeTemporaryFile() throws(SystemError) -> (path: String, descriptor: Int32) {
    var template = Array("\(temporaryFolder)/clip-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw SystemError(code: errno) }
    return (String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self), descriptor)
}
