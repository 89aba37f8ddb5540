import CLIP
import CLIPCompute

extension Compute {
    /// The rows of a matrix nearest to each of some points, exactly, as a `PictureIndex` finds them.
    /// - Parameter vectors: `[count, dimension]`.
    /// - Returns: for each query at most `top` rows, best first.
    /// - Throws: `CLIPError` of kind `.argument` for a query of another dimension.
    package func nearest(
        to queries: [Embedding], in vectors: PanelPackedMatrix, top: Int
    ) throws(CLIPError) -> [[Neighbor]] {
        let rows = try QueryRows(queries, dimension: vectors.inputs)
        let starts = Array(stride(from: 0, to: vectors.outputs, by: PictureIndex.blockRows))
        let tops = scan(
            rows.start, queryCount: rows.count, queryStride: rows.stride,
            blocks: starts.map {
                PanelRows(vectors, rows: $0..<min($0 + PictureIndex.blockRows, vectors.outputs))
            }, initial: { queries.map { _ in TopScores(capacity: top) } }
        ) { tops, block, products, stride in
            let count = min(PictureIndex.blockRows, vectors.outputs - starts[block])
            let products = BlockProducts(start: products, stride: stride, rowCount: count)
            for query in tops.indices {
                products.forEach(query: query, reaching: { tops[query].bar }) { row, score in
                    tops[query].insert(Neighbor(number: starts[block] + row, score: score))
                }
            }
        }
        return queries.indices.map { query in
            var best = TopScores(capacity: top)
            for state in tops { best.merge(state[query]) }
            return best.sorted
        }
    }
}
