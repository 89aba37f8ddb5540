import CLIP
import CLIPJSON
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// Which files are to go, each with another that is kept in place of it, and what both held when that was decided.
///
/// It is made of groups, or read from the records that `clip dedupe` writes: what somebody took out of them stays.
public struct DuplicatePlan: Sendable {
    /// A file that is to go.
    public struct Entry: Sendable {
        struct File: Sendable {
            let path: PathBytes
            /// SHA-256 of what it held.
            let hash: String
        }

        let kept: File
        let duplicate: File
        let otherNames: [PathBytes]
        /// A symbolic link that led to the duplicate.
        let link: PathBytes?

        /// The file that is kept.
        public var keptURL: URL { kept.path.url }
        /// The file that is to go.
        public var url: URL { duplicate.path.url }
        /// Whether both held the same bytes.
        public var isExact: Bool { kept.hash == duplicate.hash }

        /// All names of the file that is to go.
        var names: [PathBytes] { [duplicate.path] + otherNames }
        package var keptPath: PathBytes { kept.path }
        package var path: PathBytes { duplicate.path }

        init(kept: IndexedPicture, _ duplicate: DuplicateGroup.Duplicate) {
            self.kept = File(path: PathBytes(kept.pathBytes), hash: kept.contentHash)
            self.duplicate = File(path: PathBytes(duplicate.picture.pathBytes), hash: duplicate.picture.contentHash)
            otherNames = duplicate.otherNames.map { PathBytes($0.pathBytes) }
            link = duplicate.link.map { PathBytes($0.pathBytes) }
        }
    }

    /// What became of one name of a file that was to go.
    public struct Handled: Sendable {
        /// What was planned.
        public let entry: Entry
        package let name: PathBytes
        package let goal: Result<PathBytes, CLIPError>

        /// The name that was acted on.
        public var url: URL { name.url }
        /// Where the file went, or why it was left alone.
        public var result: Result<URL, CLIPError> { goal.map(\.url) }
    }

    /// The files that are to go.
    public let entries: [Entry]

    /// A plan of all duplicates of some groups.
    public init(_ groups: [DuplicateGroup]) {
        entries = groups.flatMap { group in group.duplicates.map { Entry(kept: group.kept, $0) } }
    }

    /// Reads a plan: the records of `clip dedupe`, as JSON lines or as a JSON array, which its page saves too.
    /// - Throws: `CLIPError` of kind `.storage` when a record lacks what is needed to check its files, or the plan contradicts itself:
    ///   keeps what it lets go.
    public init(contentsOf url: URL) throws(CLIPError) { try self.init(path: try PathBytes(ofFile: url)) }

