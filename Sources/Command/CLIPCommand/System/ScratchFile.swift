import CLIPSystem

/// A file that is gone when nobody holds it any more.
final class ScratchFile {
    let path: String

    init(_ bytes: [UInt8]) throws(SystemError) {
        let descriptor: Int32
        (path, descriptor) = try makeTemporaryFile()
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor)
    }

    deinit { unlink(path) }
}

/// Where temporary files go.
var temporaryFolder: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

/// A new file for this process alone, open for reading and writing.
func makeTemporaryFile() throws(SystemError) -> (path: String, descriptor: Int32) {
    var template = Array("\(temporaryFolder)/clip-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw SystemError(code: errno) }
    return (String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self), descriptor)
}
