import CLIP
import CLIPSystem

extension ReadFile {
    /// Puts a copy of a file where nothing stands yet, on another file system or one without links.
    ///
    /// The copy appears whole or not at all, and only once it was synced and read again: the original may go then. Its
    /// permissions and times are those of the original.
    /// - Parameter hash: the SHA-256 of what the file must hold, 64 hexadecimal digits.
    /// - Throws: why there is no copy.
    static func copy(_ path: PathBytes, holding hash: String, to target: PathBytes) throws(CLIPError) {
        let temporary = target.temporarySibling
        let (bytes, status) = try contents(of: path)
        TemporaryFiles.add(temporary)
        defer {
            try? temporary.remove()
            TemporaryFiles.remove(temporary)
        }
        do throws(SystemError) {
            try write(bytes, status, to: temporary)
        } catch {
            throw CLIPError(.picture, error)
        }
        guard hexadecimal(try ReadFile(temporary).contentHash.bytes) == hash else {
            throw CLIPError(.picture, "the copy holds something else: the file changes, or a disk is failing")
        }
        do throws(SystemError) {
            // A rename would replace what stands there: an empty file claims the name first, or finds it taken.
            close(try target.open(O_WRONLY | O_CREAT | O_EXCL, permissions: 0o600))
            do throws(SystemError) {
                try temporary.rename(to: target)
            } catch {
                try? target.remove()
                throw error
            }
        } catch {
            throw CLIPError(.picture, error)
        }
        // The name must outlast a power cut before the original goes.
        try? target.folder.syncFolder()
    }

    private static func write(_ bytes: [UInt8], _ status: stat, to path: PathBytes) throws(SystemError) {
        let descriptor = try path.open(O_WRONLY | O_CREAT | O_EXCL, permissions: status.st_mode & 0o777)
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor)
        #if canImport(Darwin)
        let times = [status.st_atimespec, status.st_mtimespec]
        #else
        let times = [status.st_atim, status.st_mtim]
        #endif
        _ = try uninterrupted { futimens(descriptor, times) }
        _ = try uninterrupted { fsync(descriptor) }
    }
}
