internal import CLIPWeights

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
        // Its name can be foretold: a link that somebody has put there must not lead what is written elsewhere.
        let opened = Result { () throws(HubError) in try openOwnFile(path) }
        descriptor = (try? opened.get()) ?? -1
        _ = try opened.get()
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
        while fsync(descriptor) != 0 {
            guard errno == EINTR else { throw HubError(.storage, target, "can't be written: \(systemMessage())") }
        }
        guard rename(path, target) == 0 else {
            throw HubError(.storage, target, "can't be written: \(systemMessage())")
        }
    }

    private mutating func hashWhatIsThere() throws(HubError) {
        var (got, isTooLong) = (0, false)
        try digest.update(readingTo: descriptor, path: path) { [limit = file.byteCount] read in
            isTooLong = read > limit
            got = read
            return !isTooLong
        }
        if isTooLong { try restart() } else { count = got }
    }
}
