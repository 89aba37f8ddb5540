/// Pictures that show the same, one of which is kept.
public struct DuplicateGroup: Sendable {
    /// One that need not be kept.
    public struct Duplicate: Sendable {
        /// The picture.
        public let picture: IndexedPicture
        /// The cosine with the one that is kept; 1 for the same bytes.
        public let similarity: Float
        /// Whether its file has the same bytes as the one that is kept.
        public let isExact: Bool
    }

    /// The largest by pixels, then by bytes, then the one that was indexed first.
    public let kept: IndexedPicture
    /// The others, in the order of the same rule. Each is near enough to the kept one itself, not only to another.
    public let duplicates: [Duplicate]
}
