/// Sixteen-bit linear layers: whole numbers of 13 bits, those of a row's inputs with a scale for each block of them.
///
/// The arithmetic is specified in `Sources/CLIP/Files/FORMAT.md`: every instruction set gives the same bits.
@usableFromInline package enum BlockNumbers {
    /// Inputs of a block at most. The sum of its products, at most 4095² · 128, stays below 2³¹.
    @inlinable @inline(__always)
    package static var blockSize: Int { 128 }
    /// The largest number. Weights and inputs lie in −4095…4095.
    @inlinable @inline(__always)
    package static var largest: Float { 4095 }
    /// A block whose largest magnitude is below this is all zeros: the factor to its numbers might not be finite.
    @inlinable @inline(__always)
    package static var smallestMagnitude: Float { 1e-30 }

    @inlinable @inline(__always)
    package static func blockCount(_ inputs: Int) -> Int { (inputs + blockSize - 1) / blockSize }
    /// The pairs that `inputs` numbers fill.
    @inlinable @inline(__always)
    package static func pairCount(_ inputs: Int) -> Int { (inputs + 1) / 2 }
}

/// Rows of whole numbers, two in a word, the first in the low half; behind an odd number of them stands a zero.
@frozen @usableFromInline package struct BlockRows {
    @usableFromInline package var words: UnsafePointer<Int32>
    /// Words from one row to the next.
    @usableFromInline package var stride: Int
    /// What a number counts in each block, `[rows, blocks]`. NaN says that the row holds what is not finite.
    @usableFromInline package var scales: UnsafePointer<Float>
    /// The blocks of a row.
    @usableFromInline package var blocks: Int
    @usableFromInline package var count: Int

    @inlinable @inline(__always)
    package init(words: UnsafePointer<Int32>, stride: Int, scales: UnsafePointer<Float>, blocks: Int, count: Int) {
        self.words = words
        self.stride = stride
        self.scales = scales
        self.blocks = blocks
        self.count = count
    }

    @inlinable @inline(__always)
    package subscript(range: Range<Int>) -> BlockRows {
        BlockRows(
            words: words + range.lowerBound * stride, stride: stride, scales: scales + range.lowerBound * blocks,
            blocks: blocks, count: range.count)
    }
}

/// Where a row's numbers and scales go.
@frozen @usableFromInline package struct BlockTarget {
    @usableFromInline package var words: UnsafeMutablePointer<Int32>
    @usableFromInline package var scales: UnsafeMutablePointer<Float>

    @inlinable @inline(__always)
    package init(words: UnsafeMutablePointer<Int32>, scales: UnsafeMutablePointer<Float>) {
        self.words = words
        self.scales = scales
    }
}

extension QuantisingUnit {
    /// Turns the `columns` numbers of a row into whole numbers, block by block.
    ///
    /// Up to a vector of numbers behind the last is written too.
    @inlinable @inline(__always)
    package static func quantiseBlocks(_ input: UnsafePointer<Float>, columns: Int, into target: BlockTarget) {
        for block in 0..<BlockNumbers.blockCount(columns) {
            let start = block * BlockNumbers.blockSize
            target.scales[block] = quantiseBlock(
                input + start, count: min(BlockNumbers.blockSize, columns - start),
                into: UnsafeMutableRawPointer(target.words) + 2 * start)
        }
    }

    /// - Returns: the block's scale.
    @inlinable @inline(__always)
    package static func quantiseBlock(
        _ input: UnsafePointer<Float>, count: Int, into target: UnsafeMutableRawPointer
    ) -> Float {
        let (scale, factor) = blockScale(input, count: count)
        guard factor > 0 else {
            for column in stride(from: 0, to: count, by: width) {
                storeHalves(Integers(repeating: 0), target + 2 * column)
            }
            return scale
        }
        let whole = count / width * width
        let factors = Vector(repeating: factor)
        for column in stride(from: 0, to: whole, by: width) {
            storeHalves(rounded(load(input + column) * factors), target + 2 * column)
        }
        if whole < count {
            storeHalves(rounded(load(input + whole, count: count - whole) * factors), target + 2 * whole)
        }
        return scale
    }

