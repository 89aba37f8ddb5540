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
