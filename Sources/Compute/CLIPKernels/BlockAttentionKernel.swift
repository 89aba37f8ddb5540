extension QuantisingUnit {
    /// Computes `head` with the products of sixteen-bit layers: queries and weights are turned into whole numbers row by
    /// row, and so are keys and values, each by itself. A query's result depends on what it sees alone, and has the same
    /// bits on every instruction set.
    ///
    /// The values' scales go into the weights that they are multiplied with.
    @inlinable @inline(__always)
    package static func blockAttention(_ head: AttentionHead, tileRows: Int, tile: (BlockTileJob) -> Void) {
        let keys = BlockPanels(columns: head.keyCount, depth: head.headWidth)
        let values = BlockPanels(columns: head.headWidth, depth: head.keyCount)
        let scoreStride = keys.paddedColumns
        let wordStride = max(keys.pairs, keys.paddedColumns / 2) + 16
        let blocks = max(keys.blocks, values.blocks)
        let byteCount =
            keys.byteCount + values.byteCount
            + 4 * (scoreStride + tileRows * (scoreStride + wordStride + blocks) + 16 * (keys.pairs + 16))
        withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) { memory in
            var position = memory.baseAddress!
            @inline(__always) func take<T>(_ count: Int, of _: T.Type) -> UnsafeMutablePointer<T> {
                defer { position += count * MemoryLayout<T>.stride }
                return position.assumingMemoryBound(to: T.self)
            }
            let keyPanels = keys.at(take(keys.byteCount, of: UInt8.self))
            let valuePanels = values.at(take(values.byteCount, of: UInt8.self))
            let scores = MutableRows(take(tileRows * scoreStride, of: Float.self), stride: scoreStride, count: tileRows)
            let valueScales = take(scoreStride, of: Float.self)
            let lines = take(16 * (keys.pairs + 16), of: Int32.self)
            let words = take(tileRows * wordStride, of: Int32.self)
            let scales = take(tileRows * blocks, of: Float.self)

            packKeys(head, keyPanels, lines)
            packValues(head, valuePanels, valueScales)
            let tiles = (head.queries.count + tileRows - 1) / tileRows
            for index in 0..<tiles {
                let rows = evenBlock(index, of: tiles, rows: head.queries.count)
                let seen = head.causalPosition.map { min(head.keyCount, $0 + rows.upperBound) } ?? head.keyCount
                @inline(__always) func multiply(
                    _ panels: BlockPanels, columns: Int, into target: MutableRows<Float>,
                    _ fill: (_ row: Int, BlockTarget) -> Void
                ) {
                    let blocks = BlockNumbers.blockCount(panels.depth)
                    for row in 0..<rows.count {
                        fill(row, BlockTarget(words: words + row * wordStride, scales: scales + row * blocks))
                    }
                    blockLinear(
                        BlockRows(words: words, stride: wordStride, scales: scales, blocks: blocks, count: rows.count),
                        panels.weights(columns), LinearOutput(target), tileRows: tileRows, tile: tile)
                }
                multiply(keyPanels, columns: seen, into: scores[0..<rows.count]) { row, target in
                    quantiseBlocks(head.queries[rows.lowerBound + row], columns: head.headWidth, into: target)
                }
                addRelativeBias(head, rows, to: scores)
                multiply(valuePanels, columns: head.headWidth, into: head.target[rows]) { row, target in
                    let own = head.causalPosition.map { min(head.keyCount, $0 + rows.lowerBound + row + 1) } ?? seen
                    let factor = weigh(scores[row], seen: own, of: head.keyCount, valueScales)
                    quantiseBlocks(scores[row], columns: head.keyCount, into: target)
                    for block in 0..<values.blocks { target.scales[block] *= factor }
                }
            }
        }
    }

    /// Adds the bias of each query's distance from each key, if there is one, to the scores of some queries.
    @inlinable @inline(__always)
    package static func addRelativeBias(_ head: AttentionHead, _ queries: Range<Int>, to scores: MutableRows<Float>) {
        guard let bias = head.relativeBias else { return }
        for query in queries {
            let scores = scores[query - queries.lowerBound]
            var key = 0
            for run in head.keyRows {
                for row in run {
                    scores[key] += bias[query - row]
                    key += 1
                }
            }
        }
    }

    /// Turns keys into whole numbers, the columns of the scores. Their scales hold the scores' too.
    /// - Parameter lines: room for the numbers of sixteen keys.
    @inlinable @inline(__always)
    package static func packKeys(_ head: AttentionHead, _ panels: BlockPanels, _ lines: UnsafeMutablePointer<Int32>) {
        let stride = panels.pairs + 16
        var key = 0
        @inline(__always) func finishPanel() {
            transpose(
                lines, rows: 16, columns: panels.pairs, stride: stride,
                into: (panels.start + (key - 1) / 16 * panels.panelBytes).assumingMemoryBound(to: Int32.self))
        }
        for run in head.keyRows {
            for row in run {
                // What comes in a moment, of this run or of memory that is there anyway.
                prefetchHead(head, head.keys[row + 8])
                prefetchHead(head, head.values[row])
                if key < head.queries.count { prefetchHead(head, head.queries[key]) }
                panels.scales[key] =
                    head.scale
                    * quantiseBlock(
                        head.keys[row], count: head.headWidth, into: UnsafeMutableRawPointer(lines + key % 16 * stride))
                key += 1
                if key % 16 == 0 { finishPanel() }
            }
        }
        guard key % 16 > 0 else { return }
        for rest in key..<panels.paddedColumns {
            (lines + rest % 16 * stride).update(repeating: 0, count: panels.pairs)
            panels.scales[rest] = 0
        }
        finishPanel()
    }

    /// Asks for a row of a head.
    @inlinable @inline(__always)
    package static func prefetchHead(_ head: AttentionHead, _ row: UnsafePointer<Float>) {
        for offset in stride(from: 0, to: head.headWidth, by: 16) { prefetch(UnsafeRawPointer(row + offset)) }
    }

    /// Turns values into whole numbers, the columns of the result, and writes what those of each key count.
    @inlinable @inline(__always)
    package static func packValues(
        _ head: AttentionHead, _ panels: BlockPanels, _ scales: UnsafeMutablePointer<Float>
    ) {
        panels.scales.update(repeating: 1, count: panels.paddedColumns)
        var key = 0
        for run in head.keyRows {
            for row in run {
                let values = head.values[row]
                let (scale, factor) = blockScale(values, count: head.headWidth)
                scales[key] = scale
                for column in stride(from: 0, to: panels.paddedColumns, by: width) {
                    let count = min(width, head.headWidth - column)
                    let numbers: Integers
                    if factor == 0 || count <= 0 {
                        numbers = Integers(repeating: 0)
                    } else {
                        let values = count == width ? load(values + column) : load(values + column, count: count)
                        numbers = rounded(values * Vector(repeating: factor))
                    }
                    let pair = panels.start + (column / 16 * panels.panelBytes + column % 16 * 4 + key / 2 * 64)
                    if key % 2 == 0 {
                        // The last key may be alone: then a zero stands beside it.
                        pair.storeBytes(of: numbers & Integers(repeating: 0xFFFF), as: Integers.self)
                    } else {
                        pair.storeBytes(
                            of: pair.load(as: Integers.self) | numbers &<< Integers(repeating: 16), as: Integers.self)
                    }
                }
                key += 1
            }
        }
    }

    /// Exponentiates a query's scores, times the scales of the values that they are to be multiplied with.
    /// - Parameters:
    ///   - count: the keys that the query sees, the first ones.
    ///   - keyCount: all keys. Those that the query doesn't see get no weight.
    /// - Returns: 1 / the sum of the exponentials.
    @inlinable @inline(__always)
    package static func weigh(
        _ scores: UnsafeMutablePointer<Float>, seen count: Int, of keyCount: Int, _ valueScales: UnsafePointer<Float>
    ) -> Float {
        let end = (count + 15) / 16 * 16
        // A score that changes nothing: exponentials behind the last key are left out.
        for key in count..<end { scores[key] = scores[0] }
        var negative = Vector(repeating: .infinity)
        for key in stride(from: 0, to: end, by: width) { negative = minimum(-load(scores + key), negative) }
        let least = Vector(repeating: smallest(negative))
        var sums = SixteenSums<Self>()
        let zero = Vector(repeating: 0)
        let bound = Vector(repeating: Float(count))
        var lanes = zero
        for lane in 0..<width { lanes[lane] = Float(lane) }
        for key in stride(from: 0, to: end, by: 16) {
            let isWhole = key + 16 <= count
            sums.add { offset in
                let key = key + offset
                let score = load(scores + key)
                // Of a score that is not finite this makes a NaN, which an exponential would hide.
                var weight = exponential(score + least) + (score - score)
                if !isWhole {
                    weight = choose(
                        weight, zero, where: lanes + Vector(repeating: Float(key)), isBelow: bound)
                }
                store(weight * load(valueScales + key), scores + key)
                return weight
            }
        }
        for key in count..<max(end, keyCount) { scores[key] = 0 }
        return 1 / sums.total()
    }
}

