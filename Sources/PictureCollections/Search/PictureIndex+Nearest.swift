import CLIP
import CLIPCompute

extension PictureIndex {
    /// Rows of a block: their products stay in a cache until they have been looked at.
    static let blockRows = 512
    /// Queries that are multiplied at once.
    static let queryLimit = 128

    /// The pictures nearest to each of some points, exactly: every vector is multiplied with every query.
    ///
    /// Scores are the same to the bit for any number of queries and threads on one instruction set; pictures of equal
    /// score come in the order of their numbers.
    /// - Parameters:
    ///   - queries: each `[dimension]`, of length 1 where scores are to be cosines.
    ///   - top: how many per query.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    /// - Returns: for each query at most `top` pictures, best first.
    /// - Throws: `CLIPError` of kind `.argument` for a query of another dimension, or threads that can't be.
    /// - Complexity: O(queries · pictures · dimension) products; one query reads every vector once, which memory limits,
    ///   128 queries share that reading. Memory: 512 products a query and thread.
    public func findNearest(
        to queries: [Embedding], top: Int, threads: Int? = nil
    ) throws(CLIPError) -> [[Neighbor]] {
        try nearest(to: queries, top: top, try Compute(threads: threads))
    }

    /// What `findNearest(to:top:threads:)` finds, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func nearest(
        to queries: [Embedding], top: Int, threads: Int? = nil
    ) async throws(CLIPError) -> [[Neighbor]] {
        try await withoutBlocking { () throws(CLIPError) in try findNearest(to: queries, top: top, threads: threads) }
    }

    func nearest(to queries: [Embedding], top: Int, _ compute: Compute) throws(CLIPError) -> [[Neighbor]] {
        var results: [[Neighbor]] = []
        for start in stride(from: 0, to: queries.count, by: PictureIndex.queryLimit) {
            let part = queries[start..<min(start + PictureIndex.queryLimit, queries.count)]
            let scanned = try QueryRows(part, dimension: dimension)
            let tops = try scan(scanned, compute, initial: { part.map { _ in TopScores(capacity: top) } }) {
                tops, first, products in
                for query in tops.indices {
                    products.forEach(query: query, reaching: { tops[query].bar }) { row, score in
                        guard file.live.contains(first + row) else { return }
                        tops[query].insert(Neighbor(number: first + row, score: score))
                    }
                }
            }
            results += part.indices.map { query in
                var best = TopScores(capacity: top)
                for state in tops { best.merge(state[query - start]) }
                return best.sorted
            }
        }
        return results
    }

    /// Multiplies all vectors with some queries and hands on the products of each block.
    /// - Parameter body: takes a thread's state, the number of the block's first picture, and the products.
    /// - Throws: `CLIPError` of kind `.cancelled`, after the blocks that are being multiplied.
    func scan<State>(
        _ queries: QueryRows, _ compute: Compute, initial: () -> State,
        _ body: (_ state: inout State, _ first: Int, _ products: BlockProducts) -> Void
    ) throws(CLIPError) -> [State] {
        var blocks: [PanelRows] = []
        var firsts: [Int] = []
        for segment in file.segments {
            guard let vectors = file.vectors(of: segment) else { continue }
            for row in stride(from: 0, to: vectors.outputs, by: PictureIndex.blockRows) {
                blocks.append(PanelRows(vectors, rows: row..<min(row + PictureIndex.blockRows, vectors.outputs)))
                firsts.append(segment.header.firstEntry + row)
            }
        }
        let states = compute.scan(queries.matrix, blocks: blocks, initial: initial) { state, block, products in
            body(&state, firsts[block], BlockProducts(products, rowCount: blocks[block].rows.count))
        }
        try checkCancellation()
        return states
    }
}

/// Queries where kernels find them: `[count, dimension]`, rows an odd number of cache lines apart.
struct QueryRows: Sendable {
    private let rows: Activations

    /// - Throws: when one is not of the dimension.
    init(_ queries: some Collection<Embedding>, dimension: Int) throws(CLIPError) {
        rows = Activations(rows: queries.count, columns: dimension)
        for (index, query) in queries.enumerated() {
            guard query.values.count == dimension else {
                throw CLIPError(
                    .argument,
                    "a query of \(query.values.count) values, the index holds vectors of \(dimension): "
                        + "it is of another model")
            }
            rows.row(index).update(from: query.values, count: dimension)
        }
    }

    var count: Int { rows.rows }
    /// `[count, dimension]`.
    var matrix: Rows<Float> { Rows(rows.all) }
}

/// The products of some queries with a block of vectors: `[queries, rowCount]`.
struct BlockProducts {
    let all: Rows<Float>
    let rowCount: Int

    init(_ products: Rows<Float>, rowCount: Int) {
        all = products
        self.rowCount = rowCount
    }

    @inline(__always)
    subscript(query: Int, row: Int) -> Float { all[query][row] }

    /// Calls `body` for each row of a query whose product reaches a bar, which may rise meanwhile.
    @inline(__always)
    func forEach(query: Int, reaching bar: () -> Float, _ body: (_ row: Int, _ product: Float) -> Void) {
        let products = all[query]
        var row = 0
        // Almost all are below: eight are passed at a time.
        while row + 8 <= rowCount {
            let eight = UnsafeRawPointer(products + row).loadUnaligned(as: SIMD8<Float>.self)
            if any(eight .>= SIMD8(repeating: bar())) {
                for lane in 0..<8 where eight[lane] >= bar() { body(row + lane, eight[lane]) }
            }
            row += 8
        }
        while row < rowCount {
            if products[row] >= bar() { body(row, products[row]) }
            row += 1
        }
    }
}
