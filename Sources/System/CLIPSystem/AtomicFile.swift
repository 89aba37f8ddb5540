/// A file that appears complete or not at all.
///
/// Bytes go to a temporary file beside the target. `commit` syncs it, renames it over the target and syncs the folder.
/// Without a commit (an error, a full disk, the object dropped) the temporary file is removed and whatever stood at
/// the target stays as it was. A target that is a device or a pipe is written directly: it can't be replaced.
///
/// A process under a file size limit must ignore SIGXFSZ to get the error instead of the signal.
package final class AtomicFile {
    /// The path as given, for messages.
    package let location: PathBytes
    private let kind: CLIPError.Kind
    private let target: PathBytes
    /// Where the bytes are until `commit`; nil when the target is written directly.
    package let temporaryPath: PathBytes?
    private var descriptor: Int32
    private var isCommitted = false

    /// Whether the target is replaced as a whole, rather than a device or a pipe that is written directly.
    package var isReplaceable: Bool { temporaryPath != nil }

    /// Starts a file that will stand at `path`.
    ///
    /// - Parameters:
    ///   - kind: of the errors about it.
    ///   - followsLinks: whether a link at `path` stays and what it leads to is replaced, rather than the link.
    /// - Throws: if `path` is a folder, its folder is missing, or either may not be written.
    package init(
        _ location: PathBytes, kind: CLIPError.Kind = .storage, followsLinks: Bool = true
    ) throws(CLIPError) {
        let path = location.text
        guard !location.bytes.isEmpty, !location.bytes.contains(0) else {
            throw CLIPError(kind, path: path, "is not a path to write to")
        }
        self.location = location
        self.kind = kind
        target = followsLinks ? (try? location.resolved()) ?? location : location
        let isLink = !followsLinks && (try? location.status(followsLinks: false))?.kind == .link
        let found = isLink ? nil : try target.found(kind)
        let isReplaceable = found == nil || found?.kind == .file
        guard found?.kind != .folder else {
            throw CLIPError(kind, path: path, "is a folder, expected the path of a file to write")
        }
        if isReplaceable, found != nil, withCString(target.bytes, { access($0, W_OK) }) != 0 {
            throw CLIPError(kind, path: path, "can't be written", .last)
        }
        temporaryPath = isReplaceable ? target.temporarySibling : nil
        if let temporaryPath { TemporaryFiles.add(temporaryPath) }
        do throws(SystemError) {
            if let temporaryPath {
                descriptor = try temporaryPath.open(O_WRONLY | O_CREAT | O_EXCL)
            } else {
                descriptor = try target.open(O_WRONLY)
            }
        } catch {
            if let temporaryPath { TemporaryFiles.remove(temporaryPath) }
            throw CLIPError(
                kind, path: path, "can't be written: \(error.message) (folder \(target.folder.text))")
        }
        // A replaced file keeps its permissions.
        if temporaryPath != nil, let found { _ = fchmod(descriptor, found.permissions) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        if !isCommitted, let temporaryPath {
            try? temporaryPath.remove()
            TemporaryFiles.remove(temporaryPath)
        }
    }

    /// Puts `bytes` behind what was written so far, or at `offset`, which may lie past it.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws(CLIPError) {
        guard descriptor >= 0 else { throw isWritten }
        do throws(SystemError) {
            try writeAll(bytes, to: descriptor, at: offset)
        } catch {
            throw failure(error)
        }
    }

    package func write(_ bytes: [UInt8], at offset: Int? = nil) throws(CLIPError) {
        try bytes.withUnsafeBufferPointer { buffer throws(CLIPError) in
            try write(UnsafeRawBufferPointer(buffer), at: offset)
        }
    }

    /// Makes the file appear at `path`. Nothing can be written afterwards.
    package func commit() throws(CLIPError) {
        guard !isCommitted, descriptor >= 0 else { throw isWritten }
        do throws(SystemError) {
            if temporaryPath != nil { _ = try uninterrupted { fsync(descriptor) } }
            let closing = close(descriptor)
            descriptor = -1
            // The descriptor is gone all the same, and what it wrote is synced.
            guard closing == 0 || errno == EINTR else { throw SystemError.last }
            try temporaryPath?.rename(to: target)
        } catch {
            throw failure(error)
        }
        if let temporaryPath { TemporaryFiles.remove(temporaryPath) }
        isCommitted = true
        guard temporaryPath != nil else { return }
        do throws(SystemError) {
            // The rename itself must survive a power cut.
            try target.folder.syncFolder()
        } catch {
            throw CLIPError(kind, path: path, "is written, but its folder can't be synced", error)
        }
    }

    /// For messages.
    package var path: String { location.text }

    private var isWritten: CLIPError { CLIPError(kind, path: path, "is already written") }

    private func failure(_ error: SystemError) -> CLIPError {
        var failure = CLIPError(kind, path: path, "can't be written", error)
        if temporaryPath != nil { failure.message += ": nothing was written there, free space or choose another place" }
        return failure
    }
}

