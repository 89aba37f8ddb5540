public import CLIP
import CLIPCompute

/// A picture, and how alone it is.
public struct Outlier: Sendable {
    /// The number of the picture that is alone, in its index.
    public let number: Int
    /// The mean cosine with its nearest others: the lower, the more unlike the rest it is.
    public let similarity: Float
    /// The number of the other picture that is nearest to it.
    public let nearest: Int
}

extension PictureIndex {
    /// Finds the pictures that are least like the others: those with the least mean cosine with their nearest neighbours
    /// (as Angiulli and Pizzuti, 2002, weigh points).
    /// - Parameters:
    ///   - top: how many at most.
    ///   - neighbors: how many others count; fewer when there are not so many. A group of no more pictures that are
    ///     like each other but nothing else stands out too.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: called with how many pictures were compared, of how many.
    /// - Returns: the least like the others first.
    /// - Complexity: O(pictures² · dimension) products, of whole numbers where that suffices. Memory: a copy of the vectors,
    ///   and a byte a number.
    public func findOutliers(
        top: Int = 10, neighbors: Int = 5, threads: Int? = nil,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(CLIPError) -> [Outlier] {
        guard neighbors > 0 else { throw CLIPError(.argument, "\(neighbors) neighbors, expected at least 1") }
        let compute = try Compute(threads: threads)
        let vectors = try VectorCopy(self, numbers: pictureNumbers)
        let numbers = vectors.numbers
        var worst = TopScores(capacity: top)
        var nearest: [Int: Int] = [:]
        try NearVectors(vectors, compute).forEachNearest(neighbors + 1, progress: { progress($0, numbers.count) }) {
            position, found in
            let others = found.filter { $0.number != position }.prefix(neighbors)
            guard let first = others.first else { return }
            let mean = others.reduce(0) { $0 + $1.score } / Float(others.count)
            nearest[numbers[position]] = numbers[first.number]
            worst.insert(Neighbor(number: numbers[position], score: -mean))
        }
        return worst.sorted.map { Outlier(number: $0.number, similarity: -$0.score, nearest: nearest[$0.number] ?? -1) }
    }

    /// What `findOutliers(top:neighbors:threads:progress:)` finds, without blocking the caller's executor.
    /// - Parameters:
    ///   - top: how many at most.
    ///   - neighbors: how many others count.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    ///   - progress: called on a thread of the library.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func outliers(
        top: Int = 10, neighbors: Int = 5, threads: Int? = nil,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(CLIPError) -> [Outlier] {
        try await withoutBlocking { () throws(CLIPError) in
            try findOutliers(top: top, neighbors: neighbors, threads: threads, progress: progress)
        }
    }
}
