/// How a row of activations was quantised: x ≈ scale · (level − zero), levels 0…255, or −128…127 where bytes are signed.
@frozen @usableFromInline package struct RowScale: BitwiseCopyable, Sendable {
    @usableFromInline package var scale: Float
    @usableFromInline package var zero: Int32

    @inlinable
    package init(scale: Float, zero: Int32) {
        self.scale = scale
        self.zero = zero
    }
}

/// What quantised layers need besides: whole numbers become floats, and are compared and narrowed.
@usableFromInline package protocol QuantisingUnit: VectorUnit {
    static func floats(_ integers: Integers) -> Vector
    static func larger(_ a: Integers, _ b: Integers) -> Integers
    /// Writes a vector of whole numbers of 16 bits.
    static func storeHalves(_ numbers: Integers, _ target: UnsafeMutableRawPointer)
}

/// Where an instruction narrows levels, whose products take bytes.
@usableFromInline package protocol ByteQuantisingUnit: QuantisingUnit {
    /// The least level: 0, or −128 where the products take signed bytes.
    static var leastLevel: Int32 { get }
    /// Writes a vector of whole numbers of 8 bits as bytes.
    static func storeBytes(_ levels: Integers, _ target: UnsafeMutableRawPointer)
}

extension QuantisingUnit {
    /// Quantises the rows of a tile over the range of their numbers, zero included, each by itself: a row's levels are the
    /// same whatever rows it is computed with.
    ///
    /// - Parameters:
    ///   - columns: the numbers of a row.
    ///   - words: takes the levels, `[groups · steps][rows]`, the order in which a tile reads them.
    ///   - scales: one per row.
    ///   - steps: the words of a group of four.
    ///   - least: the least level.
    ///   - store: writes a vector of levels as words.
    @inlinable @inline(__always)
    package static func quantise(
        _ input: Rows<Float>, columns: Int, words: UnsafeMutablePointer<Int32>,
        scales: UnsafeMutablePointer<RowScale>, steps: Int, least: Int32,
        store: (Integers, UnsafeMutableRawPointer) -> Void
    ) {
        let wordCount = (columns + 3) / 4 * steps
        // A vector of levels may reach past the last group.
        let stride = (wordCount + 3) / 4 * 4 + 64
        withUnsafeTemporaryAllocation(byteCount: 4 * input.count * stride, alignment: 64) { scratch in
            let levels = scratch.baseAddress!.assumingMemoryBound(to: Int32.self)
            for row in 0..<input.count {
                scales[row] = quantise(
                    input[row], columns: columns, steps: steps, least: least,
                    into: UnsafeMutableRawPointer(levels + row * stride), store: store)
            }
            transpose(levels, rows: input.count, columns: wordCount, stride: stride, into: words)
        }
    }

    /// Writes the columns of `[rows, columns]`, rows `stride` words apart, one behind the other.
    @inlinable @inline(__always)
    package static func transpose(
        _ source: UnsafePointer<Int32>, rows: Int, columns: Int, stride: Int, into target: UnsafeMutablePointer<Int32>
    ) {
        let whole = rows < 4 ? 0 : columns / 4 * 4
        @inline(__always) func words(_ row: Int, _ column: Int) -> SIMD4<Int32> {
            UnsafeRawPointer(source + (row * stride + column)).loadUnaligned(as: SIMD4<Int32>.self)
        }
        @inline(__always) func write(_ words: SIMD4<Int32>, _ row: Int, _ column: Int) {
            UnsafeMutableRawPointer(target + (column * rows + row)).storeBytes(of: words, as: SIMD4<Int32>.self)
        }
        for block in 0..<(whole > 0 ? (rows + 3) / 4 : 0) {
            // The last four rows may be in part those before.
            let row = min(4 * block, rows - 4)
            for column in Swift.stride(from: 0, to: whole, by: 4) {
                let columns = transposed(
                    words(row, column), words(row + 1, column), words(row + 2, column), words(row + 3, column))
                write(columns.0, row, column)
                write(columns.1, row, column + 1)
                write(columns.2, row, column + 2)
                write(columns.3, row, column + 3)
            }
        }
        for row in 0..<rows {
            for column in whole..<columns { target[column * rows + row] = source[row * stride + column] }
        }
    }

