import CLIP
import CLIPSystem

/// What is in folders, compared with what an index has of them. Only what is surely not there any more counts as gone.
struct FolderComparison {
    /// So many pictures that vanish at once and leave an empty folder, or take their folder with them, look like a disk
    /// that isn't mounted.
    static let manyPictures = 4

    private let snapshot: IndexFile
    private let names: IndexNames
    /// The absolute path of the folder that names are relative to.
    private let base: PathBytes
    private let reading: PictureOptions
    private let changes: ChangedPaths?
    /// Whether each entry's file was met.
    private var seen: [Bool]

    /// Files that are new, or look changed.
    private(set) var candidates: [Candidate] = []
    /// Pictures whose file is as it was.
    private(set) var unchangedCount = 0
    /// Entries whose file is gone.
    private(set) var gone: Set<Int> = []
    /// Those of them that were in a folder which is there, but empty, or which is missing itself.
    private(set) var emptied: [(folder: PathBytes, entries: [Int], isMissing: Bool)] = []
    /// What can't be looked at. What the index has there is neither met nor gone.
    private(set) var faults: [FolderWalk.Fault] = []
    private(set) var skipped = SkippedTally()

    /// - Parameters:
    ///   - base: the absolute path of the folder that names are relative to.
    ///   - roots: absolute paths of folders and files, without links.
    ///   - reading: how pictures are read: those of formats that nobody decodes here are neither met nor gone.
    ///   - changes: compares these alone; nil for all there is.
    ///   - exclusions: what is left out of them. Pictures of the index that it leaves out count as gone.
    ///   - isWorthwhile: asked now and then, with how many files are new or changed so far.
    /// - Throws: `CLIPError` of kind `.cancelled`; the error of `isWorthwhile`.
    init(
        _ snapshot: IndexFile, base: PathBytes, roots: [PathBytes], reading: PictureOptions = PictureOptions(),
        changes: ChangedPaths? = nil, exclusions: ExclusionRules,
        isWorthwhile: (_ candidates: Int) throws(CLIPError) -> Void = { _ in }
    ) throws(CLIPError) {
        self.snapshot = snapshot
        self.base = base
        self.reading = reading
        self.changes = changes
        names = IndexNames(snapshot)
        seen = [Bool](repeating: false, count: snapshot.entryCount)
        var found: Set<PathBytes> = []
        var emptyFolders: Set<PathBytes> = []
        for root in roots {
            let excluded = ExclusionWalk(root, exclusions)
            var walk = PictureWalk(root, reading: reading, changes: changes, excludes: excluded.excludes)
            var isEmpty = true
            while let finding = walk.next() {
                try checkCancellation()
                try isWorthwhile(candidates.count)
                switch finding {
                case .picture(let file):
                    isEmpty = false
                    // Folders that are given may lie inside each other.
                    if roots.count == 1 || found.insert(file.path).inserted { meet(file) }
                case .fault(let fault): faults.append(fault)
                case .emptyFolder(let path): emptyFolders.insert(path)
                }
            }
            if isEmpty, changes == nil { emptyFolders.insert(root) }
            skipped.add(walk.skipped.files)
            faults += excluded.faults
        }
        try lookForTheRest(roots, emptyFolders)
    }

    private mutating func meet(_ file: FolderWalk.File) {
        let name = relativeName(file.path)
        let entry = names.find(name)
        if let entry {
            seen[entry] = true
            if names.isUnchanged(entry, file.status) {
                unchangedCount += 1
                return
            }
        }
        candidates.append(
            Candidate(
                path: file.path.bytes, name: name, status: file.status, isRoot: file.isRoot, entry: entry))
    }

