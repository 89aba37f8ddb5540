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
