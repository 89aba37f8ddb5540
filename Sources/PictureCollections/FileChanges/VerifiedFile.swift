import CLIP
import CLIPSystem
import CLIPWeights

/// What stands at a path, as far as it may be a picture's file. Two paths with the same identity are names of one file: hard
/// links, paths through several mounts, or spellings that a disk doesn't tell apart.
enum PathState {
    case file(FileStatus)
    /// A symbolic link, and the file that it leads to.
    case link(to: FileStatus.Identity?)
    /// A folder, a device or a pipe.
    case other
    case gone
    /// It can't be looked at, which doesn't mean that nothing is there.
    case unknown(String)

    init(_ path: PathBytes) {
        do throws(SystemError) {
            let status = try path.status(followsLinks: false)
            switch status.kind {
            case .file: self = .file(status)
            case .link: self = try PathState.link(at: path)
            case .folder, .other: self = .other
            }
        } catch {
            self = error.isAbsence ? .gone : .unknown(error.message)
        }
    }

    private static func link(at path: PathBytes) throws(SystemError) -> PathState {
        do throws(SystemError) {
            let target = try path.status()
            return .link(to: target.kind == .file ? target.identity : nil)
        } catch {
            if error.isAbsence { return .link(to: nil) }
            throw error
        }
    }
}

/// A regular file that was opened and read just now, and held what was expected.
struct VerifiedFile {
    let path: PathBytes
    /// What it held, and what else it had, when it was opened: a copy of it gets that too.
    private(set) var content: FileChange.Content
    /// As it was then.
    private let status: FileStatus

    /// Which file it is, whatever its names.
    var identity: FileStatus.Identity { status.identity }

    /// - Parameters:
    ///   - hash: the SHA-256 of what it is to hold, 64 hexadecimal digits; nil for whatever it holds.
    ///   - change: what is wrong where it holds something else.
    /// - Throws: when it is no regular file of its own or holds something else. The error names no path.
    init(_ path: PathBytes, holding hash: String?, otherwise change: String) throws(CLIPError) {
        self.path = path
        let named: FileStatus
        switch PathState(path) {
        case .file(let found): named = found
        case .link: throw CLIPError(.picture, "is a symbolic link")
        case .other: throw CLIPError(.picture, "is not a regular file")
        case .gone: throw CLIPError(.picture, "is gone")
        case .unknown(let message): throw CLIPError(.picture, "can't be looked at: \(message)")
        }
        let (bytes, opened) = try ReadFile.contents(of: path)
        let found = bytes.withUnsafeBytes { SHA256.hexadecimal(of: $0) }
        status = FileStatus(opened)
        guard status.identity == named.identity, found == hash ?? found else { throw CLIPError(.picture, change) }
        let attributes: FileAttributes
        do throws(SystemError) {
            attributes = try FileAttributes(of: path)
        } catch {
            if error.code == E2BIG { throw CLIPError(.picture, "has more than 4 MiB of extended attributes") }
            throw CLIPError(.picture, "its extended attributes can't be read", error)
        }
        content = FileChange.Content(
            hash: found, byteCount: bytes.count, permissions: status.permissions, modified: status.modified,
            identity: status.identity, attributes: attributes)
    }

    /// The same file, a copy of which has what another had: permissions and attributes that this one's disk may not know.
    func copiedAs(_ former: FileChange.Content) -> VerifiedFile {
        var file = self
        file.content = former
        return file
    }

    /// Looks once more, right before something is done that relies on it.
    func check() throws(CLIPError) {
        guard isUnchanged else { throw CLIPError(.picture, "has changed just now") }
    }

    /// Whether the path still leads to the file that was read, and nobody has written to it since.
    /// A link that was made to it is no change.
    var isUnchanged: Bool {
        guard let now = try? path.status(followsLinks: false) else { return false }
        return now.kind == status.kind && now.identity == status.identity && now.byteCount == status.byteCount
            && now.modified == status.modified
    }
}
