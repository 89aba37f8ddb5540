internal import Kernels

/// The horizontal pass: makes target pixels of one batch of source rows after the other.
struct ResampleRows {
    private var pixels: [ResampledPixel] = []
    private var weights: [PairedWeights] = []
    private let sourceWidth: Int
    private let kernels: PictureKernels

    /// - Parameter targets: the target columns to make.
    init(_ axis: ResampleAxis, targets: Range<Int>, kernels: PictureKernels) {
        self.kernels = kernels
        sourceWidth = axis.source
        pixels.reserveCapacity(targets.count)
        for target in targets {
            let (blocks, pairs) = axis.pairedWeights(of: target, from: 0, unit: RowResampling.pixelsPerBlock)
            pixels.append(
                ResampledPixel(firstBlock: blocks.lowerBound, endBlock: blocks.upperBound, firstWeight: weights.count))
            weights += pairs
        }
    }

    /// - Parameters:
    ///   - source: whole source rows.
    ///   - output: `RowBatch.capacity` rows of three bytes for each target column, and up to seven that are written too.
    ///   - stride: bytes from a row of `output` to the next.
    func resample(_ source: RowBatch, into output: UnsafeMutablePointer<UInt8>, stride: Int) {
        pixels.withUnsafeBufferPointer { pixels in
            weights.withUnsafeBufferPointer { weights in
                kernels.resample(
                    RowResampling(
                        source: source, width: sourceWidth, pixels: pixels, weights: weights.baseAddress!,
                        output: output, outputStride: stride))
            }
        }
    }
}
