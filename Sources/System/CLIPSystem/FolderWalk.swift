/// Everything in a folder and in those inside it, in the bytewise order of paths: the files, what is left out, and what
/// can't be looked at, which is never taken for absent.
///
/// Links to folders are not followed, and a folder is not entered inside itself, so that a walk always ends. Paths may be
/// longer than the system's calls take. Memory: the names in the folders that lead to where the walk is.
package struct FolderWalk {
    /// A regular file, or a link to one.
    package struct File: Sendable {
        package let path: PathBytes
        /// Of the file itself, links followed.
        package let status: FileStatus
        package let isLink: Bool
        /// Whether the walk began here.
        package let isRoot: Bool
    }

    /// Why something is no file to look at.
    package enum Omission: Hashable, Sendable {
        case hiddenFile, hiddenFolder
        case linkToFolder, linkToNothing
        /// A pipe, a socket or a device.
        case special
        /// A folder that holds itself: mounted twice, for example.
        case loop
        /// What whoever walks doesn't want.
        case excludedFile, excludedFolder
    }

    /// A folder or entry that can't be looked at. Whatever was known at or below its path may still be there.
    package struct Fault: Sendable {
        package let path: PathBytes
        package let error: SystemError
        /// One line.
        package let message: String

        package init(path: PathBytes, error: SystemError, _ problem: String) {
            self.path = path
            self.error = error
            message = "\(problem): \(error.message)"
        }
    }

    package enum Finding: Sendable {
        case file(File)
        case leftOut(PathBytes, Omission)
        case fault(Fault)
        /// A folder that holds nothing, not even what is hidden.
        case emptyFolder(PathBytes)
    }

    /// A folder that the walk is in.
    private struct Level {
        let path: PathBytes
        let identity: FileStatus.Identity
        /// What is left to visit, the next at the end.
        var entries: [(name: [UInt8], entry: FolderListing.Entry)]
    }

    private let excludes: (_ path: PathBytes, _ isFolder: Bool) -> Bool
    private let changes: ChangedPaths?
    private var levels: [Level] = []
    /// What is told before the walk goes on, the next at the end.
    private var pending: [Finding] = []

    /// A walk from `root`, a folder or a file, to which a link may lead.
    /// - Parameters:
    ///   - changes: looks at these alone; nil for all there is.
    ///   - excludes: whether a file or folder inside is left out.
    package init(
        _ root: PathBytes, changes: ChangedPaths? = nil,
        excludes: @escaping (_ path: PathBytes, _ isFolder: Bool) -> Bool = { _, _ in false }
    ) {
        self.excludes = excludes
        self.changes = changes
        do throws(SystemError) {
            let status = try root.status()
            switch status.kind {
            case .folder: enter(root, isRoot: true)
            case .file where changes.map { !$0.contains(root) } ?? false: break
            case .file: pending = [.file(File(path: root, status: status, isLink: false, isRoot: true))]
            case .link, .other: pending = [.leftOut(root, .special)]
            }
        } catch {
            pending = [.fault(Fault(path: root, error: error, "can't be examined"))]
        }
    }

    /// The next thing; nil after the last.
    package mutating func next() -> Finding? {
        while true {
            if let finding = pending.popLast() { return finding }
            guard let level = levels.indices.last else { return nil }
            guard let (name, entry) = levels[level].entries.popLast() else {
                levels.removeLast()
                continue
            }
            let path = levels[level].path.appending(name)
            switch entry {
            case .file where excludes(path, false): return .leftOut(path, .excludedFile)
            case .folder where excludes(path, true): return .leftOut(path, .excludedFolder)
            case .file(let status, let isLink):
                return .file(File(path: path, status: status, isLink: isLink, isRoot: false))
            case .leftOut(let omission): return .leftOut(path, omission)
            case .folder: enter(path, isRoot: false)
            }
        }
    }

    private mutating func enter(_ folder: PathBytes, isRoot: Bool) {
        do throws(SystemError) {
            let (listing, status) = try FolderListing.of(
                folder, followsLinks: isRoot, names: changes.flatMap { $0.names(in: folder) })
            guard !levels.contains(where: { $0.identity == status.identity }) else {
                pending = [.leftOut(folder, .loop)]
                return
            }
            pending = FolderWalk.faults(listing, folder)
            if listing.isEmpty { pending.append(.emptyFolder(folder)) }
            levels.append(Level(path: folder, identity: status.identity, entries: listing.sorted()))
        } catch {
            // Between the list and its opening it went away, or a link took its place.
            if !isRoot, error.isAbsence || error.code == ELOOP && folder.isLink { return }
            pending = [.fault(Fault(path: folder, error: error, "the folder can't be read"))]
        }
    }

    /// One fault for all entries that can't be examined for the same reason.
    private static func faults(_ listing: FolderListing, _ folder: PathBytes) -> [Finding] {
        var faults = listing.unexamined.map { error, names in
            names.count == 1
                ? Fault(path: folder.appending(names[0]), error: error, "can't be examined")
                : Fault(path: folder, error: error, "\(names.count) entries of the folder can't be examined")
        }
        if let failure = listing.failure {
            faults.append(Fault(path: folder, error: failure, "the folder can't be read to its end"))
        }
        return faults.sorted { $1.path.bytes.lexicographicallyPrecedes($0.path.bytes) }.map { .fault($0) }
    }
}

extension FolderListing {
    /// The entries, the first of them last. A folder's contents sort as their paths do: by the name and a slash.
    fileprivate func sorted() -> [(name: [UInt8], entry: Entry)] {
        var keyed = entries.map { name, entry in
            if case .folder = entry { return (key: name + [PathBytes.slash], name: name, entry: entry) }
            return (key: name, name: name, entry: entry)
        }
        keyed.sort { $1.key.lexicographicallyPrecedes($0.key) }
        return keyed.map { ($0.name, $0.entry) }
    }
}

extension PathBytes {
    fileprivate var isLink: Bool { (try? status(followsLinks: false))?.kind == .link }
}
