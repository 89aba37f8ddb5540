public import CLIP
import CLIPCompute

/// What pictures of a data set must show and must not.
public struct PictureFilter: Sendable {
    /// A picture is kept when it shows one of these: its cosine with it reaches `threshold`, or without a threshold is
    /// greater than with every one of `background` and at least `leastFit`.
    public var keep: [Embedding]
    /// A picture is dropped when it shows one of these in the same way and matches it better than all it should show.
    public var drop: [Embedding]
    /// The cosine from which a picture shows something.
    public var threshold: Float?
    /// Prompts that fit any picture: `SearchQuery.backgroundEmbeddings(of:)`.
    public var background: [Embedding]
    /// The least cosine of what a picture shows where there is no `threshold`, of a model for which that was measured.
    public var leastFit: Float?

    /// A filter. Without anything to keep, all is kept but what is dropped.
    public init(
        keep: [Embedding], drop: [Embedding], threshold: Float? = nil, background: [Embedding] = [],
        leastFit: Float? = nil
    ) {
        self.keep = keep
        self.drop = drop
        self.threshold = threshold
        self.background = background
        self.leastFit = leastFit
    }
}

/// What a filter says of a picture.
public struct FilterVerdict: Sendable {
    /// The number of the weighed picture in its index.
    public let number: Int
    /// The greatest cosine with what should be kept; nil when nothing was named.
    public let keep: Float?
    /// The greatest cosine with what should be dropped; nil when nothing was named.
    public let drop: Float?
    /// Whether the picture is kept by the filter.
    public let isKept: Bool
}

extension PictureIndex {
    /// Weighs every picture.
    /// - Returns: a verdict per picture, in the order of their numbers.
    /// - Throws: `CLIPError` of kind `.argument` when there is nothing to compare with.
    /// - Complexity: O(texts · pictures · dimension) products, in one reading of the vectors.
    public func filter(_ filter: PictureFilter, threads: Int? = nil) throws(CLIPError) -> [FilterVerdict] {
        guard !filter.keep.isEmpty || !filter.drop.isEmpty else {
            throw CLIPError(.argument, "nothing to filter by: name what to keep or to drop")
        }
        guard filter.threshold != nil || !filter.background.isEmpty else {
            throw CLIPError(.argument, "neither a threshold nor background prompts to compare with")
        }
        let rows = try QueryRows(filter.keep + filter.drop + filter.background, dimension: dimension)
        let keeps = 0..<filter.keep.count
        let drops = keeps.upperBound..<keeps.upperBound + filter.drop.count
        let neutral = drops.upperBound..<drops.upperBound + filter.background.count
        let verdicts = try scan(rows, try Compute(threads: threads), initial: { [FilterVerdict]() }) {
            verdicts, first, products in
            for row in 0..<products.rowCount where file.live.contains(first + row) {
                func best(_ queries: Range<Int>) -> Float? { queries.map { products[$0, row] }.max() }
                let (keep, drop) = (best(keeps), best(drops))
                let shows = { (score: Float) in
                    filter.threshold.map { score >= $0 }
                        ?? (score > best(neutral) ?? -.infinity && score >= filter.leastFit ?? -.infinity)
                }
                let isWanted = keep.map(shows) ?? true
                let isUnwanted = drop.map { shows($0) && $0 > keep ?? -.infinity } ?? false
                verdicts.append(
                    FilterVerdict(number: first + row, keep: keep, drop: drop, isKept: isWanted && !isUnwanted))
            }
        }
        return verdicts.flatMap { $0 }.sorted { $0.number < $1.number }
    }

    /// What `filter(_:threads:)` says, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func verdicts(
        of filter: PictureFilter, threads: Int? = nil
    ) async throws(CLIPError) -> [FilterVerdict] {
        try await withoutBlocking { () throws(CLIPError) in try self.filter(filter, threads: threads) }
    }
}
