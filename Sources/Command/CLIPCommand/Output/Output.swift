import CLIPSystem
import CLIPWeights

/// Data can't be written where it should go: that ends a run.
struct OutputError: Error, CustomStringConvertible {
    let description: String
    /// The reader of a pipe has gone, which is no news to anybody.
    let isClosedPipe: Bool

    init(path: String, _ message: String, isClosedPipe: Bool = false) {
        description = "\(path): \(message)"
        self.isClosedPipe = isClosedPipe
    }
}

/// Where data goes: standard output, or a file that appears complete or not at all.
final class Output {
    private let file: AtomicFile?
    private var buffer: [UInt8] = []

    /// - Parameter path: nil or `-` for standard output.
    init(path: String?) throws(OutputError) {
        if let path, path != "-" {
            file = try rethrowing { () throws(WeightsError) in try AtomicFile(path: path) }
        } else {
            file = nil
        }
    }

    /// Whether a person looks at what is written.
    var isTerminal: Bool { file == nil && isatty(STDOUT_FILENO) == 1 }

    /// Whether `patch` can change what was written before.
    var isPatchable: Bool { file?.isReplaceable ?? false }

    func write(_ text: String) throws(OutputError) {
        buffer += text.utf8
        if buffer.count >= 1 << 16 { try flush() }
    }

    func write(_ bytes: [UInt8]) throws(OutputError) {
        buffer += bytes
        if buffer.count >= 1 << 16 { try flush() }
    }

    /// Puts `bytes` over the first ones that were written.
    func patchStart(_ bytes: [UInt8]) throws(OutputError) {
        try flush()
        try rethrowing { () throws(WeightsError) in
            try bytes.withUnsafeBufferPointer { bytes throws(WeightsError) in
                try file?.write(UnsafeRawBufferPointer(bytes), at: 0)
            }
        }
    }

    /// Hands on what waits in memory: a reader at the other end of a pipe may be waiting for it.
    func flush() throws(OutputError) {
        guard !buffer.isEmpty else { return }
        if let file {
            try rethrowing { () throws(WeightsError) in try file.write(buffer) }
        } else {
            do throws(SystemError) {
                try writeAll(buffer, to: STDOUT_FILENO)
            } catch {
                throw OutputError(
                    path: "standard output", "can't be written: \(error.message)", isClosedPipe: error.code == EPIPE)
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Makes the file appear.
    func finish() throws(OutputError) {
        try flush()
        try rethrowing { () throws(WeightsError) in try file?.commit() }
    }
}

private func rethrowing<Value>(_ body: () throws(WeightsError) -> Value) throws(OutputError) -> Value {
    do throws(WeightsError) {
        return try body()
    } catch {
        throw OutputError(path: error.path, error.problem)
    }
}
