import CLIPSystem
import Weights

/// A picture file's bytes, with what tells later whether it is still the same.
struct ReadFile {
    /// As much as a picture file may reasonably have.
    private static let largest = 1 << 31

    let bytes: [UInt8]
    let identity: FileIdentity
    let contentHash: ContentHash

    /// Reads the regular file at `path`.
    /// - Throws: why it can't be read.
    init(_ path: [UInt8]) throws(IndexFault) {
        let status: stat
        (bytes, status) = try ReadFile.contents(of: path)
        var hash = SHA256()
        hash.update(bytes)
        contentHash = ContentHash(bytes: hash.digest())
        var identity = FileIdentity(FileStatus(status))
        // The clock of a file system ticks slowly: a change right after this reading could leave the same time.
        if now() - identity.modified < 2_000_000_000 { identity.modified = 0 }
        self.identity = identity
    }

    /// The bytes of the regular file at `path`, and its status when it was opened.
    /// - Throws: why it can't be read.
    static func contents(of path: [UInt8]) throws(IndexFault) -> (bytes: [UInt8], status: stat) {
        let descriptor: Int32
        do throws(SystemError) {
            descriptor = try PathBytes(path).open(O_RDONLY | O_NONBLOCK)
        } catch {
            throw IndexFault("can't be opened: \(error.message)")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw IndexFault("is not a regular file")
        }
        guard status.st_size <= ReadFile.largest else {
            throw IndexFault("has \(status.st_size) bytes, expected at most \(ReadFile.largest)")
        }
        return (try read(descriptor, expected: Int(status.st_size)), status)
    }

    private static func read(_ descriptor: Int32, expected: Int) throws(IndexFault) -> [UInt8] {
        var bytes: [UInt8] = []
        var room = expected + 1
        while true {
            var failure: Int32 = 0
            let part = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                count = 0
                while count < room {
                    let got = posixRead(descriptor, buffer.baseAddress! + count, min(room - count, 1 << 30))
                    if got < 0 && errno == EINTR { continue }
                    if got < 0 { failure = errno }
                    if got <= 0 { break }
                    count += got
                }
            }
            guard failure == 0 else { throw IndexFault("can't be read: \(systemMessage(failure))") }
            bytes = bytes.isEmpty ? part : bytes + part
            guard bytes.count <= largest else { throw IndexFault("grows beyond \(largest) bytes") }
            if part.count < room { return bytes }
            room = 1 << 16
        }
    }
}

/// `read(2)`, which the method above shadows by name.
private func posixRead(_ descriptor: Int32, _ target: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    read(descriptor, target, count)
}

/// Nanoseconds since 1970.
private func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
