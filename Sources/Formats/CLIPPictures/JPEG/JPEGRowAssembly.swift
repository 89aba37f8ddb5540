internal import CLIPKernels

/// Turns the components' samples into rows of the picture, as soon as the samples that they need are there.
final class JPEGRowAssembly {
    private let frame: JPEGFrame
    private let colour: JPEGColour
    private let kernels: PictureKernels
    private let upsamplers: [JPEGUpsampler]
    /// `[height, width, 3]`.
    private let output: UnsafeMutableBufferPointer<UInt8>
    /// The picture's next row.
    private var nextRow = 0
    /// One for each component: where the samples of the MCU row under way go.
    let windows: [JPEGSampleWindow]

    /// - Parameters:
    ///   - output: `width * height * 3` bytes.
    ///   - band: whose rows of the picture are made.
    init(
        _ frame: JPEGFrame, colour: JPEGColour, output: UnsafeMutableBufferPointer<UInt8>, band: JPEGBand,
        kernels: PictureKernels
    ) throws(PictureError) {
        precondition(output.count == frame.width * frame.height * 3, "the output has the picture's size")
        self.frame = frame
        self.colour = colour
        self.kernels = kernels
        self.output = output
        nextRow = band.rows.lowerBound == 0 ? 0 : Self.completeRows(frame, mcuRow: band.rows.lowerBound - 1)
        windows = frame.components.map {
            JPEGSampleWindow($0, groupsPerMCURow: frame.blockSize, mcuRow: band.start)
        }
        var upsamplers: [JPEGUpsampler] = []
        for (component, window) in zip(frame.components, windows) {
            upsamplers.append(try JPEGUpsampler(component, frame: frame, window: window, kernels: kernels))
        }
        self.upsamplers = upsamplers
    }

    /// The rows of the picture that can be made of the MCU rows up to `mcuRow`.
    private static func completeRows(_ frame: JPEGFrame, mcuRow: Int) -> Int {
        // The last row group needs the one below to interpolate, which the next MCU row brings.
        let isLast = mcuRow == frame.mcuRows - 1
        let groups = (mcuRow + 1) * frame.blockSize - (isLast ? 0 : 1)
        return min(groups * frame.maximumVertical, frame.height)
    }

    /// To be called when the windows hold the MCU row `mcuRow`.
    func finish(mcuRow: Int) {
        let end = Self.completeRows(frame, mcuRow: mcuRow)
        while nextRow < end {
            let rows = upsamplers.map { $0.row(nextRow) }
            colour.convert(rows, width: frame.width, into: output.baseAddress! + nextRow * frame.width * 3, kernels)
            nextRow += 1
        }
        for window in windows { window.advance() }
    }
}
