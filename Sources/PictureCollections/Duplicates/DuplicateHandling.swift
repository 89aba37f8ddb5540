import CLIP
import CLIPSystem

/// What becomes of duplicates. Nothing is ever deleted.
public enum DuplicateAction: Sendable, Equatable {
    /// Moves every duplicate into a folder, below which it keeps its path. Nothing there is replaced. On another file
    /// system it is copied, the copy synced and read again, and only then the original removed.
    case move(to: String)
    /// Replaces files of the same bytes as the kept one by hard links to it. Near duplicates stay as they are.
    case link
}

extension DuplicateGroup {
    /// What became of one name of a duplicate.
    public struct Handled: Sendable {
        /// The duplicate.
        public let duplicate: Duplicate
        /// The name: its picture's, or one of its other names.
        public let picture: IndexedPicture
        /// Where it went, or why it was left alone.
        public let result: Result<String, CLIPError>
    }

    /// Acts on the duplicates of this group, on all names of each.
    ///
    /// Once the task is cancelled, the rest is left alone with that error.
    ///
    /// Right before each act the kept file and the duplicate are opened and read again: both must be regular files, two
    /// different ones, and what was indexed; else the duplicate is left alone. Symbolic links are never moved or
    /// replaced, nor is a file moved that one of the index leads to, or that is in the folder already.
    /// - Complexity: O(bytes of the files), which are read; on another file system they are written and read again.
    /// - Parameter progress: called after every act, on the caller's thread.
    public func perform(_ action: DuplicateAction, progress: (Handled) -> Void = { _ in }) -> [Handled] {
        var handled: [Handled] = []
        func act(_ duplicate: Duplicate, _ name: IndexedPicture) {
            handled.append(handle(duplicate, name, action))
            progress(handled[handled.count - 1])
        }
        for duplicate in duplicates where action != .link || duplicate.isExact {
            act(duplicate, duplicate.picture)
            for name in duplicate.otherNames where !isDone(name) { act(duplicate, name) }
        }
        return handled
    }

    private func handle(_ duplicate: Duplicate, _ name: IndexedPicture, _ action: DuplicateAction) -> Handled {
        Handled(
            duplicate: duplicate, picture: name,
            result: Result { () throws(CLIPError) in
                try checkCancellation()
                let (kept, file) = (try DuplicateGroup.verified(self.kept), try DuplicateGroup.verified(name))
                guard kept.identity != file.identity else {
                    throw CLIPError(
                        .picture, path: name.path,
                        "is the same file as the kept one, \(self.kept.path); nothing was done")
                }
                switch action {
                case .move(let folder):
                    if let link = duplicate.link {
                        throw CLIPError(
                            .picture, path: name.path, "the link \(link.path) leads to it: it stays where it is")
                    }
                    // A run over an index of what was moved before would move it ever deeper.
                    if let place = try? PathBytes(name.pathBytes).folder.resolved(),
                        let target = try? PathBytes(folder).resolved(), place.isAtOrInside(target)
                    {
                        throw CLIPError(.picture, path: name.path, "is in \(folder) already: nothing was done")
                    }
                    return try DuplicateGroup.move(file, name, to: folder, kept)
                case .link: return try DuplicateGroup.link(file, name, to: kept, self.kept)
                }
            })
    }

    /// Whether acting on another name has taken care of this one: two mounts show one entry of a folder.
    private func isDone(_ name: IndexedPicture) -> Bool {
        switch PathState(name.pathBytes) {
        case .gone: return true
        case .file(let node):
            if case .file(let keptNode) = PathState(kept.pathBytes) { return node == keptNode }
            return false
        default: return false
        }
    }

    private static func verified(_ picture: IndexedPicture) throws(CLIPError) -> VerifiedFile {
        do throws(CLIPError) {
            return try VerifiedFile(picture)
        } catch {
            throw CLIPError(.picture, path: picture.path, "\(error.message); nothing was done")
        }
    }

