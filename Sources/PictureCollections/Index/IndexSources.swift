import CLIP
import CLIPJSON
import CLIPSystem

/// Whence the pictures of an index come, as its file has it: FORMAT.md, "Sources".
struct IndexSources: Equatable {
    /// Folders and single pictures, as names of entries: relative to the folder of the index, which is empty itself, or absolute.
    var roots: [[UInt8]]
    /// Patterns of what is left out of them.
    var excluded: [String]

    /// As JSON. A name that is not UTF-8 is a list of its bytes.
    var bytes: [UInt8] {
        let names = roots.map { root in
            let numbers = root.map { "\($0)" }.joined(separator: ",")
            return String(validating: root, as: UTF8.self).map { jsonString($0) } ?? "[\(numbers)]"
        }
        let patterns = excluded.map { jsonString($0) }
        return Array(
            "{\"roots\":[\(names.joined(separator: ","))],\"excluded\":[\(patterns.joined(separator: ","))]}".utf8)
    }

    init(roots: [[UInt8]], excluded: [String]) {
        self.roots = roots
        self.excluded = excluded
    }

    /// nil for what is none.
    init?(_ bytes: [UInt8]) {
        guard let value = try? JSONValue(parsing: bytes), let names = value["roots"]?.array,
            let excluded = value["excluded"]?.array
        else { return nil }
        roots = []
        for name in names {
            let bytes = name.array?.compactMap { $0.int.flatMap { UInt8(exactly: $0) } }
            guard let root = name.string.map({ Array($0.utf8) }) ?? bytes else { return nil }
            roots.append(root)
        }
        self.excluded = excluded.compactMap(\.string)
    }

    /// The same with more roots; what lies inside another is that one's.
    func adding(_ more: [[UInt8]]) -> IndexSources {
        var all: [[UInt8]] = []
        for root in roots + more where !all.contains(where: { IndexSources.isAtOrInside(root, $0) }) {
            all.removeAll { IndexSources.isAtOrInside($0, root) }
            all.append(root)
        }
        return IndexSources(roots: all, excluded: excluded)
    }

    private static func isAtOrInside(_ name: [UInt8], _ folder: [UInt8]) -> Bool {
        if folder.isEmpty { return name.first != PathBytes.slash }
        return PathBytes(name).isAtOrInside(PathBytes(folder))
    }
}
