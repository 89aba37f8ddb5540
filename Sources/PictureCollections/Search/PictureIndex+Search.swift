public import CLIP
import CLIPCompute

extension PictureIndex {
    /// Finds the pictures that score best for a query, exactly.
    /// - Parameters:
    ///   - query: what to look for.
    ///   - top: how many at most.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    /// - Returns: best first; of equal scores the one that was indexed first.
    /// - Throws: `CLIPError` of kind `.argument` when the query makes no sense, of kind `.index` when the record of a
    ///   hit is damaged: no hit is ever shown with another's path or with a vector that is not its own.
    /// - Complexity: as `nearest(to:top:threads:)`, and the paths of those that come among the best so far.
    public func search(_ query: SearchQuery, top: Int = 10, threads: Int? = nil) throws(CLIPError) -> [SearchHit] {
        try search([query], top: top, threads: threads)[0]
    }

    /// Answers several queries with one reading of the vectors per 128 terms.
    /// - Returns: for each query what it gives alone.
    /// - Complexity: as `nearest(to:top:threads:)` of all terms of all queries.
    public func search(
        _ queries: [SearchQuery], top: Int = 10, threads: Int? = nil
    ) throws(CLIPError) -> [[SearchHit]] {
        let compute = try Compute(threads: threads)
        var results: [[SearchHit]] = []
        var rest = queries[...]
        while !rest.isEmpty {
            var plans: [SearchPlan] = []
            var rows: [Embedding] = []
            while let query = rest.first, rows.isEmpty || rows.count < PictureIndex.queryLimit {
                plans.append(try SearchPlan(query, &rows))
                rest.removeFirst()
            }
            results += try answer(plans, QueryRows(rows, dimension: dimension), top: top, compute)
        }
        return results
    }

    /// What `search(_:top:threads:)` finds, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func hits(
        for query: SearchQuery, top: Int = 10, threads: Int? = nil
    ) async throws(CLIPError) -> [SearchHit] {
        try await withoutBlocking { () throws(CLIPError) in try search(query, top: top, threads: threads) }
    }

    /// What `search(_:top:threads:)` finds for each of several queries, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func hits(
        for queries: [SearchQuery], top: Int = 10, threads: Int? = nil
    ) async throws(CLIPError) -> [[SearchHit]] {
        try await withoutBlocking { () throws(CLIPError) in try search(queries, top: top, threads: threads) }
    }

    private func answer(
        _ plans: [SearchPlan], _ rows: QueryRows, top: Int, _ compute: Compute
    ) throws(CLIPError) -> [[SearchHit]] {
        func empty() -> [TopScores] {
            plans.map { TopScores(capacity: top, least: $0.query.threshold ?? -.infinity) }
        }
        let tops = try scan(rows, compute, initial: empty) { tops, first, products in
            for (index, plan) in plans.enumerated() {
                products.forEach(query: plan.row, reaching: { tops[index].bar }) { row, score in
                    guard file.live.contains(first + row), !plan.excludes({ products[$0, row] }),
                        plan.query.paths.map({ $0.matches(unverifiedPath(of: first + row)) }) ?? true
                    else { return }
                    tops[index].insert(Neighbor(number: first + row, score: score))
                }
            }
        }
        var results: [[SearchHit]] = []
        for (index, plan) in plans.enumerated() {
            var best = empty()[index]
            for state in tops { best.merge(state[index]) }
            var hits: [SearchHit] = []
            for neighbor in best.sorted { hits.append(try hit(neighbor, of: plan.query)) }
            results.append(hits)
        }
        return results
    }

    private func hit(_ neighbor: Neighbor, of query: SearchQuery) throws(CLIPError) -> SearchHit {
        let vector = try embedding(of: neighbor.number).values
        let cosines = query.wanted.map { product($0.embedding.values, vector) }
        let texts = zip(query.wanted, cosines).filter { $0.0.kind == .text && $0.0.weight > 0 }.map(\.1)
        let neutral = query.background.map { product($0.values, vector) }.max()
        let fits = neutral.flatMap { neutral in
            texts.max().map { $0 > neutral && $0 >= query.leastFit ?? -.infinity }
        }
        return SearchHit(
            picture: try picture(neighbor.number), score: neighbor.score, cosines: cosines, fits: fits)
    }
}

/// A query, and which products answer it.
private struct SearchPlan {
    let query: SearchQuery
    /// The row of the products that are its scores.
    let row: Int
    private var rules: [(excluded: Int, rivals: Range<Int>)] = []

    /// - Parameter rows: what has to be multiplied; this query's embeddings are appended.
    init(_ query: SearchQuery, _ rows: inout [Embedding]) throws(CLIPError) {
        try query.check()
        self.query = query
        row = rows.count
        rows.append(query.combined)
        for term in query.excluded {
            let index = rows.count
            rows.append(term.embedding)
            if query.exclusionThreshold == nil { rows += query.rivals(of: term) }
            rules.append((index, index + 1..<rows.count))
        }
    }

    /// - Parameter product: a picture's product with a row.
    func excludes(_ product: (Int) -> Float) -> Bool {
        rules.contains { rule in
            let score = product(rule.excluded)
            if let threshold = query.exclusionThreshold { return score >= threshold }
            return rule.rivals.allSatisfy { product($0) < score }
        }
    }
}

/// The scalar product, summed in double precision.
func product(_ a: [Float], _ b: [Float]) -> Float {
    var sum = 0.0
    for (a, b) in zip(a, b) { sum += Double(a) * Double(b) }
    return Float(sum)
}
