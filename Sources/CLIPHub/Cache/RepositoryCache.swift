internal import Weights

#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

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
    func prepare() throws(HubError) {
        for path in [blobs, Path.join(folder, "refs"), Path.join(folder, "snapshots"), locks] {
            try storing { () throws(WeightsError) in try makeFolder(path) }
        }
        let tag = Path.join(root, "CACHEDIR.TAG")
        if FileKind(at: tag) == .missing {
            // Backup programs leave a folder out that has this file (bford.info/cachedir).
            try? write("Signature: 8a477f597d28d172789f06886806bc55\n# Models fetched from a hub.\n", to: tag)
        }
    }

    /// Whether the blob is there, whole by its size.
    func hasBlob(_ file: HubFile) -> Bool { byteCountOfFile(blob(file)) == file.byteCount }

    /// Whether the snapshot has the file, whole by its size, as a link or not.
    func hasFile(_ file: HubFile, in commit: String) -> Bool {
        byteCountOfFile(Path.join(snapshot(commit), file.path)) == file.byteCount
    }

    /// Puts the blob's file into the snapshot.
    func place(_ file: HubFile, in commit: String) throws(HubError) {
        let target = Path.join(snapshot(commit), file.path)
        try storing { () throws(WeightsError) in try makeFolder(Path.folder(of: target)) }
        let depth = file.path.utf8.count { $0 == UInt8(ascii: "/") }
        let destination = String(repeating: "../", count: depth + 2) + "blobs/" + file.hash.digits
        let temporary = "\(target).\(RepositoryCache.randomDigits()).tmp"
        if usesLinks, symlink(destination, temporary) == 0 {
            guard rename(temporary, target) == 0 else {
                let message = systemMessage()
                unlink(temporary)
                throw HubError(.storage, target, "can't be written: \(message)")
            }
        } else {
            // A file with two names, else one that moves to where it is read.
            guard link(blob(file), target) == 0 || rename(blob(file), target) == 0 else {
                throw HubError(.storage, target, "can't be written: \(systemMessage())")
            }
        }
    }

    /// Says that `revision` is `commit` from now on.
    func writeReference(_ revision: String, commit: String) throws(HubError) {
        guard revision != commit else { return }
        let path = Path.join(Path.join(folder, "refs"), revision)
        try storing { () throws(WeightsError) in try makeFolder(Path.folder(of: path)) }
        try write(commit, to: path)
    }

    /// Bytes that the file system has room for; nil if it doesn't say.
    var freeByteCount: Int? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        let (count, isHuge) = Int(status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
        return isHuge ? nil : count
    }

    private func write(_ text: String, to path: String) throws(HubError) {
        try storing { () throws(WeightsError) in
            let file = try AtomicFile(path: path)
            try file.write(Array(text.utf8))
            try file.commit()
        }
    }

    private func byteCountOfFile(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(status.st_size)
    }

    private static func randomDigits() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
