/// How a row of activations was quantised: x ≈ scale · (level − zero), levels 0…255.
@frozen @usableFromInline package struct RowScale: BitwiseCopyable, Sendable {
    @usableFromInline package var scale: Float
    @usableFromInline package var zero: Int32

    @inlinable
    package init(scale: Float, zero: Int32) {
        self.scale = scale
        self.zero = zero
    }
}

/// Rows of a tile to quantise, each by itself: a row's levels are the same whatever rows it is computed with.
@usableFromInline package struct RowQuantisation {
    /// Floats, rows `inputStride` apart.
    @usableFromInline package var input: UnsafePointer<Float>
    @usableFromInline package var inputStride: Int
    @usableFromInline package var rows: Int
    @usableFromInline package var columns: Int
    /// Words of levels, `[groups · steps][rows]`, the order in which a tile reads them.
    @usableFromInline package var words: UnsafeMutablePointer<Int32>
    /// One per row.
    @usableFromInline package var scales: UnsafeMutablePointer<RowScale>

    @inlinable
    package init(
        input: UnsafePointer<Float>, inputStride: Int, rows: Int, columns: Int, words: UnsafeMutablePointer<Int32>,
        scales: UnsafeMutablePointer<RowScale>
    ) {
        self.input = input
        self.inputStride = inputStride
        self.rows = rows
        self.columns = columns
        self.words = words
        self.scales = scales
    }
}

/// What quantised layers need besides: whole numbers become floats.
@usableFromInline package protocol QuantisingUnit: VectorUnit {
    static func floats(_ integers: Integers) -> Vector
}

