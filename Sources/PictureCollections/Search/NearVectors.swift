import CLIP
import CLIPCompute

/// Two vectors that are near each other.
struct NearPair: Sendable {
    /// Positions in a `VectorCopy`, the earlier first.
    let first: Int
    let second: Int
    /// Their product.
    let score: Float
}

/// Vectors beside the same in whole numbers, which tell which of them may be near each other.
struct NearVectors {
    private let vectors: VectorCopy
    /// Nil when there are no vectors.
    private let coarse: CoarseVectors?
    private let compute: Compute

    /// Vectors that are multiplied with others at once.
    private static let queryCount = 256

    /// Memory: a byte a number.
    init(_ vectors: VectorCopy, _ compute: Compute) throws(CLIPError) {
        self.vectors = vectors
        self.compute = compute
        coarse = vectors.coarse(compute)
        try checkCancellation()
    }

    /// Finds the pairs whose product reaches a threshold, exactly.
    ///
    /// Some positions are queries together; then `body` is called for each of them in turn. What it has said until then
    /// may spare positions that come later.
    /// - Parameters:
    ///   - isSpared: whether a position needs not be looked at: its pairs with later ones are not wanted.
    ///   - body: takes a position that is not spared, and its pairs with later positions in their order. Pairs of the
    ///     position with earlier ones were handed over with those.
    /// - Complexity: O(n² / 2 · dimension) products. Memory: the pairs of 256 positions.
    func forEachPair(
        reaching threshold: Float, isSpared: (Int) -> Bool = { _ in false },
        progress: (Int) -> Void = { _ in }, _ body: (_ position: Int, _ pairs: ArraySlice<NearPair>) -> Void
    ) throws(CLIPError) {
        guard let coarse else { return }
        let numbers = vectors.numbers
        var position = 0
        while position < numbers.count {
            var positions: [Int] = []
            while position < numbers.count, positions.count < NearVectors.queryCount {
                if !isSpared(position) { positions.append(position) }
                position += 1
            }
            guard let first = positions.first else { break }
            let queries = try vectors.rows(positions)
            let found = compute.scan(
                queries.matrix, coarse, from: first, initial: { [NearPair]() }, reaching: { _, _ in threshold }
            ) { pairs, query, other, score in
                guard other > positions[query] else { return }
                pairs.append(NearPair(first: positions[query], second: other, score: score))
            }
            withExtendedLifetime(queries) {}
            try checkCancellation()
            let pairs = found.flatMap { $0 }.sorted { ($0.first, $0.second) < ($1.first, $1.second) }
            var next = 0
            for position in positions {
                let start = next
                while next < pairs.count, pairs[next].first == position { next += 1 }
                if !isSpared(position) { body(position, pairs[start..<next]) }
            }
            progress(position)
        }
    }

    /// Finds the vectors that are nearest to each, itself among them, exactly.
    /// - Parameter body: takes a position, and the nearest positions with their products, the nearest first.
    /// - Complexity: O(n² · dimension) products.
    func forEachNearest(
        _ count: Int, progress: (Int) -> Void,
        _ body: (_ position: Int, _ found: [Neighbor]) -> Void
    ) throws(CLIPError) {
        guard let coarse else { return }
        let numbers = vectors.numbers
        for start in stride(from: 0, to: numbers.count, by: NearVectors.queryCount) {
            try checkCancellation()
            let positions = start..<min(start + NearVectors.queryCount, numbers.count)
            let queries = try vectors.rows(Array(positions))
            let tops = compute.scan(
                queries.matrix, coarse, initial: { positions.map { _ in TopScores(capacity: count) } },
                reaching: { $0[$1].bar }
            ) { tops, query, other, score in
                tops[query].insert(Neighbor(number: other, score: score))
            }
            withExtendedLifetime(queries) {}
            try checkCancellation()
            for position in positions {
                var best = TopScores(capacity: count)
                for state in tops { best.merge(state[position - start]) }
                body(position, best.sorted)
            }
            progress(positions.upperBound)
        }
    }
}
