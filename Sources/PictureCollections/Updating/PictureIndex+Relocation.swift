import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension PictureIndex {
    /// Takes what an index has in one folder for what is in another, as after a library went to another disk, or its disk is mounted
    /// elsewhere. No picture is read: bringing the index up to date afterwards reads those whose times are others, and embeds none
    /// that is as it was.
    ///
    /// An index that lies in the folder itself needs it only for what it has outside. The file is rewritten, and appears whole or not at
    /// all.
    /// - Parameters:
    ///   - url: the index.
    ///   - former: where the folder was, as the index shows it; nothing need be there any more.
    ///   - folder: where it is now.
    ///   - waits: whether to wait for another process that writes the index, rather than refuse.
    /// - Returns: how many pictures were taken for others, those that could not be read included.
    /// - Throws: `CLIPError` of kind `.index` when the index has nothing in the former folder, or none of it is in the other; of kind
    ///   `.argument` when there is no such folder. The index is then as it was before.
    /// - Complexity: O(file size).
    @discardableResult
    public static func relocate(
        _ url: URL, from former: URL, to folder: URL, waits: Bool = false
    ) throws(CLIPError) -> Int {
        try relocate(
            path: try PathBytes(ofIndex: url), from: try PathBytes(ofFile: former), to: try PathBytes(ofFile: folder),
            waits: waits)
    }

    /// What `relocate(_:from:to:waits:)` does, without blocking the caller's executor.
    /// - Parameters:
    ///   - url: the index.
    ///   - former: where the folder was, as the index shows it.
    ///   - folder: where it is now.
    ///   - waits: whether to wait for another process that writes the index, rather than refuse.
    /// - Returns: how many pictures were taken for others.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    @discardableResult
    public static func relocated(
        _ url: URL, from former: URL, to folder: URL, waits: Bool = false
    ) async throws(CLIPError) -> Int {
        try await withoutBlocking { () throws(CLIPError) in
            try relocate(url, from: former, to: folder, waits: waits)
        }
    }

    package static func relocate(
        path: PathBytes, from former: PathBytes, to folder: PathBytes, waits: Bool
    ) throws(CLIPError) -> Int {
        let target = try folder.resolvedArgument()
        guard target.kind == .folder else { throw CLIPError(.argument, path: folder.text, "is no folder") }
        let log = try IndexLog(path: path, header: nil, waits: waits)
        let base = try log.folder()
        let entries = log.snapshot.liveEntries
        for place in former.formerPlaces where place != target {
            let relocation = IndexRelocation(base: base, from: place, to: target, names: IndexNames(log.snapshot))
            let moved = entries.filter { log.snapshot.withName($0) { relocation.newName(Array($0)) } ?? nil != nil }
            guard !moved.isEmpty else { continue }
            let isAnyThere = moved.contains { entry in
                let name = log.snapshot.withName(entry) { relocation.newName(Array($0)) } ?? nil
                return name.map { !relocation.path($0).isAbsent } ?? false
            }
            guard isAnyThere else {
                throw CLIPError(
                    .index, path: log.path,
                    "none of the \(moved.count) pictures that it has in \(former.text) is in \(folder.text): name the folder "
                        + "that holds now what that one held")
            }
            _ = try log.compact(relocation)
            return moved.count
        }
        let folders = PictureIndex(log.snapshot).sourcePaths.prefix(8).map(\.text)
        throw CLIPError(
            .index, path: log.path,
            "has nothing in \(former.text)" + (folders.isEmpty ? "" : ": it is of \(folders.joined(separator: ", "))"))
    }
}

extension PathBytes {
    /// The absolute paths that a folder may have had here: where it leads now, as far as anything is there, and as it is written.
    fileprivate var formerPlaces: [PathBytes] {
        var written = PathBytes(bytes)
        if let current = try? PathBytes(".").resolved() {
            let parts = bytes.split(separator: PathBytes.slash).filter { $0 != [UInt8(ascii: ".")] }
            let start = bytes.first == PathBytes.slash ? PathBytes([PathBytes.slash]) : current
            written = parts.reduce(start) { $1.elementsEqual("..".utf8) ? $0.folder : $0.appending($1) }
        }
        let resolved = written.resolvedAsFarAsThere
        return resolved == written ? [written] : [resolved, written]
    }

    private var resolvedAsFarAsThere: PathBytes {
        if let resolved = try? resolved() { return resolved }
        return folder == self ? self : folder.resolvedAsFarAsThere.appending(name)
    }
}
