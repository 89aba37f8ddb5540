/// How a pixel of a resized row is made.
@frozen @usableFromInline package struct ResampledPixel: BitwiseCopyable, Sendable {
    /// Blocks of `RowResampling.pixelsPerBlock` source pixels, at least one; only the row's last may lack pixels.
    @usableFromInline package var firstBlock: Int
    @usableFromInline package var endBlock: Int
    /// Where their weights begin: two pairs a block, pixels 0 and 2, then 1 and 3.
    @usableFromInline package var firstWeight: Int

    @inlinable
    package init(firstBlock: Int, endBlock: Int, firstWeight: Int) {
        self.firstBlock = firstBlock
        self.endBlock = endBlock
        self.firstWeight = firstWeight
    }
}

/// A batch of rows that is resized from side to side.
@usableFromInline package struct RowResampling {
    @inlinable @inline(__always)
    package static var pixelsPerBlock: Int { 4 }

    @usableFromInline package var source: RowBatch
    /// Pixels of a source row.
    @usableFromInline package var width: Int
    @usableFromInline package var pixels: UnsafeBufferPointer<ResampledPixel>
    @usableFromInline package var weights: UnsafePointer<PairedWeights>
    /// `RowBatch.capacity` rows of three bytes for each pixel, and up to seven that are written too.
    @usableFromInline package var output: UnsafeMutablePointer<UInt8>
    /// Bytes from a row of `output` to the next.
    @usableFromInline package var outputStride: Int

    @inlinable
    package init(
        source: RowBatch, width: Int, pixels: UnsafeBufferPointer<ResampledPixel>,
        weights: UnsafePointer<PairedWeights>, output: UnsafeMutablePointer<UInt8>, outputStride: Int
    ) {
        self.source = source
        self.width = width
        self.pixels = pixels
        self.weights = weights
        self.output = output
        self.outputStride = outputStride
    }
}

extension PictureUnit {
    @inlinable @inline(__always)
    package static func resample(_ job: RowResampling) {
        let sampleCount = 3 * job.pixels.count
        withUnsafeTemporaryAllocation(
            of: SIMD16<Int16>.self, capacity: TransposedRows<Self>.vectorCapacity
        ) { vectors in
            withUnsafeTemporaryAllocation(of: SIMD8<UInt8>.self, capacity: sampleCount + 7) { columns in
                let columns = columns.baseAddress!
                (columns + sampleCount).initialize(repeating: .zero, count: 7)
                makePixels(
                    job, TransposedRows<Self>(job.source, width: job.width, vectors: vectors.baseAddress!), columns)
                turnBack(columns, sampleCount, job)
            }
        }
    }

    // Functions apart: inside a temporary allocation's closure, intrinsics would remain calls.

    /// - Parameter columns: takes a vector of rows for each sample.
    @inlinable @inline(never)
    static func makePixels(
        _ job: RowResampling, _ rows: TransposedRows<Self>, _ columns: UnsafeMutablePointer<SIMD8<UInt8>>
    ) {
        var rows = rows
        for x in 0..<job.pixels.count {
            makePixel(&rows, job.pixels[x], job.weights + job.pixels[x].firstWeight, columns + 3 * x)
        }
    }

    @inlinable @inline(never)
    static func turnBack(_ columns: UnsafePointer<SIMD8<UInt8>>, _ sampleCount: Int, _ job: RowResampling) {
        for sample in stride(from: 0, to: sampleCount, by: 8) {
            let square = UnsafeRawPointer(columns + sample)
            let rows = transposed { square + 8 * $0 }
            let target = UnsafeMutableRawPointer(job.output + sample)
            storeTwo(rows.0, target, job.outputStride)
            storeTwo(rows.1, target + 2 * job.outputStride, job.outputStride)
            storeTwo(rows.2, target + 4 * job.outputStride, job.outputStride)
            storeTwo(rows.3, target + 6 * job.outputStride, job.outputStride)
        }
    }

    @inlinable @inline(__always)
    static func storeTwo(_ rows: SIMD16<UInt8>, _ output: UnsafeMutableRawPointer, _ stride: Int) {
        output.storeBytes(of: rows.lowHalf, as: SIMD8<UInt8>.self)
        output.storeBytes(of: rows.highHalf, toByteOffset: stride, as: SIMD8<UInt8>.self)
    }

    /// Makes one pixel of all rows: a vector each of red, green and blue.
    @inlinable @inline(__always)
    static func makePixel(
        _ rows: inout TransposedRows<Self>, _ pixel: ResampledPixel, _ weights: UnsafePointer<PairedWeights>,
        _ target: UnsafeMutablePointer<SIMD8<UInt8>>
    ) {
        var (red, green, blue) = (SplitSums<Self>(), SplitSums<Self>(), SplitSums<Self>())
        var weights = weights
        var first = pixel.firstBlock
        repeat {
            var (count, vectors) = rows.take(first, pixel.endBlock)
            first += count
            repeat {
                for pair in 0..<2 {
                    let (high, low) = (weights[pair].high, weights[pair].low)
                    red.add(vectors[3 * pair], high: high, low: low)
                    green.add(vectors[3 * pair + 1], high: high, low: low)
                    blue.add(vectors[3 * pair + 2], high: high, low: low)
                }
                vectors += TransposedRows<Self>.vectorsPerBlock
                weights += 2
                count -= 1
            } while count > 0
        } while first < pixel.endBlock
        target[0] = SplitSums<Self>.rounded(red.total)
        target[1] = SplitSums<Self>.rounded(green.total)
        target[2] = SplitSums<Self>.rounded(blue.total)
    }
}

