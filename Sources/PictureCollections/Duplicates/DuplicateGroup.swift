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

    /// The largest by pixels, then by bytes; of equals one that other names or links lead to, then the one with the
    /// shortest path.
    public let kept: IndexedPicture
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