    /// Sorts the entries that weren't met: gone, or not to be looked at.
    private mutating func lookForTheRest(
        _ roots: [PathBytes], _ emptyFolders: Set<PathBytes>
    ) throws(CLIPError) {
        let hidden = Set(faults.map(\.path))
        var inEmpty: [PathBytes: [Int]] = [:]
        var inMissing: [PathBytes: [Int]] = [:]
        var missingFolders: [PathBytes: PathBytes?] = [:]
        for entry in entriesInQuestion where !seen[entry] {
            try checkCancellation()
            guard let path = absolutePath(entry), roots.contains(where: { path.isAtOrInside($0) }),
                changes.map({ $0.contains(path) }) ?? true, path.outermost(in: hidden) == nil,
                !PictureWalk.lacksDecoder(path, reading: reading)
            else { continue }
            if let fault = doubt(path) {
                faults.append(fault)
            } else {
                gone.insert(entry)
                if let folder = path.outermost(in: emptyFolders) {
                    inEmpty[folder, default: []].append(entry)
                    continue
                }
                let missing = missingFolders[path.folder] ?? path.outermostMissingFolder(below: roots)
                missingFolders[path.folder] = .some(missing)
                if let missing { inMissing[missing, default: []].append(entry) }
            }
        }
        for (folder, entries) in inEmpty { emptied.append((folder, entries, isMissing: false)) }
        for (folder, entries) in inMissing { emptied.append((folder, entries, isMissing: true)) }
        emptied.removeAll { $0.entries.count < FolderComparison.manyPictures }
        emptied.sort { $0.folder.bytes.lexicographicallyPrecedes($1.folder.bytes) }
    }

    /// The entries that may be of files that are gone: all that hold, or those of the changes where they name files alone.
    private var entriesInQuestion: [Int] {
        guard let changes, changes.folders.isEmpty else { return snapshot.liveEntries }
        return changes.files.compactMap { names.find(relativeName($0)) }.sorted()
    }

    /// Why a file that the walk didn't meet may be there all the same.
    private func doubt(_ path: PathBytes) -> FolderWalk.Fault? {
        do throws(SystemError) {
            guard try path.status(followsLinks: false).kind == .link else { return nil }
            _ = try path.status()
            return nil
        } catch {
            if !error.isAbsence {
                return FolderWalk.Fault(path: path, error: error, "can't be examined")
            }
            let isLink = (try? path.status(followsLinks: false))?.kind == .link
            return isLink ? FolderWalk.Fault(path: path, error: error, "is a link that leads to nothing") : nil
        }
    }

    /// A path below the folder of the index without that folder, any other as it is.
    func relativeName(_ path: PathBytes) -> [UInt8] { path.relative(to: base) }

    private func absolutePath(_ entry: Int) -> PathBytes? {
        snapshot.withName(entry) { name in
            name.first == PathBytes.slash ? PathBytes(Array(name)) : base.appending(name)
        }
    }
}

extension PathBytes {
    /// The first of the folders that lead to this path, or the path itself, that is in `paths`.
    fileprivate func outermost(in paths: Set<PathBytes>) -> PathBytes? {
        guard !paths.isEmpty else { return nil }
        for (index, byte) in bytes.enumerated() where byte == PathBytes.slash {
            let folder = PathBytes(index == 0 ? [byte] : Array(bytes[..<index]))
            if paths.contains(folder) { return folder }
        }
        return paths.contains(self) ? self : nil
    }

    /// The outermost of the folders that lead from one of `roots` to this path which isn't there.
    fileprivate func outermostMissingFolder(below roots: [PathBytes]) -> PathBytes? {
        var (folder, missing): (PathBytes, PathBytes?) = (folder, nil)
        while roots.contains(where: { folder != $0 && folder.isAtOrInside($0) }), folder.isAbsent {
            missing = folder
            folder = folder.folder
        }
        return missing
    }
}

extension IndexNames {
    /// Whether the file of an entry is surely the one that was read. A damaged record is of no file.
    fileprivate func isUnchanged(_ entry: Int, _ status: FileStatus) -> Bool {
        file.record(entry)?.identity.isSurelyThat(of: status) ?? false
    }
}

extension FileIdentity {
    init(_ status: FileStatus) { self.init(byteCount: status.byteCount, modified: FileIdentity.stamp(status)) }

    /// Whether the file is surely the one that was read. Older indexes have the time of its last writing alone.
    func isSurelyThat(of status: FileStatus) -> Bool {
        let now = modified < 0 ? FileIdentity.stamp(status) : status.modified
        return byteCount == status.byteCount && modified != 0 && modified == now
    }

    /// A negative number made of the times when the file was last written and when anything about it last changed: a file
    /// that took another's name has another than that one, though both may have been written at the same time.
    private static func stamp(_ status: FileStatus) -> Int64 {
        let times = [status.modified, status.changed].flatMap { time in
            withUnsafeBytes(of: time.littleEndian) { Array($0) }
        }
        return Int64(bitPattern: nameHash(times) | 1 << 63)
    }
}
