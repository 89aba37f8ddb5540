import CLIP
import CLIPSystem

/// Takes changes back, the last one first.
struct Restoration {
    /// Files that are as they were, by what they were before: names of one file become names of one file again.
    private var restored: [FileStatus.Identity: PathBytes] = [:]

    /// - Returns: whether there was something to take back.
    /// - Throws: why it could not be.
    mutating func takeBack(_ change: NotedChange) throws(CLIPError) -> Bool {
        let target = PathState(change.target)
        if case .unknown(let message) = target {
            throw CLIPError(.storage, path: change.target.text, "can't be looked at: \(message)")
        }
        guard case .file(let change) = change else { return try Restoration.removeFolder(change.target) }
        defer { Restoration.removeTemporary(change.temporary) }
        switch change.kind {
        case .move(let source): return try takeBackMove(change, from: source, target)
        case .copy, .write: return try Restoration.removeCopy(change.target, change.file, target)
        case .link(let source): return try Restoration.removeLink(change.target, to: source, target)
        case .replace(let kept): return try separate(change, from: kept, target)
        }
    }

    /// A folder that has something in it by now stays.
    private static func removeFolder(_ folder: PathBytes) throws(CLIPError) -> Bool {
        do throws(SystemError) {
            try folder.removeFolder()
            return true
        } catch {
            guard error.isAbsence || error.code == ENOTEMPTY || error.code == EEXIST else {
                throw CLIPError(.storage, path: folder.text, "can't be removed", error)
            }
            return false
        }
    }

    /// What a copy that never became whole left: the list says that it was this program's.
    private static func removeTemporary(_ path: PathBytes) {
        if isFile(path) { try? path.remove() }
    }

    private static func isFile(_ path: PathBytes) -> Bool { if case .file = PathState(path) { true } else { false } }

    private mutating func takeBackMove(
        _ change: FileChange, from source: PathBytes, _ target: PathState
    ) throws(CLIPError) -> Bool {
        let file = change.file
        // Where a copy is until it is whole: of a run that was killed it is still there.
        let temporary = source.folder.appending(change.temporary.name)
        let wasBegun = Restoration.isFile(temporary)
        Restoration.removeTemporary(temporary)
        switch (PathState(source), target) {
        case (.gone, .file):
            try moveBack(change, to: source, temporary)
        case (.file(let here), .file) where wasBegun && Restoration.isClaim(here, file):
            // It was ended right before the copy took the name.
            try Restoration.remove(source)
            try moveBack(change, to: source, temporary)
        case (.gone, .gone):
            throw CLIPError(
                .storage, path: source.text,
                "is gone, and not in \(change.target.text) either: it was moved or deleted since")
        case (.gone, _): throw CLIPError(.storage, path: change.target.text, "is no file any more: it stays as it is")
        case (.unknown(let message), _):
            throw CLIPError(.storage, path: source.text, "can't be looked at: \(message)")
        case (.file(let here), .file(let there)) where here.identity == there.identity:
            // It was ended between the two names.
            try Restoration.remove(change.target)
        case (.file, .file(let there)) where (try? Restoration.verified(source, file)) != nil:
            // It was ended before the original went.
            guard Restoration.isClaim(there, file) || (try? Restoration.verified(change.target, file)) != nil
            else { return false }
            try Restoration.remove(change.target)
        case (_, .file):
            throw CLIPError(
                .storage, path: source.text, "something else stands there: the file stays in \(change.target.text)")
        case (.file(let here), .gone): return try join(source, here, file, temporary)
        case (_, _): return false
        }
        restored[file.identity] = source
        return true
    }

    private func moveBack(
        _ change: FileChange, to source: PathBytes, _ temporary: PathBytes
    ) throws(CLIPError) {
        let found = try Restoration.verified(change.target, change.file).copiedAs(change.file)
        try source.folder.makeFolders(.storage)
        do throws(CLIPError) {
            // The two names of one file came to another disk as two files.
            if found.identity != change.file.identity, let same = otherName(of: change.file) {
                try same.appear(at: source, temporary: temporary)
                try found.check()
                try Restoration.remove(change.target)
            } else {
                try FileActs(undo: nil).move(found, to: source, temporary: temporary)
            }
        } catch {
            throw error.saying("can't be moved back from \(change.target.text): \(error.message)").at(source.text)
        }
    }