    @inlinable @inline(__always)
    package static func quantise(
        _ input: UnsafePointer<Float>, columns: Int, steps: Int, least: Int32, into target: UnsafeMutableRawPointer,
        store: (Integers, UnsafeMutableRawPointer) -> Void
    ) -> RowScale {
        let whole = columns / width * width
        var (lowest, highest) = (Vector(repeating: 0), Vector(repeating: 0))
        for column in stride(from: 0, to: whole, by: width) {
            let values = load(input + column)
            lowest = minimum(values, lowest)
            highest = maximum(values, highest)
        }
        if whole < columns {
            let values = load(input + whole, count: columns - whole)
            lowest = minimum(values, lowest)
            highest = maximum(values, highest)
        }
        let (low, high) = (smallest(lowest), -smallest(-highest))
        let range = high - low
        // A range beyond what can be divided by counts as none, an infinite one as its scale.
        let isDivisible = range > 1e-30 && range < .infinity
        let factor = isDivisible ? 255 / range : 0
        // Adding 1.5 · 2²³ rounds to a whole number, ties to even, which then stands in the low bits. Product and sum
        // are rounded apart, so that every instruction set finds the same levels.
        let magic: Float = 0x1.8p23
        let zero = isDivisible ? -low * factor + magic - magic : 0
        let levelZero = Integers(repeating: Int32(truncatingIfNeeded: magic.bitPattern) &- Int32(zero) &- least)
        let ceiling = Vector(repeating: 255 - zero)
        let factors = Vector(repeating: factor)
        @inline(__always) func levels(_ values: Vector) -> Integers {
            let rounded = minimum(values * factors, ceiling) + Vector(repeating: magic)
            return unsafeBitCast(rounded, to: Integers.self) &- levelZero
        }
        let vectorBytes = width * steps
        for column in stride(from: 0, to: whole, by: width) {
            store(levels(load(input + column)), target + column / width * vectorBytes)
        }
        if whole < columns {
            store(levels(load(input + whole, count: columns - whole)), target + whole / width * vectorBytes)
        }
        return RowScale(scale: range / 255, zero: Int32(zero) + least)
    }

    /// The smallest lane.
    @inlinable @inline(__always)
    package static func smallest(_ vector: Vector) -> Float {
        withUnsafeBytes(of: vector) { lanes in
            var least = lanes.load(as: SIMD4<Float>.self)
            for quarter in 1..<max(width / 4, 1) {
                let other = lanes.load(fromByteOffset: 16 * quarter, as: SIMD4<Float>.self)
                least.replace(with: other, where: other .< least)
            }
            let pair = least.lowHalf.replacing(with: least.highHalf, where: least.highHalf .< least.lowHalf)
            return pair[1] < pair[0] ? pair[1] : pair[0]
        }
    }

    /// Stores levels as `PairProducts` reads them: of each group of four first and third, then second and fourth, as
    /// 16-bit numbers.
    @inlinable @inline(__always)
    package static func storePairs(_ levels: Integers, _ target: UnsafeMutableRawPointer) {
        withUnsafeBytes(of: levels) { levels in
            let pairs = levels.baseAddress!
            for group in 0..<width / 4 {
                let first = pairs.load(fromByteOffset: 16 * group, as: UInt64.self)
                let second = pairs.load(fromByteOffset: 16 * group + 8, as: UInt64.self)
                target.storeBytes(of: first | second << 16, toByteOffset: 8 * group, as: UInt64.self)
            }
        }
    }
}

/// Rows of a linear layer's input, quantised, in the order in which tiles read them.
@usableFromInline package struct LevelRows {
    /// The words of all rows, tile after tile, each `[groups · steps][rows of the tile]`.
    @usableFromInline package var words: UnsafePointer<Int32>
    /// One per row.
    @usableFromInline package var scales: UnsafePointer<RowScale>
    @usableFromInline package var count: Int
    /// Tile `index` of so many holds the rows `evenBlock(index, of: tileCount, rows: count)`.
    @usableFromInline package var tileCount: Int

    @inlinable
    package init(words: UnsafePointer<Int32>, scales: UnsafePointer<RowScale>, count: Int, tileCount: Int) {
        self.words = words
        self.scales = scales
        self.count = count
        self.tileCount = tileCount
    }
}