/// A folder that appears complete or not at all.
///
/// Its files go to a temporary folder beside the target. `commit` renames that to the target, which must not be there, or
/// be an empty folder. Without a commit (an error, a full disk, the object dropped) the temporary folder is removed.
package final class AtomicFolder {
    /// The path as given, for messages.
    package let location: PathBytes
    private let kind: CLIPError.Kind
    private let target: PathBytes
    private let temporaryPath: PathBytes
    private var registered: [PathBytes] = []
    private var isCommitted = false

    /// Starts a folder that will stand at `path`.
    ///
    /// - Parameter kind: of the errors about it.
    /// - Throws: if something is there that isn't an empty folder, or the folder around it may not be written.
    package init(_ location: PathBytes, kind: CLIPError.Kind = .storage) throws(CLIPError) {
        let path = location.text
        guard !location.bytes.isEmpty, !location.bytes.contains(0) else {
            throw CLIPError(kind, path: path, "is not a path to write to")
        }
        self.location = location
        self.kind = kind
        let found = try location.found(kind)
        switch found?.kind {
        case nil: target = location.withoutSlashes
        case .folder:
            guard try location.contents(kind).isEmpty else {
                throw CLIPError(kind, path: path, "is a folder with something in it, expected an empty one")
            }
            // A link to an empty folder stays: what it leads to is replaced.
            target = (try? location.resolved()) ?? location
        case .file, .link, .other:
            throw CLIPError(kind, path: path, "is no folder, expected one that is empty or none")
        }
        temporaryPath = target.temporarySibling
        do throws(SystemError) {
            try temporaryPath.makeFolder()
        } catch {
            throw CLIPError(kind, path: path, "can't be made: \(error.message) (folder \(target.folder.text))")
        }
        if let found { _ = withCString(temporaryPath.bytes) { chmod($0, found.permissions) } }
        register(temporaryPath)
    }

    deinit {
        if !isCommitted {
            // All that is in it, known without looking: the disk may be one that fails.
            for path in registered.reversed() where path != temporaryPath { try? path.remove() }
            try? temporaryPath.removeFolder()
        }
        for path in registered { TemporaryFiles.remove(path) }
    }

    /// Where the file `name` of the folder is to be written, now.
    package func temporaryPath(of name: String) -> PathBytes {
        let path = temporaryPath.appending(name)
        register(path)
        return path
    }

    /// `error` about a file that is being written, with the path that the file would have had.
    package func renaming(_ error: CLIPError) -> CLIPError {
        let start = temporaryPath.text + "/"
        guard let found = error.path, found.hasPrefix(start) else { return error }
        return error.at(location.appending(String(found.dropFirst(start.count))).text)
    }

    /// Makes the folder appear at `path`. All its files must have been synced.
    package func commit() throws(CLIPError) {
        guard !isCommitted else { throw CLIPError(kind, path: path, "is already written") }
        try sync(temporaryPath)
        do throws(SystemError) {
            try temporaryPath.rename(to: target)
        } catch {
            throw CLIPError(kind, path: path, "can't be written: \(error.message): nothing was written there")
        }
        isCommitted = true
        try sync(target.folder)
    }

    private var path: String { location.text }

    private func register(_ path: PathBytes) {
        registered.append(path)
        TemporaryFiles.add(path)
    }

    private func sync(_ folder: PathBytes) throws(CLIPError) {
        do throws(SystemError) {
            try folder.syncFolder()
        } catch {
            throw CLIPError(kind, path: path, "can't be synced", error)
        }
    }
}

extension PathBytes {
    fileprivate var withoutSlashes: PathBytes {
        let end = bytes.lastIndex { $0 != PathBytes.slash } ?? 0
        return PathBytes(Array(bytes[...end]))
    }
}
