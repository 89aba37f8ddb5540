import Synchronization

/// Which files are mapped where, for a program that has to say what happened when one of them is cut short.
///
/// Reading a page that the file no longer has raises SIGBUS. A library must leave signals alone, so that this does nothing
/// until a program asks for it.
package enum MappedRanges {
    private struct Range {
        var start: UInt = 0
        var byteCount: UInt = 0
        /// What to say, a C string that is never freed: a signal handler may be reading it.
        var message: UnsafeMutablePointer<CChar>?
    }

    private static let capacity = 256
    nonisolated(unsafe) private static let ranges: UnsafeMutablePointer<Range> = {
        let ranges = UnsafeMutablePointer<Range>.allocate(capacity: capacity)
        ranges.initialize(repeating: Range(), count: capacity)
        return ranges
    }()
    /// What to say of a file, once a program has asked.
    private static let message = Mutex<(@Sendable (_ path: String) -> String)?>(nil)
    private static let isEnding = Atomic(false)

    /// From now on the first SIGBUS in a file that was mapped afterwards writes a line to standard error, removes the
    /// temporary files, and ends the process with status 1. Elsewhere it does what it does in any crash. For a program to
    /// call, once, after `TemporaryFiles.removeOnInterrupt`.
    /// - Parameter message: what to say of the file at a path, without the line's end.
    package static func endProcessOnFault(_ message: @escaping @Sendable (_ path: String) -> String) {
        // Made here: a handler may make nothing.
        _ = ranges
        _ = isEnding.load(ordering: .relaxed)
        self.message.withLock { $0 = message }
        var action = sigaction()
        #if canImport(Darwin)
        action.__sigaction_u.__sa_sigaction = { _, info, _ in
            MappedRanges.endProcess(info.map { UInt(bitPattern: $0.pointee.si_addr) })
        }
        #elseif canImport(Musl)
        action.__sa_handler.sa_sigaction = { _, info, _ in
            MappedRanges.endProcess(info.map { UInt(bitPattern: $0.pointee.__si_fields.__sigfault.si_addr) })
        }
        #else
        action.__sigaction_handler.sa_sigaction = { _, info, _ in
            MappedRanges.endProcess(info.map { UInt(bitPattern: $0.pointee._sifields._sigfault.si_addr) })
        }
        #endif
        action.sa_flags = Int32(truncatingIfNeeded: SA_SIGINFO)
        sigaction(SIGBUS, &action, nil)
    }

    /// The signal handler.
    private static func endProcess(_ address: UInt?) {
        // Other threads fault in the same file: one line is enough.
        if isEnding.exchange(true, ordering: .relaxed) { while true { pause() } }
        TemporaryFiles.unlinkAll()
        for slot in 0..<capacity {
            let range = ranges[slot]
            guard let address, let message = range.message, address >= range.start,
                address - range.start < range.byteCount
            else { continue }
            // A progress bar may stand there.
            let clearing: StaticString = "\r\u{1B}[K"
            if isatty(STDERR_FILENO) == 1 { _ = write(STDERR_FILENO, clearing.utf8Start, clearing.utf8CodeUnitCount) }
            _ = write(STDERR_FILENO, message, strlen(message))
            _exit(1)
        }
        signal(SIGBUS, SIG_DFL)
        raise(SIGBUS)
    }

    /// Remembers a mapped file. Past two hundred and fifty-six at a time, none.
    package static func add(_ bytes: UnsafeRawBufferPointer, path: String) {
        message.withLock { message in
            guard let message, let slot = (0..<capacity).first(where: { ranges[$0].message == nil }) else { return }
            ranges[slot].start = UInt(bitPattern: bytes.baseAddress)
            // Of the last page all bytes can fault.
            ranges[slot].byteCount = UInt(bytes.count + Int(getpagesize()))
            ranges[slot].message = strdup(message(path) + "\n")
        }
    }

    /// Forgets a file that is about to be unmapped.
    package static func remove(_ bytes: UnsafeRawBufferPointer) {
        message.withLock { message in
            guard message != nil else { return }
            let start = UInt(bitPattern: bytes.baseAddress)
            for slot in 0..<capacity where ranges[slot].message != nil && ranges[slot].start == start {
                ranges[slot].message = nil
            }
        }
    }
}