/// A batch of rows that is added to the sums of one resized row.
@usableFromInline package struct WeightedRows {
    /// Rows of which the last bytes are read in eights.
    @usableFromInline package var source: RowBatch
    /// Four pairs: rows 0 and 2, 1 and 3, 4 and 6, 5 and 7.
    @usableFromInline package var weights: UnsafePointer<PairedWeights>
    /// Eight samples to a vector.
    @usableFromInline package var sums: UnsafeMutablePointer<SIMD8<Int32>>
    /// Samples of a row.
    @usableFromInline package var count: Int
    /// Takes the row if it is complete now.
    @usableFromInline package var output: UnsafeMutablePointer<UInt8>?

    @inlinable
    package init(
        source: RowBatch, weights: UnsafePointer<PairedWeights>, sums: UnsafeMutablePointer<SIMD8<Int32>>, count: Int,
        output: UnsafeMutablePointer<UInt8>?
    ) {
        self.source = source
        self.weights = weights
        self.sums = sums
        self.count = count
        self.output = output
    }
}

extension PictureUnit {
    @inlinable @inline(__always)
    package static func addRows(_ job: WeightedRows) {
        let (high0, low0) = (job.weights[0].high, job.weights[0].low)
        let (high1, low1) = (job.weights[1].high, job.weights[1].low)
        let (high2, low2) = (job.weights[2].high, job.weights[2].low)
        let (high3, low3) = (job.weights[3].high, job.weights[3].low)
        for index in 0..<(job.count + 7) / 8 {
            @inline(__always)
            func pairs(_ first: Int, _ second: Int) -> SIMD16<Int16> {
                let first = loadEight(job.source.row(first) + 8 * index)
                return widened(interleavedLow(first, loadEight(job.source.row(second) + 8 * index)))
            }
            var sum = SplitSums<Self>()
            sum.add(pairs(0, 2), high: high0, low: low0)
            sum.add(pairs(1, 3), high: high1, low: low1)
            sum.add(pairs(4, 6), high: high2, low: low2)
            sum.add(pairs(5, 7), high: high3, low: low3)
            job.sums[index] &+= sum.total
        }
        guard let output = job.output else { return }
        for index in 0..<job.count / 8 {
            UnsafeMutableRawPointer(output + 8 * index).storeBytes(
                of: SplitSums<Self>.rounded(job.sums[index]), as: SIMD8<UInt8>.self)
        }
        let rest = job.count & ~7
        guard rest < job.count else { return }
        let samples = SplitSums<Self>.rounded(job.sums[rest / 8])
        for i in rest..<job.count { output[i] = samples[i - rest] }
    }
}

/// The weights of a pair of taps, each in two parts, so that products fit the 16-bit multipliers that every processor
/// has: 256 × high + low.
///
/// A weight has a sign and less than 24 bits.
@frozen @usableFromInline package struct PairedWeights: BitwiseCopyable, Sendable {
    @usableFromInline let highParts: Int32
    @usableFromInline let lowParts: Int32

    package init(_ first: Int32, _ second: Int32) {
        highParts = unsafeBitCast(
            SIMD2(Int16(truncatingIfNeeded: first >> 8), Int16(truncatingIfNeeded: second >> 8)), to: Int32.self)
        lowParts = unsafeBitCast(SIMD2(Int16(first & 0xFF), Int16(second & 0xFF)), to: Int32.self)
    }

    /// In every pair of lanes.
    @inlinable @inline(__always)
    var high: SIMD16<Int16> { unsafeBitCast(SIMD8<Int32>(repeating: highParts), to: SIMD16<Int16>.self) }

    /// In every pair of lanes.
    @inlinable @inline(__always)
    var low: SIMD16<Int16> { unsafeBitCast(SIMD8<Int32>(repeating: lowParts), to: SIMD16<Int16>.self) }
}

/// Eight fixed-point sums of samples times weights, in the two parts that `PairedWeights` have.
@frozen @usableFromInline struct SplitSums<Unit: PictureUnit> {
    /// Bits after the point of a weight.
    @inlinable @inline(__always)
    static var fractionBits: Int32 { 22 }

    @usableFromInline var high = SIMD8<Int32>.zero
    @usableFromInline var low = SIMD8<Int32>.zero

    @inlinable @inline(__always)
    init() {}

    @inlinable @inline(__always)
    mutating func add(_ samples: SIMD16<Int16>, high highWeights: SIMD16<Int16>, low lowWeights: SIMD16<Int16>) {
        high &+= Unit.pairedProducts(samples, highWeights)
        low &+= Unit.pairedProducts(samples, lowWeights)
    }

    @inlinable @inline(__always)
    var total: SIMD8<Int32> { high &<< 8 &+ low }

    /// Sums as samples, rounded and clipped to 0…255.
    @inlinable @inline(__always)
    static func rounded(_ sums: SIMD8<Int32>) -> SIMD8<UInt8> {
        Unit.clampedBytes((sums &+ 1 &<< (fractionBits - 1)) &>> fractionBits)
    }
}

/// A few rows that are resized at once, one below the other.
@frozen @usableFromInline package struct RowBatch {
    /// The most rows.
    @inlinable @inline(__always)
    package static var capacity: Int { 8 }

    /// RGB.
    @usableFromInline package var samples: UnsafePointer<UInt8>
    /// Bytes from a row to the next.
    @usableFromInline package var stride: Int
    /// 1…`capacity`.
    @usableFromInline package var count: Int

    @inlinable @inline(__always)
    package init(samples: UnsafePointer<UInt8>, stride: Int, count: Int) {
        self.samples = samples
        self.stride = stride
        self.count = count
    }

    /// Row `index` of `capacity`: the last one again where there are fewer.
    @inlinable @inline(__always)
    package func row(_ index: Int) -> UnsafePointer<UInt8> { samples + min(index, count - 1) * stride }
}

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
