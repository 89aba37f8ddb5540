extension QuantisingUnit {
    /// Computes `head`, which no mask hides anything from, with the products of quantised layers: queries and weights are
    /// quantised row by row, keys row by row and values column by column, sums are exact.
    ///
    /// Instruction sets whose `steps` is 1 have it: others multiply floats about as fast.
    ///
    /// - Parameters:
    ///   - store: writes a vector of whole numbers as bytes.
    @inlinable @inline(__always)
    package static func quantisedAttention(
        _ head: AttentionHead, tileRows: Int, store: (Integers, UnsafeMutableRawPointer) -> Void,
        tile: (IntegerTileJob) -> Void
    ) {
        let keys = PanelLayout(columns: head.keyCount, depth: head.headWidth)
        let values = PanelLayout(columns: head.headWidth, depth: head.keyCount)
        // Of one tile of queries.
        let levelBytes = keys.paddedColumns + 64
        let wordCount = max(keys.groups, values.groups) * tileRows
        let scoreStride = keys.paddedColumns
        let byteCount =
            keys.byteCount + values.byteCount + tileRows * (levelBytes + 4 * scoreStride) + 4 * wordCount
            + MemoryLayout<RowScale>.stride * tileRows
        withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) { memory in
            var position = memory.baseAddress!
            @inline(__always) func take<T>(_ count: Int, of _: T.Type) -> UnsafeMutablePointer<T> {
                defer { position += count * MemoryLayout<T>.stride }
                return position.assumingMemoryBound(to: T.self)
            }
            let keyBytes = take(keys.byteCount, of: UInt8.self)
            let valueBytes = take(values.byteCount, of: UInt8.self)
            let scores = take(tileRows * scoreStride, of: Float.self)
            let words = take(wordCount, of: Int32.self)
            let rowScales = take(tileRows, of: RowScale.self)
            let levels = take(tileRows * levelBytes, of: UInt8.self)

            packKeys(head, keys, UnsafeMutableRawPointer(keyBytes), store: store)
            packValues(head, values, UnsafeMutableRawPointer(valueBytes))
            let tiles = (head.queries.count + tileRows - 1) / tileRows
            for index in 0..<tiles {
                let rows = evenBlock(index, of: tiles, rows: head.queries.count)
                quantise(
                    head.queries[rows], columns: head.headWidth, words: words, scales: rowScales, steps: 1,
                    store: store)
                @inline(__always) func multiply(
                    _ panels: PanelLayout, _ bytes: UnsafeMutablePointer<UInt8>, into target: MutableRows<Float>
                ) {
                    quantisedLinear(
                        LevelRows(words: words, scales: rowScales, count: rows.count, tileCount: 1), tiles: 0..<1,
                        panels.weights(UnsafeMutableRawPointer(bytes)), LinearOutput(target), tileRows: tileRows,
                        steps: 1, tile: tile)
                }
                multiply(keys, keyBytes, into: MutableRows(scores, stride: scoreStride, count: rows.count))
                for row in 0..<rows.count {
                    rowScales[row] = weigh(
                        scores + row * scoreStride, keyCount: head.keyCount, into: levels + row * levelBytes,
                        store: store)
                }
                transpose(
                    UnsafeRawPointer(levels).assumingMemoryBound(to: Int32.self), rows: rows.count,
                    columns: values.groups, stride: levelBytes / 4, into: words)
                multiply(values, valueBytes, into: head.target[rows])
            }
        }
    }

    /// Quantises keys, the columns of the scores: the largest number of each becomes ±127. Their scales hold the scores' too.
    @inlinable @inline(__always)
    package static func packKeys(
        _ head: AttentionHead, _ panels: PanelLayout, _ target: UnsafeMutableRawPointer,
        store: (Integers, UnsafeMutableRawPointer) -> Void
    ) {
        let scales = panels.scales(target)
        let sums = panels.sums(target)
        // Vectors may reach past the last group.
        let stride = panels.groups + 16
        withUnsafeTemporaryAllocation(byteCount: 4 * 16 * stride, alignment: 64) { scratch in
            let numbers = scratch.baseAddress!.assumingMemoryBound(to: Int32.self)
            var key = 0
            func finishPanel() {
                transpose(
                    numbers, rows: 16, columns: panels.groups, stride: stride,
                    into: (target + (key - 1) / 16 * panels.panelBytes).assumingMemoryBound(to: Int32.self))
            }
            for run in head.keyRows {
                for row in run {
                    // What comes in a moment, of this run or of memory that is there anyway.
                    prefetchHead(head, head.keys[row + 8])
                    prefetchHead(head, head.values[row])
                    if key < head.queries.count { prefetchHead(head, head.queries[key]) }
                    let line = UnsafeMutableRawPointer(numbers + key % 16 * stride)
                    (scales[key], sums[key]) = quantiseEvenly(
                        head.keys[row], count: head.headWidth, into: line, store: store)
                    scales[key] *= head.scale
                    key += 1
                    if key % 16 == 0 { finishPanel() }
                }
            }
            guard key % 16 > 0 else { return }
            for rest in key..<panels.paddedColumns {
                (numbers + rest % 16 * stride).update(repeating: 0, count: panels.groups)
                (scales[rest], sums[rest]) = (0, 0)
            }
            finishPanel()
        }
    }

    /// Asks for a row of a head.
    @inlinable @inline(__always)
    package static func prefetchHead(_ head: AttentionHead, _ row: UnsafePointer<Float>) {
        for offset in stride(from: 0, to: head.headWidth, by: 16) { prefetch(UnsafeRawPointer(row + offset)) }
    }

    /// Writes numbers as bytes −127…127.
    /// - Returns: what one counts, and their sum.
    @inlinable @inline(__always)
    package static func quantiseEvenly(
        _ input: UnsafePointer<Float>, count: Int, into target: UnsafeMutableRawPointer,
        store: (Integers, UnsafeMutableRawPointer) -> Void
    ) -> (scale: Float, sum: Int32) {
        @inline(__always) func values(_ offset: Int) -> Vector {
            count - offset >= width ? load(input + offset) : load(input + offset, count: count - offset)
        }
        var negative = Vector(repeating: 0)
        for offset in stride(from: 0, to: count, by: width) {
            let values = values(offset)
            negative = minimum(minimum(values, -values), negative)
        }
        let largest = -smallest(negative)
        let factor = Vector(repeating: evenFactor(largest))
        var sum = Integers(repeating: 0)
        for offset in stride(from: 0, to: count, by: width) {
            let numbers = rounded(values(offset) * factor)
            sum &+= numbers
            store(numbers, target + offset)
        }
        return (largest / 127, sum.wrappedSum())
    }

    /// Quantises values, each column by itself.
    @inlinable @inline(__always)
    package static func packValues(
        _ head: AttentionHead, _ panels: PanelLayout, _ target: UnsafeMutableRawPointer
    ) {
        // Weights have no zero that the sums would be needed for.
        panels.sums(target).update(repeating: 0, count: panels.paddedColumns)
        for column in stride(from: 0, to: head.headWidth, by: width) {
            let values = head.values.columns(from: column)
            var negative = Vector(repeating: 0)
            for run in head.keyRows {
                for row in run {
                    let values = load(values[row])
                    negative = minimum(minimum(values, -values), negative)
                }
            }
            store(negative * Vector(repeating: -1 / 127), panels.scales(target) + column)
            var factor = Vector(repeating: 0)
            for lane in 0..<width { factor[lane] = evenFactor(-negative[lane]) }
            let panel = target + (column / 16 * panels.panelBytes + column % 16 * 4)
            var group = Integers(repeating: 0)
            var key = 0
            for run in head.keyRows {
                for row in run {
                    let numbers = rounded(load(values[row]) * factor) & Integers(repeating: 255)
                    group |= numbers &<< Integers(repeating: Int32(key % 4 * 8))
                    key += 1
                    if key % 4 == 0 || key == head.keyCount {
                        (panel + (key - 1) / 4 * 64).storeBytes(of: group, as: Integers.self)
                        group = Integers(repeating: 0)
                    }
                }
            }
        }
    }

    /// The softmax of a query's scores, which are overwritten: levels of which 255 stands for the largest weight.
    /// - Returns: what a level counts, 1 / their sum.
    @inlinable @inline(__always)
    package static func weigh(
        _ scores: UnsafeMutablePointer<Float>, keyCount: Int, into levels: UnsafeMutablePointer<UInt8>,
        store: (Integers, UnsafeMutableRawPointer) -> Void
    ) -> RowScale {
        let padded = (keyCount + width - 1) / width * width
        for key in keyCount..<padded { scores[key] = -.infinity }
        var negative = Vector(repeating: .infinity)
        for key in stride(from: 0, to: padded, by: width) { negative = minimum(negative, -load(scores + key)) }
        let least = Vector(repeating: smallest(negative))
        var sum = Integers(repeating: 0)
        for key in stride(from: 0, to: padded, by: width) {
            let level = rounded(exponential(load(scores + key) + least) * Vector(repeating: 255))
            sum &+= level
            store(level, UnsafeMutableRawPointer(levels + key))
        }
        return RowScale(scale: 1 / Float(sum.wrappedSum()), zero: 0)
    }

    /// Whole numbers below 2²², ties to even: they stand in the low bits after 1.5 · 2²³ has been added.
    @inlinable @inline(__always)
    package static func rounded(_ values: Vector) -> Integers {
        let magic: Float = 0x1.8p23
        return unsafeBitCast(values + Vector(repeating: magic), to: Integers.self)
            &- Integers(repeating: Int32(bitPattern: magic.bitPattern))
    }

    /// What makes ±127 of numbers of at most ±`largest`. A range beyond what can be divided by counts as none.
    @inlinable @inline(__always)
    package static func evenFactor(_ largest: Float) -> Float {
        largest > 1e-30 && largest < .infinity ? 127 / largest : 0
    }
}

