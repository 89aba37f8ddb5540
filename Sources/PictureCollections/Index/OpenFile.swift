import CLIP
import CLIPSystem

/// An open file that is read and written at places, its errors in words.
final class OpenFile: @unchecked Sendable {
    let location: PathBytes
    let descriptor: Int32
    /// Whether it was opened for reading because it can't be written.
    var isReadOnly = false

    /// - Parameter flags: of `open(2)`.
    init(path location: PathBytes, flags: Int32) throws(CLIPError) {
        self.location = location
        let path = location.text
        guard !location.bytes.isEmpty, !location.bytes.contains(0) else {
            throw CLIPError(.index, path: path.isEmpty ? "\"\"" : path, "is not a path")
        }
        do throws(SystemError) {
            // Opening a named pipe would wait for its other end.
            descriptor = try uninterrupted {
                withCString(location.bytes) { open($0, flags | O_CLOEXEC | O_NONBLOCK, 0o666) }
            }
        } catch {
            throw CLIPError(.index, path: path, "can't be opened", error)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw CLIPError(.index, path: path, "can't be examined: \(systemMessage())")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw CLIPError(.index, path: path, "is a folder, a device or a pipe, expected a file")
        }
    }

    /// For messages.
    var path: String { location.text }

    deinit {
        if descriptor >= 0 {
            // A child process that is just being started may still hold a copy, and with it the lock.
            flock(descriptor, LOCK_UN)
            close(descriptor)
        }
    }

    private var status: stat {
        var status = stat()
        fstat(descriptor, &status)
        return status
    }

    var byteCount: Int { Int(status.st_size) }

    /// Whether `path` still leads to this file: another may have been renamed over it.
    var isAtPath: Bool {
        var found = stat()
        let own = status
        return withCString(location.bytes) { stat($0, &found) } == 0 && found.st_ino == own.st_ino
            && found.st_dev == own.st_dev
    }

    /// The bytes from `offset` on, fewer than `count` only at the end.
    func read(at offset: Int, count: Int) throws(CLIPError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got = pread(
                    descriptor, buffer.baseAddress! + filled, min(count - filled, 1 << 30), off_t(offset + filled))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                filled += got
            }
        }
        guard failure == 0 else {
            throw CLIPError(.index, path: path, "can't be read", SystemError(code: failure))
        }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(CLIPError) {
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, min($0.count - done, 1 << 30), off_t(offset + done))
            }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw CLIPError(.index, path: path, "can't be written: \(systemMessage())") }
            done += written
        }
    }

    func truncate(to byteCount: Int) throws(CLIPError) {
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
            throw CLIPError(.index, path: path, "can't be cut to \(byteCount) bytes: \(systemMessage())")
        }
    }

    /// Waits until what was written is on the disk.
    func sync() throws(CLIPError) {
        guard fsync(descriptor) == 0 else {
            throw CLIPError(.index, path: path, "can't be synced: \(systemMessage())")
        }
    }

    /// Waits until the name of the file is on the disk too. Some file systems can't sync a folder: they say so.
    func syncFolder() {
        guard let folder = try? location.folder.open() else { return }
        _ = fsync(folder)
        close(folder)
    }

    /// Locks the file against other writers; the lock goes with this object or its process.
    /// - Returns: false when another has it and `waits` is false.
    func lock(waits: Bool) throws(CLIPError) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK {
                guard waits else { return false }
                // The call that waits by itself can't be ended.
                try checkCancellation()
                usleep(20_000)
                continue
            }
            throw CLIPError(.index, path: path, "can't be locked: \(systemMessage())")
        }
        return true
    }
}

/// The operating system's words for `code`.
func systemMessage(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }

/// The folder that holds `path`, "." for a bare name.
func folderPath(of path: String) -> String { PathBytes(path).folder.text }
