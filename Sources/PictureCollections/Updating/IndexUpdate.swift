public import CLIP
package import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// What bringing an index up to date did.
public struct IndexUpdate: Sendable, Equatable {
    /// Pictures that are new.
    public var added = 0
    /// Pictures whose file has other contents than before.
    public var changed = 0
    /// Pictures that are at another path than before: their embedding was kept.
    public var moved = 0
    /// New pictures whose file has the same bytes as another's: its embedding was taken. They count as added too.
    public var copied = 0
    /// Pictures that are gone.
    public var deleted = 0
    /// Pictures that are as they were.
    public var unchanged = 0
    /// Files that can't be read or decoded, those of earlier runs included.
    public var unreadable = 0
    /// Those of them that this run came upon, by path, and why.
    public var newlyUnreadable: [UnreadablePicture] = []
    /// Folders that can't be read, files that can't be examined, and why: what the index has there was kept.
    public var unreachable: [UnreadablePicture] = []
    /// Folders that hold no pictures any more or are missing, where the index has several, as when a disk isn't mounted:
    /// what it has was kept, unless `PictureIndexer.allowsEmptyFolders`.
    public var emptiedFolders: [EmptiedFolder] = []
    /// Files in the folders that are no pictures, or of a kind that can't be read.
    public var skipped: [SkippedFiles] = []
    /// Whether the file had lost its end, to a run that was cut short or in copying: what stood there was indexed anew, if
    /// it is in the folders.
    public var wasCutShort = false
    /// Damaged records that were dropped.
    public var dropped = 0
    /// Whether the file was rewritten to give back space.
    public var wasCompacted = false

    init() {}
}

/// A folder without pictures, of which an index has several.
public struct EmptiedFolder: Sendable, Equatable {
    package let location: PathBytes
    /// Pictures that the index has in it.
    public let pictureCount: Int
    /// Whether the folder itself isn't there any more.
    public var isMissing = false

    /// Where the folder is, or was.
    public var url: URL { location.url }
    package var path: String { location.text }
}

/// How far bringing an index up to date has come.
public struct IndexProgress: Sendable {
    /// Files that are done.
    public let done: Int
    /// Files that are new or changed.
    public let total: Int
}
