import CLIP
import CLIPJSON
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// A list of changes to files, by which `undo(_:progress:)` takes all of them back.
///
/// Each change is noted and on the disk before it is made. Whatever ends the process or the machine, the list tells of every
/// change that was made, and at most of one that was not. The file appears with the first change.
///
/// It is text, a JSON object a line: the first is `{"clip_undo":1}`, each other one a change with absolute paths.
public final class UndoList {
    static let version = 1

    private let location: PathBytes
    private var file: OpenFile?
    /// Where each line begins.
    private var starts: [Int] = []
    private var end = 0
    /// Why the list could not be written: no change was made since.
    package private(set) var failure: CLIPError?

    /// A list that will stand at a path.
    /// - Throws: `CLIPError` of kind `.argument` when something is there already: a list is never written over.
    public convenience init(_ url: URL) throws(CLIPError) { try self.init(try PathBytes(ofFile: url)) }

    package init(_ location: PathBytes) throws(CLIPError) {
        guard try location.found(.argument, followsLinks: false) == nil else {
            throw CLIPError(
                .argument, path: location.text,
                "is there already: a list of changes is never written over, name another")
        }
        self.location = location
    }

    /// Where the list is.
    public var url: URL { location.url }
    package var path: String { location.text }
    /// How many changes it tells of.
    public var count: Int { max(0, starts.count - 1) }

    /// Notes a change that is about to be made, and waits until that is on the disk.
    /// - Throws: when it can't be noted: the change must not be made then.
    func note(_ change: NotedChange) throws(CLIPError) {
        if let failure { throw failure }
        do throws(CLIPError) {
            if file == nil { try begin() }
            try append(change.line)
        } catch {
            let sentence = "\(error.message): no change is made that can't be noted there"
            failure = error.saying(sentence).at(location.text)
            throw failure ?? error
        }
    }

    /// Takes the last change out again, of which nothing was made.
    func dropLast() {
        guard starts.count > 1, let file, let start = starts.popLast() else { return }
        end = start
        try? file.truncate(to: end)
    }

    private func begin() throws(CLIPError) {
        let file = try OpenFile(location, O_RDWR | O_CREAT | O_EXCL, kind: .storage)
        self.file = file
        try append("{\"clip_undo\":\(UndoList.version)}")
        // The name too must outlast a power cut.
        try? location.folder.syncFolder()
    }

    private func append(_ line: String) throws(CLIPError) {
        guard let file else { return }
        let bytes = Array(line.utf8) + [UInt8(ascii: "\n")]
        do throws(CLIPError) {
            try file.write(bytes, at: end)
            try file.sync()
        } catch {
            try? file.truncate(to: end)
            if starts.isEmpty { try? location.remove() }
            throw error
        }
        starts.append(end)
        end += bytes.count
    }
}

extension UndoList {
    /// What became of one change of a list.
    public struct TakenBack: Sendable {
        private let change: NotedChange
        package let outcome: Result<Bool, CLIPError>

        init(_ change: NotedChange, _ outcome: Result<Bool, CLIPError>) {
            self.change = change
            self.outcome = outcome
        }

        /// What was done: `move`, `copy`, `link`, `replace`, `write` or `make-folder`.
        public var kind: String { change.name }
        /// The file or folder that it was done to, or that it made.
        public var url: URL { place.url }
        /// Where a file was moved to; nil of other changes.
        public var formerURL: URL? { former?.url }
        /// Whether it made something, which taking it back removes.
        package var removes: Bool {
            guard case .file(let change) = change else { return true }
            return switch change.kind {
            case .move, .replace: false
            case .copy, .link, .write: true
            }
        }
        package var place: PathBytes { move?.source ?? change.target }
        package var former: PathBytes? { move?.target }
        private var move: (source: PathBytes, target: PathBytes)? {
            guard case .file(let change) = change, case .move(let source) = change.kind else { return nil }
            return (source, change.target)
        }
        /// Whether there was something to take back: false of a change that was not made, or was taken back already. Else why
        /// it could not be.
        public var result: Result<Bool, CLIPError> { outcome }
    }

