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
    /// A pair of panels stays in the cache while all rows pass, so that weights come from memory once.
    @inlinable @inline(__always)
    package static func linear(_ block: LinearBlock) {
        if block.isHalf {
            linear(block, HalfPanelColumns<Self>.self, elementBytes: 2)
        } else {
            linear(block, FloatPanelColumns<Self>.self, elementBytes: 4)
        }
    }

    @inlinable @inline(__always)
    package static func linear<Columns: TileColumns>(
        _ block: LinearBlock, _: Columns.Type, elementBytes: Int
    ) where Columns.Unit == Self {
        let rowBlocks = (block.rows + tileRows - 1) / tileRows
        let panelBytes = 16 * elementBytes * block.depth
        withUnsafeTemporaryAllocation(byteCount: 4 * tileRows * tileColumns, alignment: 64) { scratch in
            let sums = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
            for column in stride(from: 0, to: block.columns, by: tileColumns) {
                let b = block.panels + (column / 16 * panelBytes + column % 16 * elementBytes)
                // The last panel may be alone: then both halves of the tile are the same one.
                let rightOffset =
                    width < 16 ? width * elementBytes : column + 16 < block.columns ? panelBytes : 0
                for rowBlock in 0..<rowBlocks {
                    let rows = evenBlock(rowBlock, of: rowBlocks, rows: block.rows)
                    tileProduct(
                        rows: rows.count, Columns.self,
                        a: block.input + rows.lowerBound * block.inputStride, rowStride: block.inputStride, step: 1,
                        b: b, stride: 0, rightOffset: rightOffset, depth: block.depth,
                        target: sums, targetStride: tileColumns)
                    finish(block, sums, rows: rows, column: column)
                }
            }
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
