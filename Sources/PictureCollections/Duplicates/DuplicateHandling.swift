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
    ///   - undo: the list that each act is noted in before it is done; what can't be noted is left alone.
    ///   - progress: called after every act, on the caller's thread.
    public func perform(
        _ action: DuplicateAction, undo: UndoList? = nil, progress: (Handled) -> Void = { _ in }
    ) -> [Handled] {
        let performance = DuplicatePerformance(
            action: action, acts: FileActs(undo: undo), untouched: [], since: "it was indexed: index again")
        var handled: [Handled] = []
        for duplicate in duplicates {
            let entry = DuplicatePlan.Entry(kept: kept, duplicate)
            let names = [duplicate.picture] + duplicate.otherNames
            performance.handle(entry) { place, goal in
                handled.append(Handled(duplicate: duplicate, picture: names[place], goal: goal))
                progress(handled[handled.count - 1])
            }
        }
        return handled
    }
}

/// One way to act on duplicates.
struct DuplicatePerformance {
    let action: DuplicateAction
    let acts: FileActs
    /// Folders without links in which nothing is touched.
    let untouched: [PathBytes]
    /// Since when a file must be unchanged, and what to do where it isn't.
    let since: String

    /// Acts on all names of a duplicate.
    /// - Parameter body: takes the place of each name and what became of it.
    func handle(
        _ entry: DuplicatePlan.Entry, _ body: (_ name: Int, _ goal: Result<PathBytes, CLIPError>) -> Void
    ) {
        guard action != .link || entry.isExact else { return }
        for (place, name) in entry.names.enumerated() where place == 0 || !isDone(name, entry) {
            body(place, Result { () throws(CLIPError) in try handle(name, entry) })
        }
    }

    /// Whether acting on another name has taken care of this one: two mounts show one entry of a folder.
    private func isDone(_ name: PathBytes, _ entry: DuplicatePlan.Entry) -> Bool {
        switch PathState(name) {
        case .gone: return true
        case .file(let status):
            guard case .file(let kept) = PathState(entry.kept.path) else { return false }
            return status.identity == kept.identity
        default: return false
        }
    }

    private func handle(_ name: PathBytes, _ entry: DuplicatePlan.Entry) throws(CLIPError) -> PathBytes {
        try checkCancellation()
        let kept = try verified(entry.kept.path, entry.kept.hash)
        let file = try verified(name, entry.duplicate.hash)
        guard kept.identity != file.identity else {
            throw CLIPError(
                .picture, path: name.text, "is the same file as the kept one, \(entry.kept.path.text); nothing was done"
            )
        }
        let place = try? name.folder.resolved()
        if let folder = untouched.first(where: { place?.isAtOrInside($0) ?? true }) {
            throw CLIPError(
                .picture, path: name.text, "is in \(folder.text), where nothing is touched; nothing was done")
        }
        switch action.kind {
        case .moveElsewhere(let address):
            throw CLIPError(.argument, path: address, "is not a folder on this machine; nothing was done")
        case .move(let folder):
            if let link = entry.link, case .link(file.identity) = PathState(link) {
                throw CLIPError(.picture, path: name.text, "the link \(link.text) leads to it: it stays where it is")
            }
            // A run over an index of what was moved before would move it ever deeper.
            if let place, let target = try? folder.resolved(), place.isAtOrInside(target) {
                throw CLIPError(.picture, path: name.text, "is in \(folder.text) already: nothing was done")
            }
            return try move(file, to: folder, kept)
        case .link:
            do throws(CLIPError) {
                try acts.replace(file, by: kept)
            } catch {
                throw error.saying("can't be linked to \(entry.kept.path.text): \(error.message)").at(name.text)
            }
            return entry.kept.path
        }
    }

    private func verified(_ path: PathBytes, _ hash: String) throws(CLIPError) -> VerifiedFile {
        do throws(CLIPError) {
            return try VerifiedFile(path, holding: hash, otherwise: "has changed since \(since)")
        } catch {
            throw error.saying("\(error.message); nothing was done").at(path.text)
        }
    }

    private func move(
        _ file: VerifiedFile, to folder: PathBytes, _ kept: VerifiedFile
    ) throws(CLIPError) -> PathBytes {
        let parts = file.path.bytes.split(separator: PathBytes.slash).filter {
            !$0.elementsEqual("..".utf8) && !$0.elementsEqual(".".utf8)
        }
        var target = folder
        for part in parts {
            try acts.makeFolder(target)
            target = PathBytes(target.bytes + [PathBytes.slash] + part)
        }
        do throws(CLIPError) {
            try acts.move(file, to: target, unless: kept)
        } catch {
            throw error.saying("can't be moved to \(target.text): \(error.message)").at(file.path.text)
        }
        return target
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