    /// What a whole number of a block counts, and what makes ±4095 of its largest numbers; a factor of 0 where all its
    /// whole numbers are zeros.
    @inlinable @inline(__always)
    package static func blockScale(_ input: UnsafePointer<Float>, count: Int) -> (scale: Float, factor: Float) {
        let whole = count / width * width
        // Of magnitudes the bits are in the order of the numbers; infinities and NaNs stand above all others.
        var largest = Integers(repeating: 0)
        for column in stride(from: 0, to: whole, by: width) {
            largest = larger(largest, unsafeBitCast(absolute(load(input + column)), to: Integers.self))
        }
        if whole < count {
            let rest = load(input + whole, count: count - whole)
            largest = larger(largest, unsafeBitCast(absolute(rest), to: Integers.self))
        }
        let range = Float(bitPattern: UInt32(bitPattern: largestLane(largest)))
        guard range < .infinity else { return (.nan, 0) }
        guard range >= BlockNumbers.smallestMagnitude else { return (0, 0) }
        // At most 4095 · (1 + 2⁻²³) comes of it before rounding: no number needs to be cut off.
        return (range / BlockNumbers.largest, BlockNumbers.largest / range)
    }

    /// Whole numbers below 2²², ties to even: they stand in the low bits after 1.5 · 2²³ has been added.
    @inlinable @inline(__always)
    package static func rounded(_ values: Vector) -> Integers {
        let magic: Float = 0x1.8p23
        return unsafeBitCast(values + Vector(repeating: magic), to: Integers.self)
            &- Integers(repeating: Int32(bitPattern: magic.bitPattern))
    }

    /// The largest of lanes that are not negative.
    @inlinable @inline(__always)
    package static func largestLane(_ vector: Integers) -> Int32 {
        withUnsafeBytes(of: vector) { lanes in
            var most = lanes.load(as: SIMD4<Int32>.self)
            for quarter in 1..<max(width / 4, 1) {
                let other = lanes.load(fromByteOffset: 16 * quarter, as: SIMD4<Int32>.self)
                most.replace(with: other, where: other .> most)
            }
            let pair = most.lowHalf.replacing(with: most.highHalf, where: most.highHalf .> most.lowHalf)
            return max(pair[0], pair[1])
        }
    }
}

/// Sixteen-bit products: two of a lane of each operand, summed in 32 bits.
@usableFromInline package protocol BlockProducts: IntegerUnit {
    /// As many floats as there are sums.
    associatedtype Floats: SIMD & BitwiseCopyable where Floats.Scalar == Float
    static func floats(_ sums: Sums) -> Floats
}

/// A tile of a sixteen-bit matmul, `[rows, 2 vectors]`.
@usableFromInline package struct BlockTileJob {
    /// The rows of the tile.
    @usableFromInline package var input: BlockRows
    /// The pairs that K makes.
    @usableFromInline package var pairs: Int
    /// Weights of the first vector of columns, a pair every 64 bytes; the other vector's `rightOffset` bytes on.
    @usableFromInline package var weights: UnsafeRawPointer
    @usableFromInline package var rightOffset: Int
    /// The sums, `[rows, 2 vectors]`.
    @usableFromInline package var target: UnsafeMutablePointer<Float>
    /// What is fetched for later meanwhile.
    @usableFromInline package var ahead: StretchLookahead

    @inlinable
    package init(
        _ input: BlockRows, pairs: Int, weights: UnsafeRawPointer, rightOffset: Int,
        target: UnsafeMutablePointer<Float>, ahead: StretchLookahead
    ) {
        self.input = input
        self.pairs = pairs
        self.weights = weights
        self.rightOffset = rightOffset
        self.target = target
        self.ahead = ahead
    }
}

extension BlockProducts {
    @inlinable @inline(__always)
    package static func blockTile(_ job: BlockTileJob) {
        compute(BlockTileWork<Self>(job), rows: job.input.count)
    }
}