extension QuantisingUnit {
    /// Quantises rows over the range of their numbers, zero included.
    ///
    /// - Parameters:
    ///   - steps: the words of a group of four.
    ///   - store: writes a vector of levels as words.
    @inlinable @inline(__always)
    package static func quantise(
        _ job: RowQuantisation, steps: Int, store: (Integers, UnsafeMutableRawPointer) -> Void
    ) {
        let wordCount = (job.columns + 3) / 4 * steps
        // A vector of levels may reach past the last group.
        let stride = (wordCount + 3) / 4 * 4 + 64
        withUnsafeTemporaryAllocation(byteCount: 4 * job.rows * stride, alignment: 64) { scratch in
            let levels = scratch.baseAddress!.assumingMemoryBound(to: Int32.self)
            for row in 0..<job.rows {
                job.scales[row] = quantise(
                    job.input + row * job.inputStride, columns: job.columns, steps: steps,
                    into: UnsafeMutableRawPointer(levels + row * stride), store: store)
            }
            transpose(levels, rows: job.rows, columns: wordCount, stride: stride, into: job.words)
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
        _ input: UnsafePointer<Float>, columns: Int, steps: Int, into target: UnsafeMutableRawPointer,
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
        let levelZero = Integers(repeating: Int32(truncatingIfNeeded: magic.bitPattern) &- Int32(zero))
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
        return RowScale(scale: range / 255, zero: Int32(zero))
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

/// A block of a quantised linear layer: whole tiles of rows by `columns` output columns, the first of which starts a
/// panel.
@usableFromInline package struct QuantisedBlock {
    /// The rows of each tile: tile `index` of `tileCount` holds `evenBlock(index, of: tileCount, rows: rows)`.
    @usableFromInline package var tiles: Range<Int>
    @usableFromInline package var tileCount: Int
    @usableFromInline package var rows: Int
    /// The words of all `rows`, tile after tile, each `[groups · steps][rows of the tile]`.
    @usableFromInline package var words: UnsafePointer<Int32>
    /// One per row.
    @usableFromInline package var rowScales: UnsafePointer<RowScale>
    /// The groups of four that K makes.
    @usableFromInline package var groups: Int

    /// The panel of the first column, `[groups][16][4]`; the others follow.
    @usableFromInline package var panels: UnsafeRawPointer
    @usableFromInline package var columns: Int
    /// What a weight of each column counts, and the sum of its weights. Readable up to a whole panel.
    @usableFromInline package var columnScales: UnsafePointer<Float>
    @usableFromInline package var columnSums: UnsafePointer<Int32>

    /// The first output column of row 0; rows `targetStride` floats apart.
    @usableFromInline package var target: UnsafeMutablePointer<Float>
    @usableFromInline package var targetStride: Int
    /// One float per column.
    @usableFromInline package var bias: UnsafePointer<Float>?
    @usableFromInline package var activation: LinearActivation
    /// Added last, `[rows, columns]`, rows `residualStride` floats apart. It may be the target itself.
    @usableFromInline package var residual: UnsafePointer<Float>?
    @usableFromInline package var residualStride: Int

    @inlinable
    package init(
        tiles: Range<Int>, tileCount: Int, rows: Int, words: UnsafePointer<Int32>, rowScales: UnsafePointer<RowScale>,
        groups: Int, panels: UnsafeRawPointer, columns: Int, columnScales: UnsafePointer<Float>,
        columnSums: UnsafePointer<Int32>, target: UnsafeMutablePointer<Float>, targetStride: Int,
        bias: UnsafePointer<Float>?, activation: LinearActivation, residual: UnsafePointer<Float>?, residualStride: Int
    ) {
        self.tiles = tiles
        self.tileCount = tileCount
        self.rows = rows
        self.words = words
        self.rowScales = rowScales
        self.groups = groups
        self.panels = panels
        self.columns = columns
        self.columnScales = columnScales
        self.columnSums = columnSums
        self.target = target
        self.targetStride = targetStride
        self.bias = bias
        self.activation = activation
        self.residual = residual
        self.residualStride = residualStride
    }
}

extension QuantisingUnit {
    /// Computes `block`: the exact integer sums of each tile by `tile`, scaled, then bias, activation, residual.
    ///
    /// - Parameter steps: the words of a group of four.
    @inlinable @inline(__always)
    package static func quantisedLinear(
        _ block: QuantisedBlock, tileRows: Int, steps: Int, tile: (IntegerTileJob) -> Void
    ) {
        let panelBytes = 64 * block.groups
        let aheadBytes = max(16, tileColumns) / 16 * panelBytes
        withUnsafeTemporaryAllocation(byteCount: 4 * tileRows * tileColumns, alignment: 64) { scratch in
            let sums = scratch.baseAddress!.assumingMemoryBound(to: Int32.self)
            for column in stride(from: 0, to: block.columns, by: tileColumns) {
                // The last panel may be alone: then both halves of the tile are the same one.
                let rightOffset = width < 16 ? 4 * width : column + 16 < block.columns ? panelBytes : 0
                let weights = block.panels + (column / 16 * panelBytes + column % 16 * 4)
                for index in block.tiles {
                    let rows = evenBlock(index, of: block.tileCount, rows: block.rows)
                    // Every tile asks for its share of the next columns' weights.
                    let part = evenBlock(
                        index - block.tiles.lowerBound, of: block.tiles.count, rows: aheadBytes)
                    if block.rows > 16 {
                        prefetchOutput(
                            block.target, block.targetStride, residual: block.residual, block.residualStride,
                            rows: rows, column: column)
                    }
                    tile(
                        IntegerTileJob(
                            rows: rows.count, words: block.words + rows.lowerBound * block.groups * steps,
                            groups: block.groups, weights: weights, rightOffset: rightOffset, target: sums,
                            ahead: StretchLookahead(
                                weights + aheadBytes + part.lowerBound, byteCount: part.count, depth: block.groups,
                                isStream: block.rows <= 16)))
                    finish(block, sums, rows: rows, column: column)
                }
            }
        }
    }

    @inlinable @inline(__always)
    package static func finish(_ block: QuantisedBlock, _ sums: UnsafePointer<Int32>, rows: Range<Int>, column: Int) {
        switch block.activation {
        case .identity: finish(block, sums, rows: rows, column: column) { $0 }
        case .quickGELU: finish(block, sums, rows: rows, column: column) { quickGELU($0) }
        case .gelu: finish(block, sums, rows: rows, column: column) { gelu($0) }
        case .tanhGELU: finish(block, sums, rows: rows, column: column) { tanhGELU($0) }
        }
    }

    @inlinable @inline(__always)
    package static func finish(
        _ block: QuantisedBlock, _ sums: UnsafePointer<Int32>, rows: Range<Int>, column: Int,
        activation: (Vector) -> Vector
    ) {
        for offset in stride(from: 0, to: min(tileColumns, block.columns - column), by: width) {
            let first = column + offset
            let count = min(width, block.columns - first)
            let columnScales = load(block.columnScales + first)
            let columnSums = UnsafeRawPointer(block.columnSums + first).loadUnaligned(as: Integers.self)
            let bias =
                block.bias.map { count == width ? load($0 + first) : load($0 + first, count: count) }
                ?? Vector(repeating: 0)
            @inline(__always) func value(_ row: Int) -> Vector {
                let rowScale = block.rowScales[row]
                let levels = UnsafeRawPointer(sums + (row - rows.lowerBound) * tileColumns + offset)
                    .loadUnaligned(as: Integers.self)
                let sum = levels &- columnSums &* Integers(repeating: rowScale.zero)
                let scale = columnScales * Vector(repeating: rowScale.scale)
                return activation(multiplyAdd(floats(sum), scale, bias))
            }
            let target = block.target + first
            if count < width {
                for row in rows {
                    var value = value(row)
                    if let residual = block.residual {
                        value += load(residual + (row * block.residualStride + first), count: count)
                    }
                    store(value, target + row * block.targetStride, count: count)
                }
            } else if let residual = block.residual.map({ $0 + first }) {
                for row in rows {
                    store(value(row) + load(residual + row * block.residualStride), target + row * block.targetStride)
                }
            } else {
                for row in rows { store(value(row), target + row * block.targetStride) }
            }
        }
    }
}
