import CLIP
import CLIPSystem

/// Other places for what an index has in one folder.
struct IndexRelocation {
    /// The absolute path of the folder that names are relative to.
    let base: PathBytes
    let from: PathBytes
    let to: PathBytes
    let names: IndexNames

    /// The name of what is in the folder; nil of anything else.
    func newName(_ name: [UInt8]) -> [UInt8]? {
        let path = path(name)
        guard path.isAtOrInside(from) else { return nil }
        let rest = path.relative(to: from)
        return (path == from ? to : to.appending(rest)).relative(to: base)
    }

    /// The name that a record has from now on; nil where one is there of that name, which was read later.
    func name(of record: EntryRecord) -> [UInt8]? {
        guard let name = newName(record.name) else { return record.name }
        return names.find(name) == nil || newName(name) != nil ? name : nil
    }

    func sources(_ sources: IndexSources) -> IndexSources {
        IndexSources(roots: [], excluded: sources.excluded).adding(
            sources.roots.map { root in
                let new = newName(root)
                return new.map { path($0) == base ? [] : $0 } ?? root
            })
    }

    func path(_ name: [UInt8]) -> PathBytes {
        if name.isEmpty { return base }
        return name.first == PathBytes.slash ? PathBytes(name) : base.appending(name)
    }
}

extension IndexFile {
    /// The numbers of all entries that hold.
    var liveEntries: [Int] { segments.flatMap { $0.entries.filter { live.contains($0) } } }
}
