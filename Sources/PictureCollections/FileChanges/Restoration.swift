import CLIP
import CLIPSystem

/// Takes changes back, the last one first.
struct Restoration {
    /// Files that were written anew, by what they were before: other names of one file become names of one file again.
    private var restored: [FileStatus.Identity: PathBytes] = [:]

    /// - Returns: whether there was something to take back.
    /// - Throws: why it could not be.
    mutating func takeBack(_ change: FileChange) throws(CLIPError) -> Bool {
        let target = PathState(change.target)
        if case .unknown(let message) = target {
            throw CLIPError(.storage, path: change.target.text, "can't be looked at: \(message)")
        }
        guard let file = change.file else { return Restoration.removeFolder(change.target) }
        defer { change.temporary.map(Restoration.removeTemporary) }
        switch change.kind {
        case .folder: return false
        case .move: return try takeBackMove(change, file, target)
        case .copy, .write: return try Restoration.removeCopy(change.target, file, target)
        case .link: return try Restoration.removeLink(change, target)
        case .replace: return try separate(change, file, target)
        }
    }

    /// A folder that has something in it by now stays.
    private static func removeFolder(_ folder: PathBytes) -> Bool {
        do throws(SystemError) {
            try folder.removeFolder()
            return true
        } catch {
            return false
        }
    }

    /// What a copy that never became whole left: the list says that it was this program's.
    private static func removeTemporary(_ path: PathBytes) {
        if case .file = PathState(path) { try? path.remove() }
    }

    private func takeBackMove(
        _ change: FileChange, _ file: FileChange.Content, _ target: PathState
    ) throws(CLIPError) -> Bool {
        guard let source = change.source else { return false }
        switch (PathState(source), target) {
        case (.gone, .file):
            let found = try Restoration.verified(change.target, file).copiedAs(file)
            try source.folder.makeFolders(.storage)
            do throws(CLIPError) {
                try FileActs(undo: nil).move(found, to: source)
            } catch {
                throw error.saying("can't be moved back from \(change.target.text): \(error.message)").at(source.text)
            }
            return true
        case (.gone, .gone):
            throw CLIPError(
                .storage, path: source.text,
                "is gone, and not in \(change.target.text) either: it was moved or deleted since")
        case (.gone, _): throw CLIPError(.storage, path: change.target.text, "is no file any more: it stays as it is")
        case (.unknown(let message), _):
            throw CLIPError(.storage, path: source.text, "can't be looked at: \(message)")
        case (.file(let here), .file(let there)) where here == there:
            // It was ended between the two names.
            try Restoration.remove(change.target)
            return true
        case (.file, .file) where (try? Restoration.verified(source, file)) != nil:
            // It was ended before the original went.
            guard Restoration.isClaim(change.target, file) || (try? Restoration.verified(change.target, file)) != nil
            else { return false }
            try Restoration.remove(change.target)
            return true
        case (_, .file):
            throw CLIPError(
                .storage, path: source.text, "something else stands there: the file stays in \(change.target.text)")
        case (_, _): return false
        }
    }

    private static func removeCopy(
        _ path: PathBytes, _ file: FileChange.Content, _ state: PathState
    ) throws(CLIPError) -> Bool {
        switch state {
        case .gone: return false
        case .file:
            if !isClaim(path, file) { _ = try verified(path, file) }
            try remove(path)
            return true
        default: throw CLIPError(.storage, path: path.text, "is no file any more: it stays as it is")
        }
    }

    private static func removeLink(_ change: FileChange, _ state: PathState) throws(CLIPError) -> Bool {
        switch state {
        case .gone: return false
        case .link where change.target.linkText == change.source?.bytes:
            try remove(change.target)
            return true
        default:
            throw CLIPError(.storage, path: change.target.text, "is no link to the picture any more: it stays as it is")
        }
    }

    /// Makes a file of its own again of a name that was made a hard link to another of the same bytes.
    private mutating func separate(
        _ change: FileChange, _ file: FileChange.Content, _ state: PathState
    ) throws(CLIPError) -> Bool {
        guard case .file(let identity) = state else {
            throw CLIPError(.storage, path: change.target.text, "is gone or no file any more: it stays so")
        }
        // It was never replaced; but a copy of the folder may have been given the number of the file that is gone.
        if identity == file.identity, Restoration.isLinked(identity, to: change.source) != true { return false }
        let found = try Restoration.verified(change.target, file)
        if Restoration.isApart(change, file, identity) { return false }
        guard let temporary = change.temporary else { return false }
        Restoration.removeTemporary(temporary)
        do throws(CLIPError) {
            if let other = restored[file.identity], let same = try? Restoration.verified(other, file) {
                try FileActs(undo: nil).replace(found, by: same)
            } else {
                try found.separate(file, temporary: temporary)
                restored[file.identity] = change.target
            }
        } catch {
            throw error.saying("can't be made a file of its own again: \(error.message)").at(change.target.text)
        }
        return true
    }

    /// Whether a file that was replaced is one of its own again, as it was.
    private static func isApart(
        _ change: FileChange, _ file: FileChange.Content, _ identity: FileStatus.Identity
    ) -> Bool {
        guard let status = try? change.target.status(followsLinks: false), status.permissions == file.permissions,
            status.modified == file.modified
        else { return false }
        return isLinked(identity, to: change.source).map { !$0 } ?? (status.linkCount == 1)
    }

    /// Whether a file is the one that was kept; nil where that isn't there any more.
    private static func isLinked(_ identity: FileStatus.Identity, to kept: PathBytes?) -> Bool? {
        guard let kept, case .file(let found) = PathState(kept) else { return nil }
        return found == identity
    }

    /// An empty file that a copy was to take the place of.
    private static func isClaim(_ path: PathBytes, _ file: FileChange.Content) -> Bool {
        file.byteCount > 0 && (try? path.status(followsLinks: false))?.byteCount == 0
    }

    /// - Throws: when the file holds something else than what is noted.
    private static func verified(_ path: PathBytes, _ file: FileChange.Content) throws(CLIPError) -> VerifiedFile {
        do throws(CLIPError) {
            return try VerifiedFile(path, holding: file.hash, otherwise: "has changed since: it stays as it is")
        } catch {
            throw error.at(path.text)
        }
    }

    private static func remove(_ path: PathBytes) throws(CLIPError) {
        do throws(SystemError) {
            try path.remove()
        } catch {
            throw CLIPError(.storage, path: path.text, "can't be removed", error)
        }
    }
}
