/// Files and folders in some folders that may be new, changed or gone.
package struct ChangedPaths: Sendable {
    package private(set) var files: Set<PathBytes> = []
    /// All that is in them may be.
    package private(set) var folders: Set<PathBytes> = []
    /// Of each folder that leads to one of them the names that do.
    private var leading: [PathBytes: Set<[UInt8]>] = [:]

    package init() {}

    package var count: Int { files.count + folders.count }

    package mutating func insert(_ path: PathBytes, isFolder: Bool) {
        if isFolder { folders.insert(path) } else { files.insert(path) }
        var path = path
        while path.folder != path, leading[path.folder, default: []].insert(Array(path.name)).inserted {
            path = path.folder
        }
    }

    /// Whether what is there may have changed.
    package func contains(_ path: PathBytes) -> Bool { files.contains(path) || isInFolder(path) }

    /// The names in a folder that lead to what may have changed; nil where all do.
    func names(in folder: PathBytes) -> [[UInt8]]? {
        isInFolder(folder) ? nil : Array(leading[folder] ?? [])
    }

    private func isInFolder(_ path: PathBytes) -> Bool {
        guard !folders.isEmpty else { return false }
        var path = path
        while !folders.contains(path) {
            guard path.folder != path else { return false }
            path = path.folder
        }
        return true
    }
}
