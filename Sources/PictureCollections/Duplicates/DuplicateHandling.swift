import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// What becomes of duplicates. Nothing is ever deleted.
public struct DuplicateAction: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case move(to: PathBytes)
        /// To an address that is no folder's.
        case moveElsewhere(String)
        case link
    }

    let kind: Kind

    /// Where duplicates are moved; nil where they are not.
    package var folder: PathBytes? { if case .move(let folder) = kind { folder } else { nil } }

    /// Moves every duplicate into a folder, below which it keeps its path. Nothing there is replaced. On another file
    /// system it is copied, the copy synced and read again, and only then the original removed.
    public static func move(to folder: URL) -> DuplicateAction {
        PathBytes(folder).map { move(to: $0) } ?? DuplicateAction(kind: .moveElsewhere(folder.absoluteString))
    }

    package static func move(to folder: PathBytes) -> DuplicateAction { DuplicateAction(kind: .move(to: folder)) }

    /// Replaces files of the same bytes as the kept one by hard links to it. Near duplicates stay as they are.
    public static let link = DuplicateAction(kind: .link)
}

extension DuplicateGroup {
    /// What became of one name of a duplicate.
    public struct Handled: Sendable {
        /// The duplicate that was acted on.
        public let duplicate: Duplicate
        /// The name of the duplicate that was acted on: its picture's, or one of its other names.
        public let picture: IndexedPicture
        package let goal: Result<PathBytes, CLIPError>

        /// Where the duplicate went, or why it was left alone.
        public var result: Result<URL, CLIPError> { goal.map(\.url) }
    }

    /// Acts on the duplicates of this group, on all names of each.
    ///
    /// Once the task is cancelled, the rest is left alone with that error.
    ///
    /// Right before each act the kept file and the duplicate are opened and read again: both must be regular files, two
    /// different ones, and what was indexed; else the duplicate is left alone. Symbolic links are never moved or
    /// replaced, nor is a file moved that one of the index leads to, or that is in the folder already.
    /// - Complexity: O(bytes of the files), which are read; on another file system they are written and read again.
    /// - Parameters:
    ///   - action: what becomes of each duplicate.
    ///   - progress: called after every act, on the caller's thread.
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
            goal: Result { () throws(CLIPError) in
                try checkCancellation()
                let (kept, file) = (try DuplicateGroup.verified(self.kept), try DuplicateGroup.verified(name))
                guard kept.identity != file.identity else {
                    throw CLIPError(
                        .picture, path: name.path,
                        "is the same file as the kept one, \(self.kept.path); nothing was done")
                }
                switch action.kind {
                case .moveElsewhere(let address):
                    throw CLIPError(.argument, path: address, "is not a folder on this machine; nothing was done")
                case .move(let folder):
                    if let link = duplicate.link {
                        throw CLIPError(
                            .picture, path: name.path, "the link \(link.path) leads to it: it stays where it is")
                    }
                    // A run over an index of what was moved before would move it ever deeper.
                    if let place = try? PathBytes(name.pathBytes).folder.resolved(),
                        let target = try? folder.resolved(), place.isAtOrInside(target)
                    {
                        throw CLIPError(.picture, path: name.path, "is in \(folder.text) already: nothing was done")
                    }
                    return try DuplicateGroup.move(file, name, to: folder, kept)
                case .link: return try DuplicateGroup.link(file, name, to: kept, self.kept)
                }
            })
    }

    /// Whether acting on another name has taken care of this one: two mounts show one entry of a folder.
    private func isDone(_ name: IndexedPicture) -> Bool {
        switch PathState(PathBytes(name.pathBytes)) {
        case .gone: return true
        case .file(let node):
            if case .file(let keptNode) = PathState(PathBytes(kept.pathBytes)) { return node == keptNode }
            return false
        default: return false
        }
    }

    private static func verified(_ picture: IndexedPicture) throws(CLIPError) -> VerifiedFile {
        do throws(CLIPError) {
            return try VerifiedFile(picture)
        } catch {
            throw error.saying("\(error.message); nothing was done").at(picture.path)
        }
    }

    private static func move(
        _ file: VerifiedFile, _ picture: IndexedPicture, to folder: PathBytes, _ kept: VerifiedFile
    ) throws(CLIPError) -> PathBytes {
        let parts = file.path.bytes.split(separator: PathBytes.slash).filter {
            !$0.elementsEqual("..".utf8) && !$0.elementsEqual(".".utf8)
        }
        var target = folder
        for part in parts {
            try makeFolder(target)
            target = PathBytes(target.bytes + [PathBytes.slash] + part)
        }
        do throws(CLIPError) {
            try kept.check()
            do throws(SystemError) {
                // A link fails where something stands, a rename would replace it.
                try file.path.link(to: target)
            } catch {
                // Another file system, or one without links, as cards and sticks have.
                if [EXDEV, EPERM, ENOTSUP, EOPNOTSUPP, EMLINK].contains(error.code) {
                    try ReadFile.copy(file.path, holding: picture.contentHash, to: target)
                } else if error.code != EEXIST || !isOneFile(file.path, target) {
                    // What stands there may be this file: an earlier run could not take its old name away.
                    throw CLIPError(.picture, error)
                }
            }
        } catch {
            throw error.saying("can't be moved to \(target.text): \(error.message)").at(picture.path)
        }
        // From here on the picture is there twice. Only what is surely the same may go.
        guard kept.isUnchanged, file.isUnchanged else {
            throw CLIPError(
                .picture, path: picture.path,
                "it or the kept file has changed just now: it is left, with a copy in \(target.text)")
        }
        do throws(SystemError) {
            try file.path.remove()
        } catch {
            // A failed call may have done its work: the copy goes only where the original is seen.
            if file.isUnchanged { try? target.remove() }
            throw CLIPError(.picture, path: picture.path, "can't be moved", error)
        }
        return target
    }

    private static func isOneFile(_ left: PathBytes, _ right: PathBytes) -> Bool {
        guard let left = try? left.status(followsLinks: false), let right = try? right.status(followsLinks: false)
        else { return false }
        return left.kind == .file && left.identity == right.identity
    }

    private static func makeFolder(_ path: PathBytes) throws(CLIPError) {
        do throws(SystemError) {
            try path.makeFolder()
        } catch {
            if error.code != EEXIST { throw CLIPError(.argument, path: path.text, "can't be made", error) }
        }
    }

    private static func link(
        _ file: VerifiedFile, _ picture: IndexedPicture, to kept: VerifiedFile, _ keptPicture: IndexedPicture
    ) throws(CLIPError) -> PathBytes {
        let temporary = file.path.temporarySibling
        TemporaryFiles.add(temporary)
        defer {
            // Renaming one link of a file over another does nothing and leaves both.
            try? temporary.remove()
            TemporaryFiles.remove(temporary)
        }
        do throws(CLIPError) {
            do throws(SystemError) {
                try kept.path.link(to: temporary)
            } catch {
                throw CLIPError(.picture, error)
            }
            // What the new name leads to counts, whatever happened to the path in between.
            guard case .file(kept.identity) = PathState(temporary) else {
                throw CLIPError(.picture, "that has changed just now")
            }
            try kept.check()
            try file.check()
            do throws(SystemError) {
                try temporary.rename(to: file.path)
            } catch {
                throw CLIPError(.picture, error)
            }
        } catch {
            throw error.saying("can't be linked to \(keptPicture.path): \(error.message)").at(picture.path)
        }
        return PathBytes(keptPicture.pathBytes)
    }
}

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