    /// Makes a name that is as it was before one of the same file as another that was so: an earlier run made two of them.
    private mutating func join(
        _ path: PathBytes, _ status: FileStatus, _ file: FileChange.Content, _ temporary: PathBytes
    ) throws(CLIPError) -> Bool {
        guard let same = otherName(of: file), same.identity != status.identity, Restoration.isAsBefore(status, file),
            let found = try? Restoration.verified(path, file)
        else {
            restored[file.identity] = path
            return false
        }
        do throws(CLIPError) {
            try FileActs(undo: nil).replace(found, by: same, temporary: temporary)
        } catch {
            throw error.saying("can't be made one file with \(same.path.text) again: \(error.message)").at(path.text)
        }
        return true
    }

    /// A file that is as it was before, of which the one with this content was another name.
    private func otherName(of file: FileChange.Content) -> VerifiedFile? {
        guard let path = restored[file.identity], case .file(let status) = PathState(path),
            Restoration.isAsBefore(status, file)
        else { return nil }
        return try? Restoration.verified(path, file)
    }

    private static func removeCopy(
        _ path: PathBytes, _ file: FileChange.Content, _ state: PathState
    ) throws(CLIPError) -> Bool {
        switch state {
        case .gone: return false
        case .file(let status):
            if !isClaim(status, file) { _ = try verified(path, file) }
            try remove(path)
            return true
        default: throw CLIPError(.storage, path: path.text, "is no file any more: it stays as it is")
        }
    }

    private static func removeLink(
        _ path: PathBytes, to source: PathBytes, _ state: PathState
    ) throws(CLIPError) -> Bool {
        switch state {
        case .gone: return false
        case .link where path.linkText == source.bytes:
            try remove(path)
            return true
        default:
            throw CLIPError(.storage, path: path.text, "is no link to the picture any more: it stays as it is")
        }
    }

    /// Makes a file of its own again of a name that was made a hard link to another of the same bytes.
    private mutating func separate(
        _ change: FileChange, from kept: PathBytes, _ state: PathState
    ) throws(CLIPError) -> Bool {
        let file = change.file
        guard case .file(let status) = state else {
            throw CLIPError(.storage, path: change.target.text, "is gone or no file any more: it stays so")
        }
        // It was never replaced; but a copy of the folder may have been given the number of the file that is gone.
        if status.identity == file.identity, Restoration.isLinked(status, to: kept) != true {
            return try join(change.target, status, file, change.temporary)
        }
        let found = try Restoration.verified(change.target, file)
        if Restoration.isApart(status, from: kept, file) {
            return try join(change.target, status, file, change.temporary)
        }
        Restoration.removeTemporary(change.temporary)
        do throws(CLIPError) {
            if let same = otherName(of: file) {
                try FileActs(undo: nil).replace(found, by: same, temporary: change.temporary)
            } else {
                try found.separate(file, temporary: change.temporary)
                restored[file.identity] = change.target
            }
        } catch {
            throw error.saying("can't be made a file of its own again: \(error.message)").at(change.target.text)
        }
        return true
    }

    /// Whether a file that was replaced is one of its own again, as it was.
    private static func isApart(_ status: FileStatus, from kept: PathBytes, _ file: FileChange.Content) -> Bool {
        guard isAsBefore(status, file) else { return false }
        return isLinked(status, to: kept).map { !$0 } ?? (status.linkCount == 1)
    }

    private static func isAsBefore(_ status: FileStatus, _ file: FileChange.Content) -> Bool {
        status.permissions == file.permissions && status.modified == file.modified
    }

    /// Whether a file is the one that was kept; nil where that isn't there any more.
    private static func isLinked(_ status: FileStatus, to kept: PathBytes) -> Bool? {
        guard case .file(let found) = PathState(kept) else { return nil }
        return found.identity == status.identity
    }

    /// An empty file that a copy was to take the place of.
    private static func isClaim(_ status: FileStatus, _ file: FileChange.Content) -> Bool {
        file.byteCount > 0 && status.byteCount == 0
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
