/// A regular file that is open, read and written at places, its errors in words.
package final class OpenFile: @unchecked Sendable {
    package let location: PathBytes
    /// What an error about it is about.
    package let kind: CLIPError.Kind
    package let descriptor: Int32
    /// Whether it was opened for reading because it can't be written.
    package var isReadOnly = false

    /// - Parameters:
    ///   - flags: of `open(2)`.
    ///   - kind: of the errors about it.
    /// - Throws: when nothing is there, it can't be opened, or is no regular file.
    package init(_ location: PathBytes, _ flags: Int32 = O_RDONLY, kind: CLIPError.Kind) throws(CLIPError) {
        guard !location.bytes.isEmpty, !location.bytes.contains(0) else {
            throw CLIPError(kind, path: location.text, "is not a path")
        }
        do throws(SystemError) {
            // Opening a named pipe would wait for its other end; on regular files the flag means nothing.
            descriptor = try location.open(flags | O_NONBLOCK)
        } catch {
            throw CLIPError(kind, path: location.text, "can't be opened", error)
        }
        self.location = location
        self.kind = kind
        let status = try self.status()
        guard status.kind == .file else {
            let found = status.kind == .folder ? "is a folder" : "is a device or a pipe"
            throw failure("\(found), expected a regular file")
        }
    }

    deinit {
        // A child process that is just being started may still hold a copy, and with it the lock.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// For messages.
    package var path: String { location.text }

    /// An error about this file.
    package func failure(_ message: String, advice: CLIPError.Advice? = nil) -> CLIPError {
        CLIPError(kind, path: path, message, advice: advice)
    }

    private func failure(_ message: String, _ cause: SystemError) -> CLIPError {
        CLIPError(kind, path: path, message, cause)
    }

    /// What the file system says of it now.
    package func status() throws(CLIPError) -> FileStatus {
        do throws(SystemError) {
            return try FileStatus(descriptor)
        } catch {
            throw failure("can't be examined", error)
        }
    }

    package var byteCount: Int { (try? FileStatus(descriptor))?.byteCount ?? 0 }

    /// Whether `location` still leads to this file: another may have been renamed over it.
    package var isAtPath: Bool {
        guard let found = try? location.status(), let own = try? FileStatus(descriptor) else { return false }
        return found.identity == own.identity
    }

    /// The bytes from `offset` on, fewer than `count` only at the end.
    package func read(at offset: Int, count: Int) throws(CLIPError) -> [UInt8] {
        do throws(SystemError) {
            return try readAll(from: descriptor, at: offset, count: count)
        } catch {
            throw failure("can't be read", error)
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CLIPError) {
        do throws(SystemError) {
            try writeAll(bytes, to: descriptor, at: offset)
        } catch {
            throw failure("can't be written", error)
        }
    }

    package func write(_ bytes: [UInt8], at offset: Int) throws(CLIPError) {
        try bytes.withUnsafeBufferPointer { bytes throws(CLIPError) in
            try write(UnsafeRawBufferPointer(bytes), at: offset)
        }
    }

    package func truncate(to byteCount: Int) throws(CLIPError) {
        do throws(SystemError) {
            _ = try uninterrupted { ftruncate(descriptor, off_t(byteCount)) }
        } catch {
            throw failure("can't be cut to \(byteCount) bytes", error)
        }
    }

    /// Waits until what was written is on the disk.
    package func sync() throws(CLIPError) {
        do throws(SystemError) {
            _ = try uninterrupted { fsync(descriptor) }
        } catch {
            throw failure("can't be synced", error)
        }
    }

    /// Whether a writer has the file locked.
    package var isLocked: Bool {
        guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else { return errno == EWOULDBLOCK }
        flock(descriptor, LOCK_UN)
        return false
    }

    /// Locks the file against other writers; the lock goes with this object or its process.
    /// - Returns: false when another has it.
    package func lock() throws(CLIPError) -> Bool {
        do throws(SystemError) {
            _ = try uninterrupted { flock(descriptor, LOCK_EX | LOCK_NB) }
            return true
        } catch {
            if error.code == EWOULDBLOCK { return false }
            throw failure("can't be locked", error)
        }
    }
}

/// All bytes of a regular file of at most `limit` bytes.
/// - Parameter kind: of the errors about it.
package func readFile(_ path: PathBytes, limit: Int, kind: CLIPError.Kind) throws(CLIPError) -> [UInt8] {
    let file = try OpenFile(path, kind: kind)
    let byteCount = try file.status().byteCount
    guard byteCount <= limit else { throw file.failure("has \(byteCount) bytes, expected at most \(limit)") }
    return try file.read(at: 0, count: byteCount)
}
