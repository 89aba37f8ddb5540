#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The text files of a few lines in which a kernel reports.
package enum SmallFile {
    /// The first `limit` bytes of the file, or nil if it can't be read.
    package static func contents(of path: String, limit: Int = 4096) -> String? {
        let descriptor = uninterrupted { Int(open(path, O_RDONLY | O_CLOEXEC)) }
        guard descriptor >= 0 else { return nil }
        defer { close(Int32(descriptor)) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var length = 0
        while length < limit {
            let count = bytes.withUnsafeMutableBytes { buffer in
                uninterrupted { read(Int32(descriptor), buffer.baseAddress! + length, limit - length) }
            }
            guard count > 0 else { break }
            length += count
        }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }

    /// The result of a call, made again for as long as a signal cuts it short.
    private static func uninterrupted(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result >= 0 || errno != EINTR { return result }
        }
    }
}
