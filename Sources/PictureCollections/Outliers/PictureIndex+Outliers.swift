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
    /// - Returns: the least like the others first.
    /// - Complexity: O(pictures² · dimension) products.
    public func findOutliers(
        top: Int = 10, neighbors: Int = 5, threads: Int? = nil,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws(CLIPError) -> [Outlier] {
        guard neighbors > 0 else { throw CLIPError(.argument, "\(neighbors) neighbors, expected at least 1") }
        let compute = try Compute(threads: threads)
        let numbers = pictureNumbers
        var worst = TopScores(capacity: top)
        var nearest: [Int: Int] = [:]
        for start in stride(from: 0, to: numbers.count, by: PictureIndex.queryLimit) {
            let part = numbers[start..<min(start + PictureIndex.queryLimit, numbers.count)]
            let queries = try part.map { number throws(CLIPError) in try embedding(of: number) }
            for (number, found) in zip(part, try self.nearest(to: queries, top: neighbors + 1, compute)) {
                let others = found.filter { $0.number != number }.prefix(neighbors)
                guard let first = others.first else { continue }
                let mean = others.reduce(0) { $0 + $1.score } / Float(others.count)
                nearest[number] = first.number
                worst.insert(Neighbor(number: number, score: -mean))
            }
            progress(start + part.count, numbers.count)
        }
        return worst.sorted.map { Outlier(number: $0.number, similarity: -$0.score, nearest: nearest[$0.number] ?? -1) }
    }

    /// What `findOutliers(top:neighbors:threads:progress:)` finds, without blocking the caller's executor.
    /// - Parameter progress: called on a thread of the library.
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