    /// Takes back the changes of a list, the last one first.
    ///
    /// A file is touched only where it holds what the list says; whatever was changed since is left as it is, with an error. Nothing
    /// is replaced by something else: where a file was moved from, nothing may stand. Names that were of one file are so again, as far
    /// as the list has them all. It may be ended at any instant and done again: what is as it was before stays so.
    /// - Parameters:
    ///   - url: a list that a run of `DuplicateGroup.perform`, `DuplicatePlan.perform` or `PictureSorting` wrote, a killed one too.
    ///   - progress: called after every change, on the caller's thread.
    /// - Returns: what became of each change, the last one first.
    /// - Throws: `CLIPError` of kind `.storage` when the list can't be read or is none: nothing is done then; of kind `.cancelled`.
    /// - Complexity: O(bytes of the files), which are read; those that were copied from another disk are written too.
    @discardableResult
    public static func undo(
        _ url: URL, progress: (_ done: TakenBack, _ total: Int) -> Void = { _, _ in }
    ) throws(CLIPError) -> [TakenBack] {
        try undo(path: try PathBytes(ofFile: url), progress: progress)
    }

    /// What `undo(_:progress:)` does, without blocking the caller's executor.
    /// - Parameters:
    ///   - url: a list that a run of `DuplicateGroup.perform`, `DuplicatePlan.perform` or `PictureSorting` wrote.
    ///   - progress: called on a thread of the library.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    @discardableResult
    public static func takenBack(
        _ url: URL, progress: @escaping @Sendable (_ done: TakenBack, _ total: Int) -> Void = { _, _ in }
    ) async throws(CLIPError) -> [TakenBack] {
        try await withoutBlocking { () throws(CLIPError) in try undo(url, progress: progress) }
    }

    package static func undo(
        path: PathBytes, progress: (_ done: TakenBack, _ total: Int) -> Void
    ) throws(CLIPError) -> [TakenBack] {
        let changes = try changes(in: path)
        var taken: [TakenBack] = []
        var restoration = Restoration()
        for change in changes.reversed() {
            try checkCancellation()
            let outcome = Result { () throws(CLIPError) in try restoration.takeBack(change) }
            taken.append(TakenBack(change, outcome))
            progress(taken[taken.count - 1], changes.count)
        }
        return taken
    }

    /// The changes of a list, in the order in which they were made. A line without an end was never followed by its change.
    private static func changes(in path: PathBytes) throws(CLIPError) -> [NotedChange] {
        let bytes = try readFile(path, limit: 1 << 30, kind: .storage)
        var changes: [NotedChange] = []
        var isFirst = true
        guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            // A run that was killed before its first change.
            guard "{\"clip_undo\":".utf8.starts(with: bytes.prefix(13)) else { throw notAList(path) }
            return []
        }
        for (number, line) in bytes[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            let place = "\(path.text): line \(number + 1)"
            let value = try? JSONValue(parsing: Array(line))
            if isFirst {
                guard let version = value?["clip_undo"]?.int else { throw notAList(path) }
                guard version == UndoList.version else {
                    throw CLIPError(
                        .storage, path: path.text,
                        "is a list of version \(version), this program reads version \(UndoList.version)")
                }
                isFirst = false
                continue
            }
            guard let value, let change = NotedChange(value) else {
                throw CLIPError(.storage, path: place, "is no change that can be taken back; nothing was done")
            }
            changes.append(change)
        }
        return changes
    }

    private static func notAList(_ path: PathBytes) -> CLIPError {
        CLIPError(
            .storage, path: path.text,
            "is no list of changes: expected a file whose first line is {\"clip_undo\":1}; nothing was done")
    }
}