/// Where the numbers of a matrix that is made on the way lie: panels as of int16 weights, then a scale for each column.
@frozen @usableFromInline package struct BlockPanels {
    @usableFromInline package let depth: Int
    @usableFromInline package let paddedColumns: Int
    @usableFromInline package var start: UnsafeMutableRawPointer

    /// The layout of a matrix that is nowhere yet.
    @inlinable
    package init(columns: Int, depth: Int) {
        self.depth = depth
        paddedColumns = (columns + 15) / 16 * 16
        start = UnsafeMutableRawPointer(bitPattern: 64)!
    }

    /// The same in memory.
    @inlinable
    package func at(_ memory: UnsafeMutablePointer<UInt8>) -> BlockPanels {
        var placed = self
        placed.start = UnsafeMutableRawPointer(memory)
        return placed
    }

    @inlinable package var pairs: Int { BlockNumbers.pairCount(depth) }
    @inlinable package var blocks: Int { BlockNumbers.blockCount(depth) }
    @inlinable package var panelBytes: Int { 64 * pairs }
    @inlinable package var numberBytes: Int { paddedColumns / 16 * panelBytes }
    @inlinable package var byteCount: Int { numberBytes + 4 * paddedColumns }

    @inlinable package var scales: UnsafeMutablePointer<Float> {
        (start + numberBytes).assumingMemoryBound(to: Float.self)
    }

    /// The first `columns` of the matrix.
    @inlinable
    package func weights(_ columns: Int) -> WeightPanels {
        WeightPanels(start, .int16, depth: depth, columns: columns, scales: scales)
    }
}
