/// Scaled dot-product attention (Vaswani et al., 2017) of one head in one sequence.
@usableFromInline package struct AttentionHead {
    @usableFromInline package var queries: Rows<Float>
    /// Those of all sequences, of which `keyRows` are this one's.
    ///
    /// A tile of columns may be read past the last value of a head: the memory behind it must be there.
    @usableFromInline package var keys: Rows<Float>
    @usableFromInline package var values: Rows<Float>
    /// The rows of the keys and values, run after run: sequences may share those of a common beginning.
    @usableFromInline package var keyRows: UnsafeBufferPointer<Range<Int>>
    @usableFromInline package var keyCount: Int
    /// The length of a query, a key and a value.
    @usableFromInline package var headWidth: Int
    /// What scores are multiplied with before the softmax.
    @usableFromInline package var scale: Float
    /// The position of the first query among the keys when a query sees only keys up to its own position, else nil.
    @usableFromInline package var causalPosition: Int?
    /// What is added to the score of query `q` and the key of row `r`: the number at `q - r`. Those of a tile's width of
    /// queries are read together, as far as there are queries or not.
    @usableFromInline package var relativeBias: UnsafePointer<Float>?
    /// `[queries, headWidth]`.
    @usableFromInline package var target: MutableRows<Float>

    @inlinable
    package init(
        _ queries: Rows<Float>, keys: Rows<Float>, values: Rows<Float>, keyRows: UnsafeBufferPointer<Range<Int>>,
        headWidth: Int, scale: Float, causalPosition: Int?, relativeBias: UnsafePointer<Float>?,
        target: MutableRows<Float>
    ) {
        self.queries = queries
        self.keys = keys
        self.values = values
        self.keyRows = keyRows
        keyCount = keyRows.reduce(0) { $0 + $1.count }
        self.headWidth = headWidth
        self.scale = scale
        self.causalPosition = causalPosition
        self.relativeBias = relativeBias
        self.target = target
    }
}

extension VectorUnit {
    /// Computes `head`, a tile's width of queries at a time.
    ///
    /// Scores are kept transposed, `[keys, queries]`: queries are the lanes, so that the softmax needs no sum across
    /// lanes, and neither keys nor values are copied. Only the few queries are transposed.
    @inlinable @inline(__always)
    package static func attention(_ head: AttentionHead) {
        let floats = (head.headWidth + head.keyCount + tileRows + 1) * tileColumns
        withUnsafeTemporaryAllocation(byteCount: 4 * floats, alignment: 64) { scratch in
            let queries = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
            let scores = queries + head.headWidth * tileColumns
            let products = scores + head.keyCount * tileColumns
            let factors = products + tileRows * tileColumns
            for first in stride(from: 0, to: head.queries.count, by: tileColumns) {
                let count = min(tileColumns, head.queries.count - first)
                let keyCount = head.causalPosition.map { min(head.keyCount, $0 + first + count) } ?? head.keyCount
                transposeQueries(head, first..<first + count, queries)
                computeScores(head, firstQuery: first, keyCount: keyCount, queries, scores)
                normaliseScores(
                    scores, keyCount: keyCount, position: head.causalPosition.map { $0 + first }, factors)
                weighValues(head, first..<first + count, keyCount: keyCount, scores, factors, products)
            }
        }
    }

    @inlinable @inline(__always)
    package static func transposeQueries(
        _ head: AttentionHead, _ range: Range<Int>, _ target: UnsafeMutablePointer<Float>
    ) {
        if range.count < tileColumns {
            target.update(repeating: 0, count: head.headWidth * tileColumns)
        }
        let whole = head.headWidth / 4 * 4
        let scale = SIMD4(repeating: head.scale)
        for first in stride(from: 0, to: range.count, by: 4) {
            @inline(__always) func query(_ index: Int) -> UnsafePointer<Float> {
                head.queries[min(range.lowerBound + first + index, range.upperBound - 1)]
            }
            @inline(__always) func scaled(_ source: UnsafePointer<Float>) -> SIMD4<Float> {
                UnsafeRawPointer(source).loadUnaligned(as: SIMD4<Float>.self) * scale
            }
            let (a, b, c, d) = (query(0), query(1), query(2), query(3))
            for index in stride(from: 0, to: whole, by: 4) {
                let columns = transposed(scaled(a + index), scaled(b + index), scaled(c + index), scaled(d + index))
                let target = UnsafeMutableRawPointer(target + (index * tileColumns + first))
                target.storeBytes(of: columns.0, as: SIMD4<Float>.self)
                target.storeBytes(of: columns.1, toByteOffset: 4 * tileColumns, as: SIMD4<Float>.self)
                target.storeBytes(of: columns.2, toByteOffset: 8 * tileColumns, as: SIMD4<Float>.self)
                target.storeBytes(of: columns.3, toByteOffset: 12 * tileColumns, as: SIMD4<Float>.self)
            }
            for index in whole..<head.headWidth {
                let target = target + (index * tileColumns + first)
                target[0] = a[index] * head.scale
                target[1] = b[index] * head.scale
                target[2] = c[index] * head.scale
                target[3] = d[index] * head.scale
            }
        }
    }

