/// How a weight is stored.
@usableFromInline package enum WeightElement: Sendable, CaseIterable {
    case float32
    case float16
    /// Whole numbers of −4095…4095, each column with a scale of its own.
    case int16
    /// Whole numbers of −127…127, each column with a scale of its own.
    case int8

    package var byteCount: Int {
        switch self {
        case .float32: 4
        case .float16, .int16: 2
        case .int8: 1
        }
    }

    /// How many inputs of a column lie side by side in a panel; the last of them are filled up with zeros.
    package var groupSize: Int {
        switch self {
        case .float32, .float16: 1
        case .int16: 2
        case .int8: 4
        }
    }

    /// Whether weights are whole numbers, whose scales are needed beside them.
    package var isWhole: Bool { self == .int16 || self == .int8 }

    /// The largest whole number.
    package var largestNumber: Float { self == .int8 ? 127 : BlockNumbers.largest }
}

/// The weights of some output columns of a linear layer, in panels of sixteen: `[K / group][16][group]`, K padded to whole
/// groups.
@usableFromInline package struct WeightPanels {
    /// The panel of the first column; the others follow.
    @usableFromInline package var base: UnsafeRawPointer
    @usableFromInline package var element: WeightElement
    /// K, the length of an input row.
    @usableFromInline package var depth: Int
    @usableFromInline package var columns: Int
    /// Of whole numbers what one counts in each column, and the sum of the column's. Readable up to a whole panel.
    @usableFromInline package var scales: UnsafePointer<Float>?
    @usableFromInline package var sums: UnsafePointer<Int32>?

    @inlinable
    package init(
        _ base: UnsafeRawPointer, _ element: WeightElement, depth: Int, columns: Int,
        scales: UnsafePointer<Float>? = nil, sums: UnsafePointer<Int32>? = nil
    ) {
        self.base = base
        self.element = element
        self.depth = depth
        self.columns = columns
        self.scales = scales
        self.sums = sums
    }
}

/// What a linear layer applies to its output.
@usableFromInline package enum LinearActivation: Sendable, CaseIterable {
    case identity
    /// x·σ(1.702x).
    case quickGELU
    /// x·Φ(x), with the error function.
    case gelu
    /// x·½(1 + tanh(√(2/π)(x + 0.044715x³))).
    case tanhGELU
    /// x·σ(x).
    case silu
    /// max(0, x).
    case relu
    /// min(max(0, x), 6).
    case relu6
}

/// What becomes of a linear layer's sums: plus bias, plus residual, through the activation.
@usableFromInline package struct LinearOutput {
    /// The first output column of the first row on.
    @usableFromInline package var target: MutableRows<Float>
    /// One float per column.
    @usableFromInline package var bias: UnsafePointer<Float>?
    @usableFromInline package var activation: LinearActivation
    /// It may be the target itself.
    @usableFromInline package var residual: Rows<Float>?

    @inlinable
    package init(
        _ target: MutableRows<Float>, bias: UnsafePointer<Float>? = nil, activation: LinearActivation = .identity,
        residual: Rows<Float>? = nil
    ) {
        self.target = target
        self.bias = bias
        self.activation = activation
        self.residual = residual
    }

    /// Some rows of it, from a column on.
    package func part(_ rows: Range<Int>, from column: Int) -> LinearOutput {
        LinearOutput(
            target[rows].columns(from: column), bias: bias.map { $0 + column }, activation: activation,
            residual: residual.map { $0[rows].columns(from: column) })
    }
}

/// Rows that a linear layer takes in, of one run of numbers or of several: the square around a place of a map is as many
/// runs as it has lines.
@usableFromInline package struct LinearInput {
    /// Each row's first run.
    @usableFromInline package var rows: Rows<Float>
    /// Runs of a row, all as long.
    @usableFromInline package var runs: Int
    /// From one run to the next.
    @usableFromInline package var runStride: Int

    @inlinable
    package init(_ rows: Rows<Float>, runs: Int = 1, runStride: Int = 0) {
        self.rows = rows
        self.runs = runs
        self.runStride = runStride
    }
}

