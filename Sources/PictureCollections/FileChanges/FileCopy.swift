import CLIP
import CLIPSystem
import CLIPWeights

extension VerifiedFile {
    /// Gives the file a second name where nothing stands yet; on another file system, or one without links as cards and sticks
    /// have, puts a copy there, and so of a file that stands in for another.
    /// - Parameter temporary: see `copy(to:temporary:)`.
    func appear(at target: PathBytes, temporary: PathBytes) throws(CLIPError) {
        guard content.identity == identity else { return try copy(to: target, temporary: temporary) }
        do throws(SystemError) {
            // A link fails where something stands, a rename would replace it.
            try path.link(to: target)
        } catch {
            guard [EXDEV, EPERM, ENOTSUP, EOPNOTSUPP, EMLINK].contains(error.code) else {
                throw CLIPError(.picture, error)
            }
            try copy(to: target, temporary: temporary)
        }
    }

    /// Puts a copy of the file where nothing stands yet.
    ///
    /// The copy appears whole or not at all, and only once it was synced and read again: the original may go then. Its
    /// permissions and times are those of the original, and, as far as that can be had there, its owner and extended attributes.
    /// - Parameter temporary: a path in the same folder, where it is until it is whole.
    /// - Throws: why there is no copy.
    func copy(to target: PathBytes, temporary: PathBytes) throws(CLIPError) {
        try content.appear(ReadFile.contents(of: path).bytes, at: target, temporary: temporary)
    }

    /// Puts a copy of the file in its own place, or in that of another name of it, with the permissions, times and attributes
    /// that `content` says: a name of another file becomes a file of its own.
    /// - Parameter temporary: a path in the same folder, where it is until it is whole.
    func separate(_ content: FileChange.Content, temporary: PathBytes) throws(CLIPError) {
        let bytes = try ReadFile.contents(of: path).bytes
        try content.write(bytes, to: temporary) { () throws(SystemError) in
            guard isUnchanged else { throw SystemError(code: ESTALE) }
            try temporary.rename(to: path)
        }
        try? path.folder.syncFolder()
    }
}

extension FileChange.Content {
    /// What a new file of these bytes is to be.
    init(of bytes: [UInt8]) {
        self.init(
            hash: bytes.withUnsafeBytes { SHA256.hexadecimal(of: $0) }, byteCount: bytes.count, permissions: 0o644,
            modified: nanosecondsSince1970(), identity: FileStatus.Identity(device: 0, inode: 0))
    }

    /// Puts a file of these bytes where nothing stands yet: whole, or not at all.
    /// - Parameter temporary: a path in the same folder, where it is until it is whole.
    func appear(_ bytes: [UInt8], at target: PathBytes, temporary: PathBytes) throws(CLIPError) {
        try write(bytes, to: temporary) { () throws(SystemError) in
            // A rename would replace what stands there: an empty file claims the name first, or finds it taken.
            close(try target.open(O_WRONLY | O_CREAT | O_EXCL, permissions: 0o600))
            do throws(SystemError) {
                try temporary.rename(to: target)
            } catch {
                try? target.remove()
                throw error
            }
        }
        // The name must outlast a power cut before an original goes.
        try? target.folder.syncFolder()
    }

    /// Writes a file and reads it again, and hands it on as `appear` says; whatever fails, none is left at `temporary`.
    fileprivate func write(
        _ bytes: [UInt8], to temporary: PathBytes, appear: () throws(SystemError) -> Void
    ) throws(CLIPError) {
        TemporaryFiles.add(temporary)
        defer {
            try? temporary.remove()
            TemporaryFiles.remove(temporary)
        }
        do throws(SystemError) {
            try write(bytes, to: temporary)
        } catch {
            throw CLIPError(.picture, error)
        }
        _ = try VerifiedFile(
            temporary, holding: hash, otherwise: "the copy holds something else: the file changes, or a disk is failing"
        )
        do throws(SystemError) {
            try appear()
        } catch {
            throw CLIPError(.picture, error)
        }
    }

    /// Writes a file with these permissions and this time, and waits until it is on the disk.
    private func write(_ bytes: [UInt8], to path: PathBytes) throws(SystemError) {
        let descriptor = try path.open(O_WRONLY | O_CREAT | O_EXCL, permissions: 0o600)
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor)
        // Another owner takes some permissions away, an access list may change others.
        attributes?.give(to: descriptor)
        _ = try uninterrupted { fchmod(descriptor, permissions) }
        var (seconds, nanoseconds) = modified.quotientAndRemainder(dividingBy: 1_000_000_000)
        if nanoseconds < 0 { (seconds, nanoseconds) = (seconds - 1, nanoseconds + 1_000_000_000) }
        let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds))
        _ = try uninterrupted { futimens(descriptor, [time, time]) }
        _ = try uninterrupted { fsync(descriptor) }
    }
}
