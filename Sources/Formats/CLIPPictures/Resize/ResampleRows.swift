internal import CLIPKernels

/// The horizontal pass: makes target pixels of one batch of source rows after the other.
struct ResampleRows {
    private var pixels: [ResampledPixel] = []
    private var weights: [PairedWeights] = []
    /// The source columns that rows have to begin and end with.
    let columns: Range<Int>
    private let kernels: PictureKernels

    /// - Parameter targets: the target columns to make.
    init(_ axis: ResampleAxis, targets: Range<Int>, kernels: PictureKernels) {
        self.kernels = kernels
        columns = axis.taps(of: targets)
        pixels.reserveCapacity(targets.count)
        for target in targets {
            let (blocks, pairs) = axis.pairedWeights(
                of: target, from: columns.lowerBound, unit: RowResampling.pixelsPerBlock)
            pixels.append(
                ResampledPixel(firstBlock: blocks.lowerBound, endBlock: blocks.upperBound, firstWeight: weights.count))
            weights += pairs
        }
    }

    /// - Parameters:
    ///   - source: source rows, of which `columns` are read.
    ///   - output: `RowBatch.capacity` rows of three bytes for each target column, and up to seven that are written too.
    ///   - stride: bytes from a row of `output` to the next.
    func resample(_ source: RowBatch, into output: UnsafeMutablePointer<UInt8>, stride: Int) {
        pixels.withUnsafeBufferPointer { pixels in
            weights.withUnsafeBufferPointer { weights in
                kernels.resample(
                    RowResampling(
                        source: source, width: columns.count, pixels: pixels, weights: weights.baseAddress!,
                        output: output, outputStride: stride))
            }
        }
    }
}
