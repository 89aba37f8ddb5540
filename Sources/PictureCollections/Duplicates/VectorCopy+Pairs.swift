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

extension VectorCopy {
    /// Vectors that are multiplied with all later ones at once.
    private static let queryCount = 256

    /// Finds the pairs whose product reaches a threshold, exactly.
    ///
    /// Some positions are queries together; then `body` is called for each of them in turn. What it has said until then
    /// may spare positions that come later.
    /// - Parameters:
    ///   - isSpared: whether a position needs not be looked at: its pairs with later ones are not wanted.
    ///   - body: takes a position that is not spared, and its pairs with later positions in their order. Pairs of the
    ///     position with earlier ones were handed over with those.
    /// - Complexity: O(n² / 2 · dimension) products. Memory: a byte a number, and the pairs of 256 positions.
    func forEachPair(
        reaching threshold: Float, _ compute: Compute, isSpared: (Int) -> Bool = { _ in false },
        progress: (Int) -> Void = { _ in }, _ body: (_ position: Int, _ pairs: ArraySlice<NearPair>) -> Void
    ) throws(CLIPError) {
        guard let coarse = coarse(compute) else { return }
        try checkCancellation()
        var position = 0
        while position < numbers.count {
            var positions: [Int] = []
            while position < numbers.count, positions.count < VectorCopy.queryCount {
                if !isSpared(position) { positions.append(position) }
                position += 1
            }
            guard let first = positions.first else { break }
            let queries = try rows(positions)
            let found = compute.scan(
                queries.matrix, coarse, from: first, reaching: threshold, initial: { [NearPair]() }
            ) { pairs, query, other, score in
                guard other > positions[query] else { return }
                pairs.append(NearPair(first: positions[query], second: other, score: score))
            }
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
}
