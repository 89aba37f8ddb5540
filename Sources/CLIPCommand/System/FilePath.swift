#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A path as the bytes that the file system has, which need not be UTF-8.
struct FilePath: Equatable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The path to show; what is not UTF-8 is replaced.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Whether `text` is the path itself.
    var isText: Bool { text.utf8.elementsEqual(bytes) }

    /// What stands at a path.
    enum Kind: Equatable {
        case file, folder, other
        /// Nothing that can be examined, and why.
        case missing(String)
    }

    /// What stands there, links followed.
    var kind: Kind {
        guard !bytes.contains(0) else { return .missing("a path holds no NUL byte") }
        var status = stat()
        guard withCString({ stat($0, &status) }) == 0 else { return .missing(SystemError(code: errno).message) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .folder
        default: return .other
        }
    }

    /// Whether it is a symbolic link.
    var isLink: Bool {
        var status = stat()
        return withCString { lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// The size of the file there, if there is one.
    var byteCount: Int? {
        var status = stat()
        return withCString { stat($0, &status) } == 0 ? Int(status.st_size) : nil
    }

    /// `name` inside the folder at this path.
    func appending(_ name: [UInt8]) -> FilePath {
        bytes.last == UInt8(ascii: "/") ? FilePath(bytes + name) : FilePath(bytes + [UInt8(ascii: "/")] + name)
    }

    /// The names in the folder at this path, in no order, `.` and `..` left out.
    func names() throws(SystemError) -> [[UInt8]] {
        guard let stream = withCString({ opendir($0) }) else { throw SystemError(code: errno) }
        defer { closedir(stream) }
        var names: [[UInt8]] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if !name.elementsEqual(".".utf8) && !name.elementsEqual("..".utf8) { names.append(name) }
        }
        return names
    }

    /// A descriptor to read from.
    func open() throws(SystemError) -> Int32 {
        let descriptor = withCString { openForReading($0) }
        guard descriptor >= 0 else { throw SystemError(code: errno) }
        return descriptor
    }

    /// All bytes of the file there, or of a pipe until its end.
    func read(atMost limit: Int) throws(SystemError) -> [UInt8] {
        let descriptor = try open()
        defer { close(descriptor) }
        return try readToEnd(of: descriptor, atMost: limit)
    }

    private func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        bytes.map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { path in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: path.count + 1) { buffer in
                _ = buffer.initialize(from: path)
                buffer[path.count] = 0
                return body(buffer.baseAddress!)
            }
        }
    }
}

/// All bytes of a descriptor.
func readToEnd(of descriptor: Int32, atMost limit: Int) throws(SystemError) -> [UInt8] {
    var all: [UInt8] = []
    while true {
        let part = try readSome(from: descriptor, atMost: 1 << 18)
        if part.isEmpty { return all }
        guard all.count + part.count <= limit else { throw SystemError(code: EFBIG) }
        all += part
    }
}

private func openForReading(_ path: UnsafePointer<CChar>) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }
