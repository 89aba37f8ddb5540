internal import Weights

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// A blob that is not complete yet: the bytes so far, and their hash.
///
/// It stays where it is when the program ends, however it ends: the next one goes on from there.
struct PartialFile: ~Copyable {
    let path: String
    let file: HubFile
    /// How many bytes are there.
    private(set) var count = 0
    private var digest: ContentDigest
    private let descriptor: Int32

    /// Opens or makes the file; what it holds already is hashed.
    ///
    /// - Throws: when it can't be made or read.
    init(path: String, for file: HubFile) throws(HubError) {
        self.path = path
        self.file = file
        digest = ContentDigest(expecting: file.hash, byteCount: file.byteCount)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw HubError(.storage, path, "can't be written: \(systemMessage())") }
        try hashWhatIsThere()
    }

    deinit { close(descriptor) }

    var isComplete: Bool { count == file.byteCount }

    /// Appends `bytes`.
    ///
    /// - Throws: when they can't be written, or are more than the file has room for.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(HubError) {
        guard bytes.count <= file.byteCount - count else {
            throw HubError(.damaged, file.path, "the hub sends more than the \(file.byteCount) bytes it announced")
        }
        var done = 0
        while done < bytes.count {
            let written = write(descriptor, bytes.baseAddress! + done, min(bytes.count - done, 1 << 30))
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                throw HubError(
                    .storage, path,
                    "can't be written: \(systemMessage()): make room, then run this again, "
                        + "it goes on where it stopped")
            }
            done += written
        }
        digest.update(bytes)
        count += bytes.count
    }

    /// Forgets everything.
    mutating func restart() throws(HubError) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw HubError(.storage, path, "can't be emptied: \(systemMessage())")
        }
        count = 0
        digest = ContentDigest(expecting: file.hash, byteCount: file.byteCount)
    }

    /// Whether the bytes are what the hub announced.
    var isGenuine: Bool { isComplete && digest.hexadecimal == file.hash.digits }

    /// The hash of what is there.
    var hexadecimal: String { digest.hexadecimal }

    /// Makes the blob appear at `target`, complete.
    mutating func commit(to target: String) throws(HubError) {
        guard fsync(descriptor) == 0, rename(path, target) == 0 else {
            throw HubError(.storage, target, "can't be written: \(systemMessage())")
        }
    }

    private mutating func hashWhatIsThere() throws(HubError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let got = read(descriptor, buffer.baseAddress, buffer.count)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw HubError(.storage, path, "can't be read: \(systemMessage())") }
            if got == 0 { return }
            guard got <= file.byteCount - count else { return try restart() }
            digest.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            count += got
        }
    }
}