    private static func move(
        _ file: VerifiedFile, _ picture: IndexedPicture, to folder: String, _ kept: VerifiedFile
    ) throws(CLIPError) -> String {
        let slash = UInt8(ascii: "/")
        let parts = file.path.split(separator: slash).filter {
            !$0.elementsEqual("..".utf8) && !$0.elementsEqual(".".utf8)
        }
        var target = Array(folder.utf8)
        for (index, part) in parts.enumerated() {
            try makeFolder(target)
            target += [slash] + part
            if index == parts.count - 1 { break }
        }
        let goal = String(decoding: target, as: UTF8.self)
        do throws(CLIPError) {
            try kept.check()
            // A link fails where something stands, a rename would replace it.
            if withCString(file.path, { old in withCString(target) { hardLink(old, $0) } }) != 0 {
                // Another file system, or one without links, as cards and sticks have.
                let code = errno
                if [EXDEV, EPERM, ENOTSUP, EOPNOTSUPP, EMLINK].contains(code) {
                    try ReadFile.copy(file.path, holding: picture.contentHash, to: target)
                } else if code != EEXIST || !isOneFile(file.path, target) {
                    // What stands there may be this file: an earlier run could not take its old name away.
                    throw CLIPError(.picture, systemMessage(code))
                }
            }
        } catch {
            throw CLIPError(.picture, path: picture.path, "can't be moved to \(goal): \(error.message)")
        }
        // From here on the picture is there twice. Only what is surely the same may go.
        guard kept.isUnchanged, file.isUnchanged else {
            throw CLIPError(
                .picture, path: picture.path,
                "it or the kept file has changed just now: it is left, with a copy in \(goal)")
        }
        guard withCString(file.path, { unlink($0) }) == 0 else {
            let message = systemMessage()
            // A failed call may have done its work: the copy goes only where the original is seen.
            if file.isUnchanged { _ = withCString(target) { unlink($0) } }
            throw CLIPError(.picture, path: picture.path, "can't be moved: \(message)")
        }
        return goal
    }

    private static func isOneFile(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard let left = try? PathBytes(left).status(followsLinks: false),
            let right = try? PathBytes(right).status(followsLinks: false)
        else { return false }
        return left.kind == .file && left.identity == right.identity
    }

    private static func makeFolder(_ path: [UInt8]) throws(CLIPError) {
        guard withCString(path, { mkdir($0, 0o777) }) == 0 || errno == EEXIST else {
            throw CLIPError(
                .argument, path: String(decoding: path, as: UTF8.self), "can't be made: \(systemMessage())")
        }
    }

    private static func link(
        _ file: VerifiedFile, _ picture: IndexedPicture, to kept: VerifiedFile, _ keptPicture: IndexedPicture
    ) throws(CLIPError) -> String {
        let temporary = temporaryPath(beside: file.path)
        TemporaryFiles.add(temporary)
        defer {
            // Renaming one link of a file over another does nothing and leaves both.
            _ = withCString(temporary) { unlink($0) }
            TemporaryFiles.remove(temporary)
        }
        do throws(CLIPError) {
            guard withCString(kept.path, { old in withCString(temporary) { hardLink(old, $0) } }) == 0 else {
                throw CLIPError(.picture, systemMessage())
            }
            // What the new name leads to counts, whatever happened to the path in between.
            guard case .file(kept.identity) = PathState(temporary) else {
                throw CLIPError(.picture, "that has changed just now")
            }
            try kept.check()
            try file.check()
            guard withCString(temporary, { old in withCString(file.path) { rename(old, $0) } }) == 0 else {
                throw CLIPError(.picture, systemMessage())
            }
        } catch {
            throw CLIPError(
                .picture, path: picture.path, "can't be linked to \(keptPicture.path): \(error.message)")
        }
        return keptPicture.path
    }
}

/// A name that nothing has yet, in the folder of `path`.
func temporaryPath(beside path: [UInt8]) -> [UInt8] {
    let end = path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
    return path[..<end] + Array(".clip-\(String(UInt64.random(in: .min ... .max), radix: 36)).tmp".utf8)
}

/// `link(2)`, which a method above shadows by name.
private func hardLink(_ old: UnsafePointer<CChar>, _ new: UnsafePointer<CChar>) -> Int32 { link(old, new) }

extension PathBytes {
    /// Whether a search through `folder` comes here: what is hidden is left out. What is not there yet is taken by its name.
    package func isSearched(with folder: PathBytes) -> Bool {
        guard let root = try? folder.resolved() else { return false }
        var names: [ArraySlice<UInt8>] = bytes.split(separator: PathBytes.slash).filter { $0 != [UInt8(ascii: ".")] }
        var rest: [ArraySlice<UInt8>] = []
        let start = bytes.first == PathBytes.slash ? [PathBytes.slash] : Array("./".utf8)
        while true {
            let known = PathBytes(start + names.joined(separator: [PathBytes.slash]))
            if let resolved = try? known.resolved() {
                let place = rest.reduce(resolved) { $0.appending($1) }
                guard place.isAtOrInside(root) else { return false }
                return !place.bytes.dropFirst(root.bytes.count).split(separator: PathBytes.slash).contains {
                    $0.first == UInt8(ascii: ".")
                }
            }
            guard let name = names.popLast() else { return false }
            rest.insert(name, at: 0)
        }
    }
}
