public import CLIP
import CLIPSystem

extension PictureIndex {
    /// Drops from the index at `path` the pictures whose file is gone and what is damaged, and rewrites it without them
    /// and without what holds no longer.
    /// - Parameter waits: whether to wait for another process that writes it, rather than refuse.
    /// - Throws: `CLIPError` of kind `.index`; the index is then as it was before.
    /// - Complexity: O(file size).
    public static func prune(path: String, waits: Bool = false) throws(CLIPError) -> IndexUpdate {
        let log = try IndexLog(path: path, header: nil, waits: waits)
        let index = PictureIndex(log.snapshot)
        var gone: [Int] = []
        for segment in log.snapshot.segments {
            for entry in segment.entries where log.snapshot.live.contains(entry) {
                let path = log.snapshot.withName(entry) { index.pathBytes(Array($0)) }
                if let path, PathBytes(path).isAbsent { gone.append(entry) }
            }
        }
        try log.append(pictures: [], removals: gone)
        try log.seal()
        let snapshot = try log.reread()
        var update = IndexUpdate()
        update.deleted = gone.count
        update.dropped = try log.compact().damagedCount
        update.wasCompacted = true
        update.unchanged = snapshot.live.vectorCount
        update.unreadable = snapshot.live.failureCount
        return update
    }
}
