import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension PictureIndex {
    /// Drops from an index the pictures whose file is gone and what is damaged, and rewrites it without them
    /// and without what holds no longer.
    /// - Parameters:
    ///   - url: the index.
    ///   - waits: whether to wait for another process that writes it, rather than refuse.
    ///   - allowsEmpty: whether all may be gone. Else that is told and nothing dropped, if they are several: a disk may not
    ///     be mounted.
    /// - Throws: `CLIPError` of kind `.index`; the index is then as it was before.
    /// - Complexity: O(file size).
    public static func prune(
        _ url: URL, waits: Bool = false, allowsEmpty: Bool = false
    ) throws(CLIPError) -> IndexUpdate {
        try prune(path: try PathBytes(ofIndex: url), waits: waits, allowsEmpty: allowsEmpty)
    }

    package static func prune(path: PathBytes, waits: Bool, allowsEmpty: Bool) throws(CLIPError) -> IndexUpdate {
        let log = try IndexLog(path: path, header: nil, waits: waits)
        let index = PictureIndex(log.snapshot)
        var update = IndexUpdate()
        update.wasCutShort = log.wasCutShort
        var gone: [Int] = []
        for segment in log.snapshot.segments {
            for entry in segment.entries where log.snapshot.live.contains(entry) {
                try checkCancellation()
                let path = log.snapshot.withName(entry) { index.pathBytes(Array($0)) }
                if let path, PathBytes(path).isAbsent { gone.append(entry) }
            }
        }
        let all = log.snapshot.live.vectorCount + log.snapshot.live.failureCount
        if gone.count == all, all >= FolderComparison.manyPictures, !allowsEmpty {
            update.emptiedFolders = [EmptiedFolder(location: path.folder, pictureCount: all)]
            gone = []
        }
        try log.append(pictures: [], removals: gone)
        try log.seal()
        let snapshot = try log.reread()
        update.deleted = gone.count
        update.dropped = try log.compact().damagedCount
        update.wasCompacted = true
        update.unchanged = update.emptiedFolders.isEmpty ? snapshot.live.vectorCount : 0
        update.unreadable = snapshot.live.failureCount
        return update
    }
}