    @inlinable @inline(__always)
    package static func computeScores(
        _ head: AttentionHead, firstQuery: Int, keyCount: Int, _ queries: UnsafePointer<Float>,
        _ scores: UnsafeMutablePointer<Float>
    ) {
        var position = 0
        for run in head.keyRows where position < keyCount {
            let count = min(run.count, keyCount - position)
            let keys = head.keys[run]
            if let bias = head.relativeBias {
                for key in 0..<count {
                    (scores + (position + key) * tileColumns).update(
                        from: bias + (firstQuery - run.lowerBound - key), count: tileColumns)
                }
            }
            let blocks = (count + tileRows - 1) / tileRows
            for block in 0..<blocks {
                let rows = evenBlock(block, of: blocks, rows: count)
                tileProduct(
                    rows: rows.count, RowMajorRows.self, a: keys[rows.lowerBound], aStride: keys.stride,
                    b: PackedColumns<Self>(queries), depth: head.headWidth,
                    target: scores + (position + rows.lowerBound) * tileColumns, targetStride: tileColumns,
                    continues: head.relativeBias != nil)
            }
            position += count
        }
    }

    /// Exponentiates the scores of each query, a column, and writes 1 / their sum to `factors`.
    @inlinable @inline(__always)
    package static func normaliseScores(
        _ scores: UnsafeMutablePointer<Float>, keyCount: Int, position: Int?, _ factors: UnsafeMutablePointer<Float>
    ) {
        for half in stride(from: 0, to: tileColumns, by: width) {
            let scores = scores + half
            var positions = Vector(repeating: .infinity)
            if let position {
                for lane in 0..<width { positions[lane] = Float(position + half + lane) }
            }
            // A query sees key k when k isn't behind its own position.
            let hidden = Vector(repeating: -.infinity)
            var largest = hidden
            for key in 0..<keyCount {
                let score = load(scores + key * tileColumns)
                let seen = choose(hidden, score, where: positions, isBelow: Vector(repeating: Float(key)))
                largest = maximum(largest, seen)
            }
            var sum = Vector(repeating: 0)
            for key in 0..<keyCount {
                let weight = exponential(load(scores + key * tileColumns) - largest)
                let seen = choose(
                    Vector(repeating: 0), weight, where: positions, isBelow: Vector(repeating: Float(key)))
                sum += seen
                store(seen, scores + key * tileColumns)
            }
            store(Vector(repeating: 1) / sum, factors + half)
        }
    }

    @inlinable @inline(__always)
    package static func weighValues(
        _ head: AttentionHead, _ range: Range<Int>, keyCount: Int, _ scores: UnsafePointer<Float>,
        _ factors: UnsafePointer<Float>, _ products: UnsafeMutablePointer<Float>
    ) {
        let blocks = (range.count + tileRows - 1) / tileRows
        for column in stride(from: 0, to: head.headWidth, by: tileColumns) {
            for block in 0..<blocks {
                let rows = evenBlock(block, of: blocks, rows: range.count)
                var position = 0
                for run in head.keyRows where position < keyCount {
                    let count = min(run.count, keyCount - position)
                    tileProduct(
                        rows: rows.count, ColumnMajorRows.self,
                        a: scores + (position * tileColumns + rows.lowerBound), aStride: tileColumns,
                        b: MatrixColumns<Self>(head.values[run.lowerBound] + column, stride: head.values.stride),
                        depth: count, target: products, targetStride: tileColumns, continues: position > 0)
                    position += count
                }
                for row in rows {
                    let factor = Vector(repeating: factors[row])
                    let products = products + (row - rows.lowerBound) * tileColumns
                    let target = head.target[range.lowerBound + row] + column
                    for offset in stride(from: 0, to: min(tileColumns, head.headWidth - column), by: width) {
                        let value = load(products + offset) * factor
                        let count = head.headWidth - column - offset
                        if count >= width {
                            store(value, target + offset)
                        } else {
                            store(value, target + offset, count: count)
                        }
                    }
                }
            }
        }
    }
}
