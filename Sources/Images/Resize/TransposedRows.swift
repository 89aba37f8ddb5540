/// The rows of a batch, turned so that a vector holds what stands in the same place of all of them.
///
/// Pixels go by blocks of four, six vectors each: red, green and blue of pixels 0 and 2 in pairs, then those of pixels
/// 1 and 3. A window of blocks is at hand, which moves to the right.
struct TransposedRows {
    static let pixelsPerBlock = 4
    static let vectorsPerBlock = 6
    /// Blocks of the window: few enough to stay in the first cache. Blocks are turned by twos.
    private static let capacity = 128
    static let vectorCapacity = (capacity + 1) * vectorsPerBlock

    private let source: RowBatch
    private let width: Int
    private let vectors: UnsafeMutablePointer<SamplePairs>
    /// The window's first block.
    private var start = 0
    /// Those from `start` to here are turned.
    private var end = 0

    /// - Parameters:
    ///   - width: pixels of a row.
    ///   - vectors: room for `vectorCapacity`.
    init(_ source: RowBatch, width: Int, vectors: UnsafeMutablePointer<SamplePairs>) {
        self.source = source
        self.width = width
        self.vectors = vectors
    }

    /// - Parameter blocks: not empty. Those of one target pixel after the other are taken, from left to right.
    /// - Returns: how many of `blocks` are at hand, from the first one on, and their vectors.
    @inline(__always)
    mutating func take(_ blocks: Range<Int>) -> (count: Int, vectors: UnsafePointer<SamplePairs>) {
        let count = min(blocks.upperBound &- blocks.lowerBound, Self.capacity)
        let last = blocks.lowerBound &+ count
        if last > end || blocks.lowerBound < start { turn(blocks.lowerBound, last) }
        return (count, UnsafePointer(vectors + (blocks.lowerBound &- start) &* Self.vectorsPerBlock))
    }

    @inline(never)
    private mutating func turn(_ first: Int, _ last: Int) {
        if last > start + Self.capacity || first > end || first < start { (start, end) = (first, first) }
        while end < last {
            let pixel = Self.pixelsPerBlock * end
            let target = vectors + (end - start) * Self.vectorsPerBlock
            if pixel + 8 <= width {
                turnEight(target) { UnsafeRawPointer(source.row($0) + 3 &* pixel) }
            } else {
                withUnsafeTemporaryAllocation(byteCount: 24 * RowBatch.capacity, alignment: 8) { copy in
                    let copy = copy.baseAddress!
                    copy.initializeMemory(as: UInt8.self, repeating: 0, count: 24 * RowBatch.capacity)
                    for row in 0..<RowBatch.capacity {
                        (copy + 24 * row).copyMemory(from: source.row(row) + 3 * pixel, byteCount: 3 * (width - pixel))
                    }
                    turnEight(target) { UnsafeRawPointer(copy + 24 &* $0) }
                }
            }
            end += 2
        }
    }

    @inline(__always)
    private func turnEight(_ target: UnsafeMutablePointer<SamplePairs>, row: (Int) -> UnsafeRawPointer) {
        let left = transposed { row($0) }
        let middle = transposed { row($0) + 8 }
        let right = transposed { row($0) + 16 }
        store(left.0, left.3, target)
        store(left.1, middle.0, target + 2)
        store(left.2, middle.1, target + 4)
        store(middle.2, right.1, target + 6)
        store(middle.3, right.2, target + 8)
        store(right.0, right.3, target + 10)
    }

    /// Stores two columns, in pairs with the columns six further on.
    @inline(__always)
    private func store(_ columns: SampleBytes, _ partners: SampleBytes, _ target: UnsafeMutablePointer<SamplePairs>) {
        target[0] = widened(interleavedLow(columns, partners))
        target[1] = widened(interleavedHigh(columns, partners))
    }
}
