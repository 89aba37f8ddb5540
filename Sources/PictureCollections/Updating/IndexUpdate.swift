public import CLIP
import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// What bringing an index up to date did.
public struct IndexUpdate: Sendable, Equatable {
    /// How many pictures are new.
    public var added = 0
    /// How many pictures have a file with other contents than before.
    public var changed = 0
    /// How many pictures are at another path than before: their embedding was kept.
    public var moved = 0
    /// How many new pictures have a file of the same bytes as another, whose embedding was taken. They count as added too.
    public var copied = 0
    /// How many pictures are gone.
    public var deleted = 0
    /// How many pictures are as they were.
    public var unchanged = 0
    /// How many files can't be read or decoded, those of earlier runs included.
    public var unreadable = 0
    /// The files that can't be read or decoded which this run came upon, and why.
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
    /// How many damaged records were dropped.
    public var dropped = 0
    /// Whether the file was rewritten to give back space.
    public var wasCompacted = false

    init() {}
}

/// A folder without pictures, of which an index has several.
public struct EmptiedFolder: Sendable, Equatable {
    package let location: PathBytes
    /// How many pictures the index has in the folder.
    public let pictureCount: Int
    /// Whether the folder itself isn't there any more.
    public var isMissing = false

    /// Where the empty folder is, or was.
    public var url: URL { location.url }
    package var path: String { location.text }
}

/// How far bringing an index up to date has come.
public struct IndexProgress: Sendable {
    /// How many of the new or changed files are done.
    public let done: Int
    /// How many files are new or changed.
    public let total: Int
}
