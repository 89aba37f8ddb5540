import CLIP
import CLIPSystem

/// What is in folders, compared with what an index has of them. Only what is surely not there any more counts as gone.
struct FolderComparison {
    /// So many pictures that vanish at once and leave an empty folder look like a disk that isn't mounted.
    static let manyPictures = 4

    private let snapshot: IndexFile
    private let names: IndexNames
    /// The absolute path of the folder that names are relative to.
    private let base: PathBytes
    /// Whether each entry's file was met.
    private var seen: [Bool]

    /// Files that are new, or look changed.
    private(set) var candidates: [Candidate] = []
    /// Pictures whose file is as it was.
    private(set) var unchangedCount = 0
    /// Entries whose file is gone.
    private(set) var gone: Set<Int> = []
    /// Those of them that were in a folder which is there, but empty.
    private(set) var emptied: [(folder: PathBytes, entries: [Int])] = []
    /// What can't be looked at. What the index has there is neither met nor gone.
    private(set) var faults: [FolderWalk.Fault] = []
    private(set) var skipped = SkippedTally()

    /// - Parameters:
    ///   - base: the absolute path of the folder that names are relative to.
    ///   - roots: absolute paths of folders and files, without links.
    init(_ snapshot: IndexFile, base: PathBytes, roots: [PathBytes]) {
        self.snapshot = snapshot
        self.base = base
        names = IndexNames(snapshot)
        seen = [Bool](repeating: false, count: snapshot.entryCount)
        var found: Set<PathBytes> = []
        var emptyFolders: Set<PathBytes> = []
        for root in roots {
            var walk = PictureWalk(root)
            var isEmpty = true
            while let finding = walk.next() {
                switch finding {
                case .picture(let file):
                    isEmpty = false
                    // Folders that are given may lie inside each other.
                    if roots.count == 1 || found.insert(file.path).inserted { meet(file) }
                case .fault(let fault): faults.append(fault)
                case .emptyFolder(let path): emptyFolders.insert(path)
                }
            }
            if isEmpty { emptyFolders.insert(root) }
            skipped.add(walk.skipped.files)
        }
        lookForTheRest(roots, emptyFolders)
    }

    private mutating func meet(_ file: FolderWalk.File) {
        let name = relativeName(file.path)
        let entry = names.find(name)
        let identity = FileIdentity(file.status)
        if let entry {
            seen[entry] = true
            if names.isUnchanged(entry, identity) {
                unchangedCount += 1
                return
            }
        }
        candidates.append(Candidate(path: file.path.bytes, name: name, identity: identity, entry: entry))
    }

    /// Sorts the entries that weren't met: gone, or not to be looked at.
    private mutating func lookForTheRest(_ roots: [PathBytes], _ emptyFolders: Set<PathBytes>) {
        let hidden = Set(faults.map(\.path))
        var inEmpty: [PathBytes: [Int]] = [:]
        for segment in snapshot.segments {
            for entry in segment.entries where snapshot.live.contains(entry) && !seen[entry] {
                guard let path = absolutePath(entry), roots.contains(where: { path.isAtOrInside($0) }),
                    path.outermost(in: hidden) == nil
                else { continue }
                if let fault = doubt(path) {
                    faults.append(fault)
                } else {
                    gone.insert(entry)
                    if let folder = path.outermost(in: emptyFolders) { inEmpty[folder, default: []].append(entry) }
                }
            }
        }
        emptied = inEmpty.filter { $0.value.count >= FolderComparison.manyPictures }.map { ($0.key, $0.value) }
            .sorted { $0.folder.bytes.lexicographicallyPrecedes($1.folder.bytes) }
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
    func relativeName(_ path: PathBytes) -> [UInt8] {
        let prefix = base.appending([]).bytes
        return path.bytes.starts(with: prefix) ? Array(path.bytes.dropFirst(prefix.count)) : path.bytes
    }

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
}

extension FileIdentity {
    init(_ status: FileStatus) { self.init(byteCount: status.byteCount, modified: status.modified) }
}