extension VectorUnit {
    /// Computes input · weightsᵀ, weights being floats, and what becomes of it.
    ///
    /// A tile's width of columns stays in the cache while all rows pass, so that weights come from memory once. The first
    /// tile leaves half-precision ones behind widened.
    @inlinable @inline(__always)
    package static func linear(_ input: LinearInput, _ weights: WeightPanels, _ output: LinearOutput) {
        let rowCount = input.rows.count
        let isHalf = weights.element == .float16
        let depth = weights.depth
        let rowBlocks = (rowCount + tileRows - 1) / tileRows
        let elementBytes = isHalf ? 2 : 4
        let panelBytes = 16 * elementBytes * depth
        // A single tile does nothing but stream 32-bit weights: the processor fetches those best by itself.
        let aheadBytes = isHalf || rowBlocks > 1 ? max(16, tileColumns) * elementBytes * depth : 0
        let sumCount = tileRows * tileColumns
        let floats = sumCount + (isHalf && rowBlocks > 1 ? depth * tileColumns : 0)
        withUnsafeTemporaryAllocation(byteCount: 4 * floats, alignment: 64) { scratch in
            let sums = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
            let widened = sums + sumCount
            for column in stride(from: 0, to: weights.columns, by: tileColumns) {
                let b = weights.base + (column / 16 * panelBytes + column % 16 * elementBytes)
                // The last panel may be alone: then both halves of the tile are the same one.
                let rightOffset =
                    width < 16 ? width * elementBytes : column + 16 < weights.columns ? panelBytes : 0
                let half = HalfPanelColumns<Self>(b, rightOffset: rightOffset)
                for rowBlock in 0..<rowBlocks {
                    let rows = evenBlock(rowBlock, of: rowBlocks, rows: rowCount)
                    // Every tile asks for its share of the next tile's columns.
                    let part = evenBlock(rowBlock, of: rowBlocks, rows: aheadBytes)
                    let ahead = StretchLookahead(
                        b + aheadBytes + part.lowerBound, byteCount: part.count, depth: depth,
                        isStream: rowCount <= 16)
                    prefetchOutput(output, rows: rows, column: column)
                    @inline(__always) func product(_ columns: some TileColumns<Self>) {
                        tileProduct(
                            rows: rows.count, RowMajorRows.self, a: input.rows[rows.lowerBound],
                            aStride: input.rows.stride, b: columns, depth: depth / input.runs, runs: input.runs,
                            runStride: input.runStride, target: sums, targetStride: tileColumns, ahead: ahead)
                    }
                    if !isHalf {
                        product(FloatPanelColumns<Self>(b, rightOffset: rightOffset))
                    } else if rowBlocks == 1 {
                        product(half)
                    } else if rowBlock == 0 {
                        product(WideningColumns(half, into: widened))
                    } else {
                        product(PackedColumns<Self>(widened))
                    }
                    finish(
                        FloatSums<Self>(sums, bias: output.bias), output, rows: rows,
                        columns: column..<min(column + tileColumns, weights.columns))
                }
            }
        }
    }

    /// Asks for the memory that finishing a tile reads and writes: its columns of `rows` in the target, and in the
    /// residual unless that is the target.
    @inlinable @inline(__always)
    package static func prefetchOutput(_ output: LinearOutput, rows: Range<Int>, column: Int) {
        prefetchRows(Rows(output.target), rows, column: column)
        if let residual = output.residual, residual.base != output.target.base {
            prefetchRows(residual, rows, column: column)
        }
    }

    /// Asks for a tile's columns of some rows.
    @inlinable @inline(__always)
    package static func prefetchRows(_ matrix: Rows<Float>, _ rows: Range<Int>, column: Int) {
        for row in rows {
            let line = UnsafeRawPointer(matrix[row] + column)
            prefetch(line)
            if tileColumns > 16 { prefetch(line + 64) }
        }
    }
}

