public import CLIP
import CLIPCompute

/// Pictures that belong together.
public struct PictureCluster: Sendable {
    /// The pictures' numbers in the index, the nearest to the middle first.
    public let numbers: [Int]
    /// The cosines of the pictures with the middle, in the order of `numbers`.
    public let similarities: [Float]
    /// The middle: the direction of the mean of the pictures' embeddings, of length 1.
    public let centroid: Embedding

    /// The picture nearest to the middle: the one to show.
    public var medoid: Int { numbers[0] }

    /// The labels whose embeddings are nearest to the middle, and their cosines with it.
    /// - Parameters:
    ///   - labels: of length 1, such as `CLIPModel.embed("a photo of a …")` gives them.
    ///   - top: how many.
    /// - Complexity: O(labels · dimension).
    public func nearestLabels(
        _ labels: [(label: String, embedding: Embedding)], top: Int = 3
    ) -> [(label: String, similarity: Float)] {
        let scored = labels.map { ($0.label, centroid.similarity(to: $0.embedding)) }
        return Array(
            scored.enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }.map(\.element)
                .prefix(top))
    }
}

/// What clustering found.
public struct PictureClusters: Sendable {
    /// The clusters, the largest first.
    public let clusters: [PictureCluster]
    /// The numbers of the pictures that belong to no cluster, which density clustering alone leaves.
    public let noise: [Int]
    /// Rounds until nothing changed any more, or until they were stopped.
    public let rounds: Int
    /// Whether no picture changed its cluster any more when clustering ended.
    public let isSettled: Bool

    /// - Parameter members: for each cluster the positions of its vectors, none of them empty.
    init(
        members: [[Int]], vectors: VectorCopy, noise: [Int], rounds: Int, isSettled: Bool, _ compute: Compute
    ) throws(CLIPError) {
        clusters = zip(members, try vectors.means(of: members, compute)).map { positions, centroid in
            let scored = positions.map { position in
                Neighbor(number: vectors.numbers[position], score: product(vectors.vector(position), centroid.values))
            }.sorted { $1.isWorse(than: $0) }
            return PictureCluster(
                numbers: scored.map(\.number), similarities: scored.map(\.score), centroid: centroid)
        }.sorted { ($1.numbers.count, $0.numbers[0]) < ($0.numbers.count, $1.numbers[0]) }
        self.noise = noise
        self.rounds = rounds
        self.isSettled = isSettled
    }
}