extension QuantisingUnit {
    /// Computes input · weightsᵀ for some tiles of the input: the exact integer sums of each tile by `tile`, scaled, and
    /// what becomes of them.
    ///
    /// - Parameters:
    ///   - weights: whole numbers, with their scales and sums.
    ///   - output: that of all rows.
    ///   - steps: the words of a group of four.
    @inlinable @inline(__always)
    package static func quantisedLinear(
        _ input: LevelRows, tiles: Range<Int>, _ weights: WeightPanels, _ output: LinearOutput, tileRows: Int,
        steps: Int, tile: (IntegerTileJob) -> Void
    ) {
        let groups = (weights.depth + 3) / 4
        let panelBytes = 64 * groups
        let aheadBytes = max(16, tileColumns) / 16 * panelBytes
        withUnsafeTemporaryAllocation(byteCount: 4 * tileRows * tileColumns, alignment: 64) { scratch in
            let target = scratch.baseAddress!.assumingMemoryBound(to: Int32.self)
            let sums = IntegerSums<Self>(target, weights, bias: output.bias, rowScales: input.scales)
            for column in stride(from: 0, to: weights.columns, by: tileColumns) {
                // The last panel may be alone: then both halves of the tile are the same one.
                let rightOffset = width < 16 ? 4 * width : column + 16 < weights.columns ? panelBytes : 0
                let numbers = weights.base + (column / 16 * panelBytes + column % 16 * 4)
                for index in tiles {
                    let rows = evenBlock(index, of: input.tileCount, rows: input.count)
                    // Every tile asks for its share of the next columns' weights.
                    let part = evenBlock(index - tiles.lowerBound, of: tiles.count, rows: aheadBytes)
                    if input.count > 16 { prefetchOutput(output, rows: rows, column: column) }
                    tile(
                        IntegerTileJob(
                            rows: rows.count, words: input.words + rows.lowerBound * groups * steps, groups: groups,
                            weights: numbers, rightOffset: rightOffset, target: target,
                            ahead: StretchLookahead(
                                numbers + aheadBytes + part.lowerBound, byteCount: part.count, depth: groups,
                                isStream: input.count <= 16)))
                    finish(
                        sums.of(rows), output, rows: rows,
                        columns: column..<min(column + tileColumns, weights.columns))
                }
            }
        }
    }
}

/// Whole-number sums of levels times weights, which scales turn into floats.
@frozen @usableFromInline package struct IntegerSums<Unit: QuantisingUnit>: TileSums {
    @usableFromInline let sums: UnsafePointer<Int32>
    @usableFromInline let columnScales: UnsafePointer<Float>
    @usableFromInline let columnSums: UnsafePointer<Int32>
    @usableFromInline let bias: UnsafePointer<Float>?
    /// Those of the tile's rows.
    @usableFromInline var rowScales: UnsafePointer<RowScale>

    @inlinable @inline(__always)
    package init(
        _ sums: UnsafePointer<Int32>, _ weights: WeightPanels, bias: UnsafePointer<Float>?,
        rowScales: UnsafePointer<RowScale>
    ) {
        self.sums = sums
        columnScales = weights.scales!
        columnSums = weights.sums!
        self.bias = bias
        self.rowScales = rowScales
    }

    /// The same for the tile of some of the rows.
    @inlinable @inline(__always)
    package func of(_ rows: Range<Int>) -> IntegerSums {
        var part = self
        part.rowScales += rows.lowerBound
        return part
    }

    @inlinable @inline(__always)
    package func columns(
        from column: Int, count: Int
    ) -> (scales: Unit.Vector, sums: Unit.Integers, bias: Unit.Vector) {
        let bias =
            bias.map { count == Unit.width ? Unit.load($0 + column) : Unit.load($0 + column, count: count) }
            ?? Unit.Vector(repeating: 0)
        return (
            Unit.load(columnScales + column),
            UnsafeRawPointer(columnSums + column).loadUnaligned(as: Unit.Integers.self), bias
        )
    }

    @inlinable @inline(__always)
    package func row(
        _ row: Int, offset: Int, _ columns: (scales: Unit.Vector, sums: Unit.Integers, bias: Unit.Vector)
    ) -> Unit.Vector {
        let rowScale = rowScales[row]
        let levels = UnsafeRawPointer(sums + (row * Unit.tileColumns + offset)).loadUnaligned(as: Unit.Integers.self)
        // What the levels' zero adds to a product is a multiple of the column's sum.
        let sum = levels &- columns.sums &* Unit.Integers(repeating: rowScale.zero)
        return Unit.multiplyThenAdd(
            Unit.floats(sum), columns.scales * Unit.Vector(repeating: rowScale.scale), columns.bias)
    }
}