/// Block by block the sum of whole numbers, as a float, times the block's scale, added to the sum of floats.
@frozen @usableFromInline package struct BlockTileWork<Unit: BlockProducts>: TileWork {
    @usableFromInline let job: BlockTileJob

    @inlinable @inline(__always)
    package init(_ job: BlockTileJob) { self.job = job }

    @inlinable @inline(__always)
    package func compute<T: IntegerTile>(_: T.Type) where T.Unit == Unit {
        var tile = T()
        var ahead = job.ahead
        var words = job.input.words
        var weights = job.weights
        var scales = job.input.scales
        var left = job.pairs
        var isFirst = true
        while left > 0 {
            var pairs = min(BlockNumbers.blockSize / 2, left)
            left -= pairs
            while pairs > 0 {
                ahead.advance()
                var few = min(8, pairs)
                pairs -= few
                while few > 0 {
                    tile.accumulate(
                        words, stride: job.input.stride, weights.loadUnaligned(as: Unit.Sums.self),
                        (weights + job.rightOffset).loadUnaligned(as: Unit.Sums.self))
                    words += 1
                    weights += 64
                    few -= 1
                }
            }
            if isFirst {
                take(&tile, scales) { sum, _ in sum }
                isFirst = false
            } else {
                // Product and sum are rounded apart: not every instruction set could round them once.
                take(&tile, scales) { $1.loadUnaligned(as: Unit.Floats.self) + $0 }
            }
            scales += 1
        }
    }

    /// Takes a block's sums out of `tile` and stores what `sum` makes of each vector of them, times its row's scale, and
    /// of what the blocks before have left where it goes.
    @inlinable @inline(__always)
    package func take<T: IntegerTile>(
        _ tile: inout T, _ scales: UnsafePointer<Float>, _ sum: (Unit.Floats, UnsafeMutableRawPointer) -> Unit.Floats
    ) where T.Unit == Unit {
        tile.take { row, left, right in
            let scale = Unit.Floats(repeating: scales[row * job.input.blocks])
            let target = UnsafeMutableRawPointer(job.target + row * 2 * Unit.lanes)
            target.storeBytes(of: sum(Unit.floats(left) * scale, target), as: Unit.Floats.self)
            let next = target + 4 * Unit.lanes
            next.storeBytes(of: sum(Unit.floats(right) * scale, next), as: Unit.Floats.self)
        }
    }
}

extension VectorUnit {
    /// Computes input · weightsᵀ, both of whole numbers, and what becomes of it.
    ///
    /// A tile's width of columns stays in the cache while all rows pass, so that weights come from memory once.
    @inlinable @inline(__always)
    package static func blockLinear(
        _ input: BlockRows, _ weights: WeightPanels, _ output: LinearOutput, tileRows: Int,
        tile: (BlockTileJob) -> Void
    ) {
        let pairs = BlockNumbers.pairCount(weights.depth)
        let panelBytes = 64 * pairs
        let aheadBytes = max(16, tileColumns) / 16 * panelBytes
        let rowBlocks = (input.count + tileRows - 1) / tileRows
        withUnsafeTemporaryAllocation(byteCount: 4 * tileRows * tileColumns, alignment: 64) { scratch in
            let target = scratch.baseAddress!.assumingMemoryBound(to: Float.self)
            let sums = ScaledSums<Self>(target, scales: weights.scales!, bias: output.bias)
            for column in stride(from: 0, to: weights.columns, by: tileColumns) {
                // The last panel may be alone: then both halves of the tile are the same one.
                let rightOffset = width < 16 ? 4 * width : column + 16 < weights.columns ? panelBytes : 0
                let numbers = weights.base + (column / 16 * panelBytes + column % 16 * 4)
                for rowBlock in 0..<rowBlocks {
                    let rows = evenBlock(rowBlock, of: rowBlocks, rows: input.count)
                    // Every tile asks for its share of the next columns' weights.
                    let part = evenBlock(rowBlock, of: rowBlocks, rows: aheadBytes)
                    if input.count > 16 { prefetchOutput(output, rows: rows, column: column) }
                    tile(
                        BlockTileJob(
                            input[rows], pairs: pairs, weights: numbers, rightOffset: rightOffset, target: target,
                            ahead: StretchLookahead(
                                numbers + aheadBytes + part.lowerBound, byteCount: part.count, depth: pairs,
                                isStream: input.count <= 16)))
                    finish(sums, output, rows: rows, columns: column..<min(column + tileColumns, weights.columns))
                }
            }
        }
    }
}

/// Sums of floats that their columns' scales are still missing from.
@frozen @usableFromInline package struct ScaledSums<Unit: VectorUnit>: TileSums {
    @usableFromInline let sums: FloatSums<Unit>
    @usableFromInline let scales: UnsafePointer<Float>

    @inlinable @inline(__always)
    package init(_ sums: UnsafePointer<Float>, scales: UnsafePointer<Float>, bias: UnsafePointer<Float>?) {
        self.sums = FloatSums(sums, bias: bias)
        self.scales = scales
    }

    @inlinable @inline(__always)
    package func columns(from column: Int, count: Int) -> (scales: Unit.Vector, bias: Unit.Vector) {
        (Unit.load(scales + column), sums.columns(from: column, count: count))
    }

    @inlinable @inline(__always)
    package func row(
        _ row: Int, offset: Int, _ columns: (scales: Unit.Vector, bias: Unit.Vector)
    ) -> Unit.Vector {
        Unit.load(sums.sums + (row * Unit.tileColumns + offset)) * columns.scales + columns.bias
    }
}
