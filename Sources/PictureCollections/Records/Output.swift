import CLIPSystem

/// Where data goes: standard output, or a file that appears complete or not at all.
package final class Output {
    private let file: AtomicFile?
    private var buffer: [UInt8] = []

    /// - Parameter path: nil or `-` for standard output.
    package init(path: String?) throws(CLIPError) {
        if let path, path != "-" {
            file = try AtomicFile(PathBytes(path))
        } else {
            file = nil
        }
    }

    /// Whether a person looks at what is written.
    package var isTerminal: Bool { file == nil && isatty(STDOUT_FILENO) == 1 }

    /// Whether `patch` can change what was written before.
    package var isPatchable: Bool { file?.isReplaceable ?? false }

    package func write(_ text: String) throws(CLIPError) {
        buffer += text.utf8
        if buffer.count >= 1 << 16 { try flush() }
    }

    package func write(_ bytes: [UInt8]) throws(CLIPError) {
        buffer += bytes
        if buffer.count >= 1 << 16 { try flush() }
    }

    /// Puts `bytes` over the first ones that were written.
    package func patchStart(_ bytes: [UInt8]) throws(CLIPError) {
        try flush()
        try file?.write(bytes, at: 0)
    }

    /// Hands on what waits in memory: a reader at the other end of a pipe may be waiting for it.
    package func flush() throws(CLIPError) {
        guard !buffer.isEmpty else { return }
        if let file {
            try file.write(buffer)
        } else {
            do throws(SystemError) {
                try writeAll(buffer, to: STDOUT_FILENO)
            } catch {
                throw CLIPError(.storage, path: "standard output", "can't be written", error)
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Makes the file appear.
    package func finish() throws(CLIPError) {
        try flush()
        try file?.commit()
    }
}

/// A temporary file without a name, for what must be counted before it is written: it is gone with the process.
final class Spool {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private(set) var byteCount = 0

    init() throws(CLIPError) {
        do throws(SystemError) {
            let path: String
            (path, descriptor) = try makeTemporaryFile()
            unlink(path)
        } catch {
            throw CLIPError(
                .storage, path: temporaryFolder, "no temporary file can be made: \(error.message); set TMPDIR")
        }
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) throws(CLIPError) {
        buffer += bytes
        byteCount += bytes.count
        if buffer.count >= 1 << 16 { try flush() }
    }

    /// Hands everything that was written to `body`, in parts, in order.
    func replay(_ body: ([UInt8]) throws(CLIPError) -> Void) throws(CLIPError) {
        try flush()
        guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw failure(SystemError(code: errno)) }
        while true {
            let part: [UInt8]
            do throws(SystemError) {
                part = try readSome(from: descriptor, atMost: 1 << 18)
            } catch {
                throw failure(error)
            }
            if part.isEmpty { return }
            try body(part)
        }
    }

    private func flush() throws(CLIPError) {
        do throws(SystemError) {
            try writeAll(buffer, to: descriptor)
        } catch {
            throw failure(error)
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func failure(_ error: SystemError) -> CLIPError {
        CLIPError(.storage, path: "temporary file", "\(error.message): set TMPDIR to a place with more room")
    }
}
