/// Where the tokens of one sequence lie among the rows of a transformer.
struct TokenSequence {
    /// The rows of its tokens, run after run: first those that it shares with sequences before it, then its own.
    let rows: [Range<Int>]
    /// The rows that are computed for its sake.
    let ownRows: Range<Int>
    /// The row of the token whose state is wanted. Where attention is causal it is the last of `rows`.
    let pooledRow: Int
    /// How many tokens stand before the first of its own.
    let sharedCount: Int

    /// A sequence that shares nothing.
    init(_ rows: Range<Int>, pooled: Int) {
        self.rows = [rows]
        ownRows = rows
        pooledRow = rows.lowerBound + pooled
        sharedCount = 0
    }

    /// A sequence that begins with the first `sharedCount` tokens of another.
    init(_ ownRows: Range<Int>, sharing sharedCount: Int, of other: TokenSequence?, pooled: Int) {
        var rows: [Range<Int>] = []
        var missing = sharedCount
        for run in other?.rows ?? [] where missing > 0 {
            rows.append(run.prefix(missing))
            missing -= rows[rows.count - 1].count
        }
        if !ownRows.isEmpty { rows.append(ownRows) }
        self.rows = rows
        self.ownRows = ownRows
        self.sharedCount = sharedCount
        pooledRow = Array(rows.joined())[pooled]
    }
}
