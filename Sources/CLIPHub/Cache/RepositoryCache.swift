internal import CLIPWeights
internal import CLIPSystem

/// One repository's folder in the hub's cache, written as Python's huggingface_hub writes it:
///
///     CACHEDIR.TAG
///     .locks/models--ORG--NAME/HASH.lock
///     models--ORG--NAME/blobs/HASH, HASH.xxxxxxxx.incomplete
///     models--ORG--NAME/snapshots/COMMIT/FILE → ../../blobs/HASH
///     models--ORG--NAME/refs/REVISION, which holds a commit
struct RepositoryCache: Sendable {
    let root: String
    let folder: String
    private let usesLinks: Bool

    init(root: String, repository: HubName, usesLinks: Bool) {
        self.root = root
        folder = HubCache(root: root).folder(of: repository)
        self.usesLinks = usesLinks
    }

    private var blobs: String { Path.join(folder, "blobs") }
    private var locks: String { Path.join(Path.join(root, ".locks"), Path.name(of: folder)) }

    func snapshot(_ commit: String) -> String { Path.join(Path.join(folder, "snapshots"), commit) }
    func blob(_ file: HubFile) -> String { Path.join(blobs, file.hash.digits) }
    func lock(_ file: HubFile) -> String { Path.join(locks, file.hash.digits + ".lock") }

    /// Where a blob's bytes gather. Whoever holds its lock goes on with what another run of this program has left, whose
    /// mark is in the name: what other programs leave may have holes. Without locks each run has a file of its own.
    func partial(_ file: HubFile, isLocked: Bool) -> String {
        let mark = isLocked ? "636c6970" : RepositoryCache.randomDigits()
        return Path.join(blobs, "\(file.hash.digits).\(mark).incomplete")
    }

    /// Makes the folders that every repository has.
    func prepare() throws(CLIPError) {
        for path in [blobs, Path.join(folder, "refs"), Path.join(folder, "snapshots"), locks] {
            try PathBytes(path).makeFolders(.storage)
        }
        let tag = Path.join(root, "CACHEDIR.TAG")
        if access(tag, F_OK) != 0 {
            // Backup programs leave a folder out that has this file (bford.info/cachedir).
            try write("Signature: 8a477f597d28d172789f06886806bc55\n# Models fetched from a hub.\n", to: tag)
        }
    }

    /// Whether the blob is there, whole by its size.
    func hasBlob(_ file: HubFile) throws(CLIPError) -> Bool { try byteCountOfFile(blob(file)) == file.byteCount }

    /// Whether the blob is there, whole by its size and, if `verifies`, by its bytes.
    func hasBlob(_ file: HubFile, verifies: Bool) throws(CLIPError) -> Bool {
        guard try hasBlob(file) else { return false }
        guard verifies else { return true }
        return try RepositoryCache.isGenuine(blob(file), file.hash, byteCount: file.byteCount)
    }

    /// Whether the snapshot has the file, whole by its size, as a link or not.
    func hasFile(_ file: HubFile, in commit: String) throws(CLIPError) -> Bool {
        try byteCountOfFile(Path.join(snapshot(commit), file.path)) == file.byteCount
    }

    /// Whether the cache has the bytes that the hub announces: the file that the snapshot has, and the blob, byte by byte.
    /// One of them must be there.
    func holdsGenuine(_ file: HubFile, in commit: String) throws(CLIPError) -> Bool {
        var isThere = false
        for path in [Path.join(snapshot(commit), file.path), blob(file)] {
            guard try byteCountOfFile(path) != nil else { continue }
            guard try RepositoryCache.isGenuine(path, file.hash, byteCount: file.byteCount) else { return false }
            isThere = true
        }
        return isThere
    }

    /// Whether the file at `path` has these bytes.
    static func isGenuine(_ path: String, _ hash: ContentHash, byteCount: Int) throws(CLIPError) -> Bool {
        let file = try OpenFile(PathBytes(path), kind: .storage)
        var digest = ContentDigest(expecting: hash, byteCount: byteCount)
        var isTooLong = false
        try digest.update(file) {
            isTooLong = $0 > byteCount
            return !isTooLong
        }
        return !isTooLong && digest.hexadecimal == hash.digits
    }

    /// Puts the blob's file into the snapshot.
    func place(_ file: HubFile, in commit: String) throws(CLIPError) {
        let target = Path.join(snapshot(commit), file.path)
        try PathBytes(Path.folder(of: target)).makeFolders(.storage)
        let depth = file.path.utf8.count { $0 == UInt8(ascii: "/") }
        let destination = String(repeating: "../", count: depth + 2) + "blobs/" + file.hash.digits
        let temporary = "\(target).\(RepositoryCache.randomDigits()).tmp"
        if usesLinks {
            if symlink(destination, temporary) == 0 {
                guard rename(temporary, target) == 0 else {
                    let error = SystemError.last
                    unlink(temporary)
                    throw CLIPError(.storage, path: target, "can't be written", error)
                }
                return
            }
            guard RepositoryCache.meansNoLinks(errno) else {
                throw CLIPError(.storage, path: target, "can't be written", .last)
            }
        }
        // A file with two names, else one that moves to where it is read.
        if link(blob(file), target) == 0 { return }
        guard errno == EEXIST || RepositoryCache.meansNoLinks(errno), rename(blob(file), target) == 0 else {
            throw CLIPError(.storage, path: target, "can't be written", .last)
        }
    }

    /// Whether the error is that of a file system without links. Another is no reason to go on without.
    private static func meansNoLinks(_ code: Int32) -> Bool {
        [EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS, EMLINK].contains(code)
    }

    /// Says that `revision` is `commit` from now on.
    func writeReference(_ revision: String, commit: String) throws(CLIPError) {
        guard revision != commit else { return }
        let path = Path.join(Path.join(folder, "refs"), revision)
        try PathBytes(Path.folder(of: path)).makeFolders(.storage)
        try write(commit, to: path)
    }

    /// Bytes that the file system has room for; nil if it doesn't say.
    var freeByteCount: Int? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        let (count, isHuge) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return isHuge ? nil : Int(exactly: count)
    }

    private func write(_ text: String, to path: String) throws(CLIPError) {
        let file = try AtomicFile(PathBytes(path), followsLinks: false)
        try file.write(Array(text.utf8))
        try file.commit()
    }

    /// The name of the blob that the link at `path` leads to; nil if it is no link.
    static func linkedBlob(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return Path.name(of: String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    /// nil if there is no regular file, links followed.
    private func byteCountOfFile(_ path: String) throws(CLIPError) -> Int? {
        let status = try PathBytes(path).found(.storage)
        return status?.kind == .file ? status?.byteCount : nil
    }

    private static func randomDigits() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
