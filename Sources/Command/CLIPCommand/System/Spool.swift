import CLIPSystem

/// A temporary file without a name, for what must be counted before it is written: it is gone with the process.
final class Spool {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private(set) var byteCount = 0

    init() throws(OutputError) {
        do throws(SystemError) {
            let path: String
            (path, descriptor) = try makeTemporaryFile()
            unlink(path)
        } catch {
            throw OutputError(path: temporaryFolder, "no temporary file can be made: \(error.message); set TMPDIR")
        }
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) throws(OutputError) {
        buffer += bytes
        byteCount += bytes.count
        if buffer.count >= 1 << 16 { try flush() }
    }

    /// Hands everything that was written to `body`, in parts, in order.
    func replay(_ body: ([UInt8]) throws(OutputError) -> Void) throws(OutputError) {
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

    private func flush() throws(OutputError) {
        do throws(SystemError) {
            try writeAll(buffer, to: descriptor)
        } catch {
            throw failure(error)
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func failure(_ error: SystemError) -> OutputError {
        OutputError(path: "temporary file", "\(error.message): set TMPDIR to a place with more room")
    }
}