/// Where the numbers of a matrix that is quantised on the way lie: panels as of int8 weights, then scales and sums.
@frozen @usableFromInline package struct PanelLayout {
    @usableFromInline package let columns: Int
    @usableFromInline package let depth: Int

    @inlinable
    package init(columns: Int, depth: Int) {
        self.columns = columns
        self.depth = depth
    }

    /// The groups of four that `depth` numbers fill.
    @inlinable package var groups: Int { (depth + 3) / 4 }

    @inlinable package var paddedColumns: Int { (columns + 15) / 16 * 16 }
    @inlinable package var panelBytes: Int { 64 * groups }
    @inlinable package var numberBytes: Int { paddedColumns / 16 * panelBytes }
    @inlinable package var byteCount: Int { numberBytes + 8 * paddedColumns }

    @inlinable
    package func scales(_ start: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Float> {
        (start + numberBytes).assumingMemoryBound(to: Float.self)
    }

    @inlinable
    package func sums(_ start: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Int32> {
        (start + numberBytes + 4 * paddedColumns).assumingMemoryBound(to: Int32.self)
    }

    /// The matrix that lies so from `start` on.
    @inlinable
    package func weights(_ start: UnsafeMutableRawPointer) -> WeightPanels {
        WeightPanels(start, .int8, depth: depth, columns: columns, scales: scales(start), sums: sums(start))
    }
}
