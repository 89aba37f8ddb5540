/// Turns coefficients into samples.
struct JPEGReconstruction {
    private let frame: JPEGFrame
    /// One for each component; nil where no scan was.
    private let quantisation: [JPEGStorage<Int16>?]
    /// Only for pictures whose coefficients are all at hand.
    private let smoothing: JPEGBlockSmoothing?

    init(_ frame: JPEGFrame, _ quantisation: [JPEGStorage<Int16>?], smoothing: JPEGBlockSmoothing? = nil) {
        self.frame = frame
        self.quantisation = quantisation
        self.smoothing = smoothing
    }

    /// Transforms an MCU row.
    /// - Parameters:
    ///   - coefficients: one for each component.
    ///   - top: at which MCU row of `coefficients` it is.
    func transform(_ coefficients: [JPEGCoefficients], top: Int, into windows: [JPEGSampleWindow]) {
        for (index, component) in frame.components.enumerated() {
            // A component without a scan stays at the middle level that the window begins with.
            guard let factors = quantisation[index] else { continue }
            let (plane, window) = (coefficients[index], windows[index])
            if let smoothing {
                smoothing.transform(component: index, plane, mcuRow: top, quantisation: factors.base, into: window)
                continue
            }
            for row in 0..<component.layout.vertical {
                let first = (top * component.layout.vertical + row) * plane.blocksPerRow
                for column in 0..<component.blocksPerRow {
                    JPEGInverseDCT.transform(
                        plane.block(first + column), extent: plane.set(first + column).pointee.extent,
                        quantisation: factors.base, size: component.blockSize,
                        into: window.block(row: row, column: column), stride: window.stride)
                }
            }
        }
    }
}
