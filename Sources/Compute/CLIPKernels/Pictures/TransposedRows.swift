/// The rows of a batch, turned so that a vector holds what stands in the same place of all of them.
///
/// Pixels go by blocks of four, six vectors each: red, green and blue of pixels 0 and 2 in pairs, then those of pixels
/// 1 and 3. A window of blocks is at hand, which moves to the right.
@frozen @usableFromInline struct TransposedRows<Unit: PictureUnit> {
    @inlinable @inline(__always)
    static var vectorsPerBlock: Int { 6 }
    /// Blocks of the window: few enough to stay in the first cache. Blocks are turned by twos.
    @inlinable @inline(__always)
    static var capacity: Int { 128 }
    @inlinable @inline(__always)
    static var vectorCapacity: Int { (capacity + 1) * vectorsPerBlock }

    @usableFromInline let source: RowBatch
    @usableFromInline let width: Int
    @usableFromInline let vectors: UnsafeMutablePointer<SIMD16<Int16>>
    /// The window's first block.
    @usableFromInline var start = 0
    /// Those from `start` to here are turned.
    @usableFromInline var end = 0

    /// - Parameters:
    ///   - width: pixels of a row.
    ///   - vectors: room for `vectorCapacity`.
    @inlinable @inline(__always)
    init(_ source: RowBatch, width: Int, vectors: UnsafeMutablePointer<SIMD16<Int16>>) {
        self.source = source
        self.width = width
        self.vectors = vectors
    }

    /// Puts the blocks from `first` to `last` at hand, not none. Those of one target pixel after the other are taken, from
    /// left to right.
    /// - Returns: how many are at hand, from the first one on, and their vectors.
    @inlinable @inline(__always)
    mutating func take(_ first: Int, _ last: Int) -> (count: Int, vectors: UnsafePointer<SIMD16<Int16>>) {
        let count = min(last - first, Self.capacity)
        if first + count > end || first < start { turn(first, first + count) }
        return (count, UnsafePointer(vectors + (first - start) * Self.vectorsPerBlock))
    }

    @inlinable @inline(never)
    mutating func turn(_ first: Int, _ last: Int) {
        if last > start + Self.capacity || first > end || first < start { (start, end) = (first, first) }
        while end < last {
            let pixel = RowResampling.pixelsPerBlock * end
            let target = vectors + (end - start) * Self.vectorsPerBlock
            if pixel + 8 <= width {
                turnEight(target) { UnsafeRawPointer(source.row($0) + 3 * pixel) }
            } else {
                turnRest(target, pixel)
            }
            end += 2
        }
    }

    /// The last pixels of a row, fewer than eight, with zeros behind them.
    @inlinable @inline(__always)
    func turnRest(_ target: UnsafeMutablePointer<SIMD16<Int16>>, _ pixel: Int) {
        withUnsafeTemporaryAllocation(byteCount: 24 * RowBatch.capacity, alignment: 8) { copy in
            let copy = copy.baseAddress!
            for row in 0..<RowBatch.capacity {
                let target = (copy + 24 * row).initializeMemory(as: UInt8.self, repeating: 0, count: 24)
                target.update(from: source.row(row) + 3 * pixel, count: 3 * (width - pixel))
            }
            turnEight(target) { UnsafeRawPointer(copy + 24 * $0) }
        }
    }

    @inlinable @inline(__always)
    func turnEight(_ target: UnsafeMutablePointer<SIMD16<Int16>>, row: (Int) -> UnsafeRawPointer) {
        let left = Unit.transposed { row($0) }
        let middle = Unit.transposed { row($0) + 8 }
        let right = Unit.transposed { row($0) + 16 }
        store(left.0, left.3, target)
        store(left.1, middle.0, target + 2)
        store(left.2, middle.1, target + 4)
        store(middle.2, right.1, target + 6)
        store(middle.3, right.2, target + 8)
        store(right.0, right.3, target + 10)
    }

    /// Stores two columns, in pairs with the columns six further on.
    @inlinable @inline(__always)
    func store(_ columns: SIMD16<UInt8>, _ partners: SIMD16<UInt8>, _ target: UnsafeMutablePointer<SIMD16<Int16>>) {
        target[0] = Unit.widened(Unit.interleavedLow(columns, partners))
        target[1] = Unit.widened(Unit.interleavedHigh(columns, partners))
    }
}
