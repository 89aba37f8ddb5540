/// Pictures that show the same, one of which is kept.
public struct DuplicateGroup: Sendable {
    /// A picture of a group that need not be kept.
    public struct Duplicate: Sendable {
        /// The picture that need not be kept.
        public let picture: IndexedPicture
        /// Other names of the same file in the index: hard links, or paths through another mount.
        public let otherNames: [IndexedPicture]
        /// The cosine with the one that is kept; 1 for the same bytes.
        public let similarity: Float
        /// Whether its file has the same bytes as the one that is kept.
        public let isExact: Bool
        /// A symbolic link of the index that leads to it, if there is one: it must stay where it is.
        public let link: IndexedPicture?
    }

    /// The one that is kept, by a `KeepingRule`.
    public let kept: IndexedPicture
    /// Other names of the file that is kept, as of a duplicate.
    public let otherNamesOfKept: [IndexedPicture]
    /// A symbolic link of the index that leads to the file that is kept, as of a duplicate.
    public let linkToKept: IndexedPicture?
    /// Whether the picture that is kept is in a reference folder: whatever is decided, it stays.
    public let isKeptReference: Bool
    /// The others, in the order of the same rule. Each is near enough to the kept one itself, not only to another.
    public let duplicates: [Duplicate]
}

/// Why a picture of an index is not looked at for duplicates.
public enum LeftOutPicture: Sendable, Equatable {
    /// The picture is a symbolic link to another, no file of its own.
    case link
    /// The picture's file is gone.
    case gone
    /// The picture's file can't be looked at, and why.
    case unknown(String)
}
