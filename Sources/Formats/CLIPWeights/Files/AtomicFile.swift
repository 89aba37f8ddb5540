import CLIPSystem

/// A file that appears complete or not at all.
///
/// Bytes go to a temporary file beside the target. `commit` syncs it, renames it over the target and syncs the folder.
/// Without a commit (an error, a full disk, the object dropped) the temporary file is removed and whatever stood at
/// the target stays as it was. A target that is a device or a pipe is written directly: it can't be replaced.
///
/// A process under a file size limit must ignore SIGXFSZ to get the error instead of the signal.
package final class AtomicFile {
    /// The path as given, for messages.
    package let path: String
    private let target: String
    /// Where the bytes are until `commit`; nil when the target is written directly.
    let temporaryPath: String?
    private var descriptor: Int32
    private var isCommitted = false

    /// Whether the target is replaced as a whole, rather than a device or a pipe that is written directly.
    package var isReplaceable: Bool { temporaryPath != nil }

    /// Starts a file that will stand at `path`.
    ///
    /// - Parameter followsLinks: whether a link at `path` stays and what it leads to is replaced, rather than the link.
    /// - Throws: if `path` is a folder, its folder is missing, or either may not be written.
    package init(path: String, followsLinks: Bool = true) throws(WeightsError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw WeightsError(path: path.isEmpty ? "\"\"" : path, problem: "is not a path to write to")
        }
        self.path = path
        target = followsLinks ? AtomicFile.resolvingLinks(path) : path
        let kind = try followsLinks || !AtomicFile.isLink(path) ? FileKind(at: target) : .missing
        switch kind {
        case .folder:
            throw WeightsError(path: path, problem: "is a folder, expected the path of a file to write")
        case .other:
            temporaryPath = nil
            descriptor = again { [target] in open(target, O_WRONLY | O_CLOEXEC) }
        case .file, .missing:
            if kind == .file, access(target, W_OK) != 0 {
                throw WeightsError(path: path, problem: "can't be written: \(systemMessage())")
            }
            let folder = Path.folder(of: target)
            let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
            let temporary = Path.join(folder, ".clip-\(suffix).tmp")
            temporaryPath = temporary
            TemporaryFiles.add(temporary)
            descriptor = again { open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666) }
        }
        guard descriptor >= 0 else {
            let message = systemMessage()
            if let temporaryPath { TemporaryFiles.remove(temporaryPath) }
            throw WeightsError(path: path, problem: "can't be written: \(message) (folder \(Path.folder(of: target)))")
        }
        if kind == .file { keepMode() }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        if !isCommitted, let temporaryPath {
            unlink(temporaryPath)
            TemporaryFiles.remove(temporaryPath)
        }
    }

    /// Appends `bytes`.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(WeightsError) {
        try writeAll(bytes, offset: nil)
    }

    /// Appends `bytes`.
    package func write(_ bytes: [UInt8]) throws(WeightsError) {
        try bytes.withUnsafeBufferPointer { buffer throws(WeightsError) in
            try write(UnsafeRawBufferPointer(buffer))
        }
    }

    /// Puts `bytes` at `offset`, which may lie past what was written so far.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(WeightsError) {
        try writeAll(bytes, offset: offset)
    }

    /// Makes the file appear at `path`. Nothing can be written afterwards.
    package func commit() throws(WeightsError) {
        guard !isCommitted, descriptor >= 0 else {
            throw WeightsError(path: path, problem: "is already written")
        }
        guard temporaryPath == nil || sync(descriptor) else { throw failure() }
        let closing = close(descriptor)
        descriptor = -1
        // The descriptor is gone all the same, and what it wrote is synced.
        guard closing == 0 || errno == EINTR else { throw failure() }
        if let temporaryPath {
            guard again({ rename(temporaryPath, target) }) == 0 else { throw failure() }
            TemporaryFiles.remove(temporaryPath)
        }
        isCommitted = true
        if temporaryPath != nil { try syncFolder() }
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer, offset: Int?) throws(WeightsError) {
        guard descriptor >= 0 else { throw WeightsError(path: path, problem: "is already written") }
        var done = 0
        while done < bytes.count {
            // Linux writes at most 2 GiB at once, Darwin refuses more.
            let part = UnsafeRawBufferPointer(rebasing: bytes[done..<min(bytes.count, done + 1 << 30)])
            let written =
                if let offset {
                    pwrite(descriptor, part.baseAddress, part.count, off_t(offset) + off_t(done))
                } else {
                    posixWrite(descriptor, part)
                }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw failure() }
            done += written
        }
    }

    private func failure() -> WeightsError {
        let kept = temporaryPath == nil ? "" : ": nothing was written there, free space or choose another place"
        return WeightsError(path: path, problem: "can't be written: \(systemMessage())\(kept)")
    }

    /// A replaced file keeps its permissions.
    private func keepMode() {
        var status = stat()
        if temporaryPath != nil, stat(target, &status) == 0 { _ = fchmod(descriptor, status.st_mode & 0o7777) }
    }

    /// The rename itself must survive a power cut. Some file systems can't sync a folder: they say EINVAL.
    private func syncFolder() throws(WeightsError) {
        let folder = again { open(Path.folder(of: target), O_RDONLY | O_CLOEXEC) }
        guard folder >= 0 else { return }
        defer { close(folder) }
        if !sync(folder) && errno != EINVAL && errno != ENOTSUP {
            throw WeightsError(path: path, problem: "is written, but its folder can't be synced: \(systemMessage())")
        }
    }

    private static func isLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// The file a chain of links ends at, so that the link stays and its target is replaced.
    private static func resolvingLinks(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

private func sync(_ descriptor: Int32) -> Bool { again { fsync(descriptor) } == 0 }

/// `write(2)`, which the methods of `AtomicFile` shadow by name.
private func posixWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