    package init(path: PathBytes) throws(CLIPError) {
        let bytes = try readFile(path, limit: 1 << 32, kind: .storage)
        func fault(_ place: String, _ message: String) -> CLIPError {
            CLIPError(.storage, path: "\(path.text): \(place)", message)
        }
        let isArray = bytes.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "[")
        var records: [(place: String, value: JSONValue)] = []
        if isArray {
            let value = try JSONValue(parsing: bytes, at: JSONPlace(path.text))
            records = (value.array ?? []).enumerated().map { ("record \($0 + 1)", $1) }
        } else {
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            for (number, line) in lines.enumerated() where line.contains(where: { !" \t\r".utf8.contains($0) }) {
                let place = "line \(number + 1)"
                guard let value = try? JSONValue(parsing: Array(line)) else {
                    throw fault(
                        place, "is no JSON: a plan has the records of \"clip dedupe\", one a line; nothing was done")
                }
                records.append((place, value))
            }
        }
        var entries: [Entry] = []
        var places: [PathBytes: String] = [:]
        for (place, value) in records {
            guard let entry = Entry(value) else {
                throw fault(
                    place,
                    "is no record of a plan: expected \"kept\", \"duplicate\" and the SHA-256 of both, \"kept_sha256\" and "
                        + "\"sha256\"; nothing was done")
            }
            entries.append(entry)
            for name in entry.names { places[name] = place }
        }
        for (entry, record) in zip(entries, records) {
            if let other = places[entry.kept.path] {
                throw fault(record.place, "keeps \(entry.kept.path.text), which is to go by \(other); nothing was done")
            }
        }
        self.entries = entries
    }

    /// Does what the plan says, and nothing else.
    ///
    /// Right before each act the kept file and the one that goes are opened and read again: both must be regular files, two
    /// different ones, and hold what they held when the plan was made; else nothing is done. Symbolic links are never moved or
    /// replaced, nor is a file moved that is in the folder already. By hard links only files of the same bytes are replaced.
    ///
    /// Once the task is cancelled, the rest is left alone with that error.
    /// - Parameters:
    ///   - action: what becomes of every duplicate.
    ///   - undo: the list that each act is noted in before it is done; what can't be noted is left alone.
    ///   - untouched: folders in which no file is touched, whatever the plan says.
    ///   - progress: called after every act, on the caller's thread.
    /// - Throws: `CLIPError` of kind `.argument` when such a folder can't be found.
    /// - Complexity: O(bytes of the files), which are read; on another file system they are written and read again.
    @discardableResult
    public func perform(
        _ action: DuplicateAction, undo: UndoList? = nil, untouched: [URL] = [],
        progress: (_ handled: Handled, _ total: Int) -> Void = { _, _ in }
    ) throws(CLIPError) -> [Handled] {
        try perform(
            action, undo: undo, untouched: untouched.map { url throws(CLIPError) in try PathBytes(ofFile: url) },
            progress: progress)
    }

    /// What `perform(_:undo:untouched:progress:)` does, without blocking the caller's executor.
    /// - Parameters:
    ///   - action: what becomes of every duplicate.
    ///   - undo: where the list will stand that each act is noted in.
    ///   - untouched: folders in which no file is touched, whatever the plan says.
    ///   - progress: called on a thread of the library.
    /// - Throws: `CLIPError` as the synchronous method, and when the list is there already.
    @discardableResult
    public func performed(
        _ action: DuplicateAction, undo: URL? = nil, untouched: [URL] = [],
        progress: @escaping @Sendable (_ handled: Handled, _ total: Int) -> Void = { _, _ in }
    ) async throws(CLIPError) -> [Handled] {
        try await withoutBlocking { () throws(CLIPError) in
            let list = try undo.map { url throws(CLIPError) in try UndoList(url) }
            return try perform(action, undo: list, untouched: untouched, progress: progress)
        }
    }

    package func perform(
        _ action: DuplicateAction, undo: UndoList?, untouched: [PathBytes], progress: (Handled, Int) -> Void
    ) throws(CLIPError) -> [Handled] {
        let performance = DuplicatePerformance(
            action: action, acts: FileActs(undo: undo),
            untouched: try untouched.map { folder throws(CLIPError) in try folder.resolvedArgument() },
            since: "the plan was made: make another")
        var handled: [Handled] = []
        for entry in entries {
            performance.handle(entry) { place, goal in
                handled.append(Handled(entry: entry, name: entry.names[place], goal: goal))
                progress(handled[handled.count - 1], entries.count)
            }
        }
        return handled
    }
}

extension DuplicatePlan.Entry {
    /// nil for what is no record of a plan.
    fileprivate init?(_ record: JSONValue) {
        func hash(_ key: String) -> String? {
            record[key]?.string.flatMap { $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) ? $0.lowercased() : nil }
        }
        guard let kept = record.path("kept"), let duplicate = record.path("duplicate"),
            let keptHash = hash("kept_sha256"),
            let hash = hash("sha256"), let names = record.paths("other_names")
        else { return nil }
        self.kept = File(path: kept, hash: keptHash)
        self.duplicate = File(path: duplicate, hash: hash)
        otherNames = names
        link = record.path("link")
    }
}
