import CLIP
import CLIPSystem

extension ReadFile {
    /// Puts a copy of a file where nothing stands yet, on another file system or one without links.
    ///
    /// The copy appears whole or not at all, and only once it was synced and read again: the original may go then. Its
    /// permissions and times are those of the original.
    /// - Parameter hash: the SHA-256 of what the file must hold, 64 hexadecimal digits.
    /// - Throws: why there is no copy.
    static func copy(_ path: [UInt8], holding hash: String, to target: [UInt8]) throws(CLIPError) {
        let temporary = temporaryPath(beside: target)
        let (bytes, status) = try contents(of: path)
        TemporaryFiles.add(temporary)
        defer {
            _ = withCString(temporary) { unlink($0) }
            TemporaryFiles.remove(temporary)
        }
        try write(bytes, status, to: temporary)
        guard hexadecimal(try ReadFile(temporary).contentHash.bytes) == hash else {
            throw CLIPError(.picture, "the copy holds something else: the file changes, or a disk is failing")
        }
        // A rename would replace what stands there: an empty file claims the name first, or finds it taken.
        let claim = withCString(target) { openNew($0, 0o600) }
        guard claim >= 0 else { throw CLIPError(.picture, systemMessage()) }
        close(claim)
        guard withCString(temporary, { old in withCString(target) { rename(old, $0) } }) == 0 else {
            let message = systemMessage()
            _ = withCString(target) { unlink($0) }
            throw CLIPError(.picture, message)
        }
        syncFolder(of: target)
    }

    private static func write(_ bytes: [UInt8], _ status: stat, to path: [UInt8]) throws(CLIPError) {
        let descriptor = withCString(path) { openNew($0, status.st_mode & 0o777) }
        guard descriptor >= 0 else { throw CLIPError(.picture, systemMessage()) }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let written = bytes.withUnsafeBytes {
                posixWrite(descriptor, UnsafeRawBufferPointer(rebasing: $0[done...]))
            }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { throw CLIPError(.picture, systemMessage()) }
            done += written
        }
        #if canImport(Darwin)
        let times = [status.st_atimespec, status.st_mtimespec]
        #else
        let times = [status.st_atim, status.st_mtim]
        #endif
        guard futimens(descriptor, times) == 0, fsync(descriptor) == 0 else {
            throw CLIPError(.picture, systemMessage())
        }
    }

    /// The name must outlast a power cut before the original goes. Some file systems can't sync a folder.
    private static func syncFolder(of path: [UInt8]) {
        let end = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let folder = withCString(path[..<end] + [UInt8(ascii: ".")]) { openForReading($0) }
        guard folder >= 0 else { return }
        _ = fsync(folder)
        close(folder)
    }
}

private func openNew(_ path: UnsafePointer<CChar>, _ mode: mode_t) -> Int32 {
    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
}

private func openForReading(_ path: UnsafePointer<CChar>) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }

/// `write(2)`, which a method above shadows by name. Linux writes at most 2 GiB at once, Darwin refuses more.
private func posixWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, min(bytes.count, 1 << 30))
}
