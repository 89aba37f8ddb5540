/// The horizontal pass: makes target pixels of one batch of source rows after the other.
struct ResampleRows {
    /// How one target pixel is made.
    private struct Taps {
        /// Source pixels, in fours.
        let blocks: Range<Int>
        /// Where their weights begin, two pairs a block.
        let firstWeight: Int
    }

    private var taps: [Taps] = []
    private var weights: [PairedWeights] = []
    private let sourceWidth: Int

    /// - Parameter targets: the target columns to make.
    init(_ axis: ResampleAxis, targets: Range<Int>) {
        sourceWidth = axis.source
        taps.reserveCapacity(targets.count)
        for target in targets {
            let (blocks, pairs) = PairedWeights.pairs(
                axis.weights(of: target), first: axis.taps(of: target).lowerBound,
                unit: TransposedRows.pixelsPerBlock)
            taps.append(Taps(blocks: blocks, firstWeight: weights.count))
            weights += pairs
        }
    }

    /// - Parameters:
    ///   - source: whole source rows.
    ///   - output: `RowBatch.capacity` rows of three bytes for each target column, and up to seven that are written too.
    ///   - stride: bytes from a row of `output` to the next.
    func resample(_ source: RowBatch, into output: UnsafeMutablePointer<UInt8>, stride: Int) {
        let sampleCount = 3 * taps.count
        withUnsafeTemporaryAllocation(of: SamplePairs.self, capacity: TransposedRows.vectorCapacity) { vectors in
            withUnsafeTemporaryAllocation(of: SIMD8<UInt8>.self, capacity: sampleCount + 7) { columns in
                columns[sampleCount...].initialize(repeating: .zero)
                makeColumns(
                    TransposedRows(source, width: sourceWidth, vectors: vectors.baseAddress!), columns.baseAddress!)
                for sample in Swift.stride(from: 0, to: sampleCount, by: 8) {
                    let columns = UnsafeRawPointer(columns.baseAddress! + sample)
                    let rows = transposed { columns + 8 &* $0 }
                    let target = UnsafeMutableRawPointer(output + sample)
                    store(rows.0, target, stride)
                    store(rows.1, target + 2 &* stride, stride)
                    store(rows.2, target + 4 &* stride, stride)
                    store(rows.3, target + 6 &* stride, stride)
                }
            }
        }
    }

    @inline(__always)
    private func store(_ twoRows: SampleBytes, _ output: UnsafeMutableRawPointer, _ stride: Int) {
        output.storeBytes(of: twoRows.lowHalf, as: SIMD8<UInt8>.self)
        output.storeBytes(of: twoRows.highHalf, toByteOffset: stride, as: SIMD8<UInt8>.self)
    }

    /// - Parameter columns: takes three vectors for each target pixel.
    private func makeColumns(_ rows: TransposedRows, _ columns: UnsafeMutablePointer<SIMD8<UInt8>>) {
        var rows = rows
        weights.withUnsafeBufferPointer { weights in
            taps.withUnsafeBufferPointer { taps in
                for x in 0..<taps.count {
                    let taps = taps[x]
                    Self.makePixel(
                        &rows, taps.blocks, weights.baseAddress! + taps.firstWeight, into: columns + 3 &* x)
                }
            }
        }
    }

    /// Makes one target pixel of all rows.
    @inline(__always)
    private static func makePixel(
        _ rows: inout TransposedRows, _ blocks: Range<Int>, _ weights: UnsafePointer<PairedWeights>,
        into columns: UnsafeMutablePointer<SIMD8<UInt8>>
    ) {
        var (red, green, blue) = (SplitSums(), SplitSums(), SplitSums())
        var weights = weights
        var first = blocks.lowerBound
        repeat {
            var (count, vectors) = rows.take(first..<blocks.upperBound)
            first &+= count
            repeat {
                for pair in 0..<2 {
                    let (high, low) = (weights[pair].high, weights[pair].low)
                    red.add(vectors[3 &* pair], high: high, low: low)
                    green.add(vectors[3 &* pair &+ 1], high: high, low: low)
                    blue.add(vectors[3 &* pair &+ 2], high: high, low: low)
                }
                vectors += TransposedRows.vectorsPerBlock
                weights += 2
                count &-= 1
            } while count > 0
        } while first < blocks.upperBound
        columns[0] = roundedSamples(red.total)
        columns[1] = roundedSamples(green.total)
        columns[2] = roundedSamples(blue.total)
    }
}
