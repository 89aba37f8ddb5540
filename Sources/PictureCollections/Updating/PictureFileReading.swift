import CLIP
import CLIPSystem
import CLIPPictures
import CLIPWeights

/// A picture file's bytes, with what tells later whether it is still the same.
struct ReadFile {
    let bytes: [UInt8]
    let identity: FileIdentity
    let contentHash: ContentHash

    /// Reads the regular file at `path`.
    /// - Throws: why it can't be read, or that it is no picture and long.
    init(_ path: PathBytes) throws(CLIPError) {
        let status: stat
        (bytes, status) = try ReadFile.contents(of: path)
        var hash = SHA256()
        hash.update(bytes)
        contentHash = ContentHash(bytes: hash.digest())
        let found = FileStatus(status)
        var identity = FileIdentity(found)
        // The clock of a file system ticks slowly: a change right after this reading could leave the same time.
        if nanosecondsSince1970() - max(found.modified, found.changed) < 2_000_000_000 { identity.modified = 0 }
        self.identity = identity
    }

    /// The bytes of the regular file at `path`, and its status when it was opened.
    /// - Throws: why it can't be read.
    static func contents(of path: PathBytes) throws(CLIPError) -> (bytes: [UInt8], status: stat) {
        let descriptor: Int32
        do throws(SystemError) {
            descriptor = try path.open(O_RDONLY | O_NONBLOCK)
        } catch {
            throw CLIPError(.picture, "can't be opened", error)
        }
        defer { close(descriptor) }
        var status = stat()
        do throws(SystemError) {
            _ = try uninterrupted { fstat(descriptor, &status) }
        } catch {
            throw CLIPError(.picture, "can't be examined", error)
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw CLIPError(.picture, "is not a regular file") }
        return (try readPicture(descriptor: descriptor), status)
    }
}

extension IndexedPicture {
    /// The bytes of its file, as long as they are those that were indexed: what else may stand at its path by now is not handed on.
    /// - Throws: `CLIPError` of kind `.picture` when the file is gone, can't be read, or has changed since.
    /// - Complexity: the file is read whole, and its checksum computed.
    public func fileBytes() throws(CLIPError) -> [UInt8] {
        do throws(CLIPError) {
            let file = try ReadFile(PathBytes(pathBytes))
            guard hexadecimal(file.contentHash.bytes) == contentHash else {
                throw CLIPError(.picture, "its file has changed since it was indexed")
            }
            return file.bytes
        } catch {
            throw error.at(path)
        }
    }
}

/// The bytes of the picture file at `path`; nil where there is none that can be read.
package func pictureFileBytes(_ path: [UInt8]) -> [UInt8]? { try? ReadFile.contents(of: PathBytes(path)).bytes }