/// The sums of a tile, a vector of columns of one row after another.
@usableFromInline package protocol TileSums<Unit> {
    associatedtype Unit: VectorUnit
    /// What all rows need for a vector of columns, such as their bias.
    associatedtype Columns
    /// - Parameter count: how many columns there are from `column` of the block on, at most a vector's.
    func columns(from column: Int, count: Int) -> Columns
    /// The sums, bias included, of a row of the tile.
    /// - Parameter offset: where in the tile `columns` begin.
    func row(_ row: Int, offset: Int, _ columns: Columns) -> Unit.Vector
}

/// Sums of floats.
@frozen @usableFromInline package struct FloatSums<Unit: VectorUnit>: TileSums {
    @usableFromInline let sums: UnsafePointer<Float>
    @usableFromInline let bias: UnsafePointer<Float>?

    @inlinable @inline(__always)
    package init(_ sums: UnsafePointer<Float>, bias: UnsafePointer<Float>?) {
        self.sums = sums
        self.bias = bias
    }

    @inlinable @inline(__always)
    package func columns(from column: Int, count: Int) -> Unit.Vector {
        // Minus zero changes no number, not even a zero's sign.
        guard let bias else { return Unit.Vector(repeating: -0.0) }
        return count == Unit.width ? Unit.load(bias + column) : Unit.load(bias + column, count: count)
    }

    @inlinable @inline(__always)
    package func row(_ row: Int, offset: Int, _ bias: Unit.Vector) -> Unit.Vector {
        Unit.load(sums + (row * Unit.tileColumns + offset)) + bias
    }
}

extension VectorUnit {
    /// Takes a tile's sums, residual added, through the activation to the target.
    /// - Parameters:
    ///   - rows: of the output, those of the tile.
    ///   - columns: of the output, those of the tile.
    @inlinable @inline(__always)
    package static func finish<Sums: TileSums>(
        _ sums: Sums, _ output: LinearOutput, rows: Range<Int>, columns: Range<Int>
    ) where Sums.Unit == Self {
        switch output.activation {
        case .identity: finish(sums, output, rows: rows, columns: columns) { $0 }
        case .quickGELU: finish(sums, output, rows: rows, columns: columns) { quickGELU($0) }
        case .gelu: finish(sums, output, rows: rows, columns: columns) { gelu($0) }
        case .tanhGELU: finish(sums, output, rows: rows, columns: columns) { tanhGELU($0) }
        case .silu: finish(sums, output, rows: rows, columns: columns) { silu($0) }
        case .relu: finish(sums, output, rows: rows, columns: columns) { relu($0) }
        case .relu6: finish(sums, output, rows: rows, columns: columns) { relu6($0) }
        }
    }

    @inlinable @inline(__always)
    package static func finish<Sums: TileSums>(
        _ sums: Sums, _ output: LinearOutput, rows: Range<Int>, columns: Range<Int>, activation: (Vector) -> Vector
    ) where Sums.Unit == Self {
        for column in stride(from: columns.lowerBound, to: columns.upperBound, by: width) {
            let offset = column - columns.lowerBound
            let count = min(width, columns.upperBound - column)
            let common = sums.columns(from: column, count: count)
            @inline(__always) func sum(_ row: Int) -> Vector {
                sums.row(row - rows.lowerBound, offset: offset, common)
            }
            let target = output.target.columns(from: column)
            let residual = output.residual?.columns(from: column)
            if count < width {
                for row in rows {
                    var sum = sum(row)
                    if let residual { sum += load(residual[row], count: count) }
                    store(activation(sum), target[row], count: count)
                }
            } else if let residual {
                for row in rows { store(activation(sum(row) + load(residual[row])), target[row]) }
            } else {
                for row in rows { store(activation(sum(row)), target[row]) }
            }
        }
    }
}
