internal import CLIPThreads
internal import CLIPKernels

/// The picture that is being decoded, and how many threads may work on it.
struct JPEGCanvas {
    let frame: JPEGFrame
    let threads: Int
    private let colour: JPEGColour
    private let kernels: PictureKernels
    private let pixels: UnsafeMutableBufferPointer<UInt8>

    /// - Parameters:
    ///   - pixels: `[height, width, 3]`.
    ///   - options: the threads that the caller allows.
    init(
        _ frame: JPEGFrame, colour: JPEGColour, pixels: UnsafeMutableBufferPointer<UInt8>, options: DecodingOptions
    ) {
        self.frame = frame
        self.colour = colour
        kernels = options.kernels
        self.pixels = pixels
        threads = frame.codedWidth * frame.codedHeight < options.leastSharedPixels ? 1 : options.threads
    }

    func assembly(of band: JPEGBand) throws(PictureError) -> JPEGRowAssembly {
        try JPEGRowAssembly(frame, colour: colour, output: pixels, band: band, kernels: kernels)
    }
}

/// Calls `body` for each index below `count`, at the same time if there are threads for it.
func concurrently(_ count: Int, _ body: (Int) -> Void) {
    Parallel(threads: count, pool: .pictures).run(count, body)
}
