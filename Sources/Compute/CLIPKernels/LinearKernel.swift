/// A block of a linear layer: `rows` input rows by `columns` output columns, the first of which starts a panel.
@usableFromInline package struct LinearBlock {
    /// The input rows, `inputStride` floats apart.
    @usableFromInline package var input: UnsafePointer<Float>
    @usableFromInline package var inputStride: Int
    @usableFromInline package var rows: Int
    /// K, the length of an input row.
    @usableFromInline package var depth: Int

    /// The panel of the first column; the others follow.
    @usableFromInline package var panels: UnsafeRawPointer
    @usableFromInline package var isHalf: Bool
    @usableFromInline package var columns: Int

    /// The first output column of the first row; rows `targetStride` floats apart.
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
        input: UnsafePointer<Float>, inputStride: Int, rows: Int, depth: Int, panels: UnsafeRawPointer, isHalf: Bool,
        columns: Int, target: UnsafeMutablePointer<Float>, targetStride: Int, bias: UnsafePointer<Float>?,
        activation: LinearActivation, residual: UnsafePointer<Float>?, residualStride: Int
    ) {
        self.input = input
        self.inputStride = inputStride
        self.rows = rows
        self.depth = depth
        self.panels = panels
        self.isHalf = isHalf
        self.columns = columns
        self.target = target
        self.targetStride = targetStride
        self.bias = bias
        self.activation = activation
        self.residual = residual
        self.residualStride = residualStride
    }
}

extension VectorUnit {
    /// Computes `block`: input · weightsᵀ + bias, activation, residual.
    ///
    /// A tile's width of columns stays in the cache while all rows pass, so that weights come from memory once. The first
    /// tile leaves half-precision ones behind widened.
    @inlinable @inline(__always)
    package static func linear(_ block: LinearBlock) {
        let rowBlocks = (block.rows + tileRows - 1) / tileRows
        let elementBytes = block.isHalf ? 2 : 4
        let panelBytes = 16 * elementBytes * block.depth
        // A single tile does nothing but stream 32-bit weights: the processor fetches those best by itself.
        let aheadBytes = block.isHalf || rowBlocks > 1 ? max(16, tileColumns) * elementBytes * block.depth : 0
        let sumCount = tileRows * tileColumns
        let floats = sumCount + (block.isHalf && rowBlocks > 1 ? block.depth * tileColumns : 0)
        withUnsafeTemporaryAllocation(byteCount: 4 * floats, alignment: 64) { scratch in
            let sums = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
            let widened = sums + sumCount
            for column in stride(from: 0, to: block.columns, by: tileColumns) {
                let b = block.panels + (column / 16 * panelBytes + column % 16 * elementBytes)
                // The last panel may be alone: then both halves of the tile are the same one.
                let rightOffset =
                    width < 16 ? width * elementBytes : column + 16 < block.columns ? panelBytes : 0
                let half = HalfPanelColumns<Self>(b, rightOffset: rightOffset)
                for rowBlock in 0..<rowBlocks {
                    let rows = evenBlock(rowBlock, of: rowBlocks, rows: block.rows)
                    let input = block.input + rows.lowerBound * block.inputStride
                    // Every tile asks for its share of the next tile's columns.
                    let part = evenBlock(rowBlock, of: rowBlocks, rows: aheadBytes)
                    let ahead = StretchLookahead(
                        b + aheadBytes + part.lowerBound, byteCount: part.count, depth: block.depth,
                        isStream: block.rows <= 16)
                    prefetchOutput(
                        block.target, block.targetStride, residual: block.residual, block.residualStride, rows: rows,
                        column: column)
                    @inline(__always) func product(_ columns: some TileColumns<Self>) {
                        tileProduct(
                            rows: rows.count, RowMajorRows.self, a: input, aStride: block.inputStride, b: columns,
                            depth: block.depth, target: sums, targetStride: tileColumns, ahead: ahead)
                    }
                    if !block.isHalf {
                        product(FloatPanelColumns<Self>(b, rightOffset: rightOffset))
                    } else if rowBlocks == 1 {
                        product(half)
                    } else if rowBlock == 0 {
                        product(WideningColumns(half, into: widened))
                    } else {
                        product(PackedColumns<Self>(widened))
                    }
                    finish(block, sums, rows: rows, column: column)
                }
            }
        }
    }

    /// Asks for the memory that finishing a tile reads and writes: its columns of `rows` in the target, and in the
    /// residual unless that is the target.
    @inlinable @inline(__always)
    package static func prefetchOutput(
        _ target: UnsafePointer<Float>, _ targetStride: Int, residual: UnsafePointer<Float>?, _ residualStride: Int,
        rows: Range<Int>, column: Int
    ) {
        prefetchRows(target, stride: targetStride, rows: rows, column: column)
        if let residual, residual != target {
            prefetchRows(residual, stride: residualStride, rows: rows, column: column)
        }
    }

    /// Asks for a tile's columns of `rows`, which lie `stride` floats apart.
    @inlinable @inline(__always)
    package static func prefetchRows(_ matrix: UnsafePointer<Float>, stride: Int, rows: Range<Int>, column: Int) {
        for row in rows {
            let line = UnsafeRawPointer(matrix + (row * stride + column))
            prefetch(line)
            if tileColumns > 16 { prefetch(line + 64) }
        }
    }

    /// Takes a tile's sums through bias, activation and residual to the target.
    @inlinable @inline(__always)
    package static func finish(
        _ block: LinearBlock, _ sums: UnsafePointer<Float>, rows: Range<Int>, column: Int
    ) {
        switch block.activation {
        case .identity: finish(block, sums, rows: rows, column: column) { $0 }
        case .quickGELU: finish(block, sums, rows: rows, column: column) { quickGELU($0) }
        case .gelu: finish(block, sums, rows: rows, column: column) { gelu($0) }
        case .tanhGELU: finish(block, sums, rows: rows, column: column) { tanhGELU($0) }
        }
    }

    @inlinable @inline(__always)
    package static func finish(
        _ block: LinearBlock, _ sums: UnsafePointer<Float>, rows: Range<Int>, column: Int,
        activation: (Vector) -> Vector
    ) {
        let columns = min(tileColumns, block.columns - column)
        for row in rows {
            let sums = sums + (row - rows.lowerBound) * tileColumns
            let target = block.target + (row * block.targetStride + column)
            let residual = block.residual.map { $0 + (row * block.residualStride + column) }
            for offset in stride(from: 0, to: columns, by: width) {
                var value = load(sums + offset)
                if columns - offset >= width {
                    if let bias = block.bias { value += load(bias + column + offset) }
                    value = activation(value)
                    if let residual { value += load(residual + offset) }
                    store(value, target + offset)
                } else {
                    let count = columns - offset
                    if let bias = block.bias { value += load(bias + column + offset, count: count) }
                    value = activation(value)
                    if let residual { value += load(residual + offset, count: count) }
                    store(value, target + offset, count: count)
                }
            }
        }
    }
}
