internal import CLIPKernels

/// Brings a component's rows to the picture's size.
///
/// Components of half the width, half the height or both are interpolated with a triangle filter, in the reference
/// decoder's arithmetic ("fancy upsampling"); all other whole factors repeat samples.
struct JPEGUpsampler {
    private enum Method {
        case copy
        case halfWidth
        case halfHeight
        case halfBoth
        case replicate
    }

    private let method: Method
    private let window: JPEGSampleWindow
    /// Samples in a row that belong to the picture.
    private let width: Int
    private let horizontal: Int
    private let vertical: Int
    private let maximumVertical: Int
    private let kernels: PictureKernels
    private let output: JPEGStorage<UInt8>
    /// Sums down a column, with a margin of 16 on either side.
    private let columnSums: JPEGStorage<Int16>

    init(
        _ component: JPEGComponent, frame: JPEGFrame, window: JPEGSampleWindow, kernels: PictureKernels
    ) throws(PictureError) {
        guard frame.maximumHorizontal % component.horizontal == 0, frame.maximumVertical % component.vertical == 0
        else {
            throw .unsupportedJPEG(
                "fractional sampling (\(component.layout.horizontal) × \(component.layout.vertical)"
                    + " of \(frame.maximumHorizontal) × \(frame.maximumVertical))")
        }
        self.window = window
        self.kernels = kernels
        width = component.width
        horizontal = frame.maximumHorizontal / component.horizontal
        vertical = component.vertical
        maximumVertical = frame.maximumVertical
        // Rows of one or two samples are too short for the filter of the width; means of blocks are only repeated.
        method =
            switch (horizontal, maximumVertical / vertical) {
            case (1, 1): .copy
            case _ where frame.blockSize == 1: .replicate
            case (2, 1) where width > 2: .halfWidth
            case (1, 2): .halfHeight
            case (2, 2) where width > 2: .halfBoth
            default: .replicate
            }
        let hasOutput = method != .copy
        output = JPEGStorage(repeating: 0, count: hasOutput ? (width + 32) * horizontal : 0)
        columnSums = JPEGStorage(repeating: 0, count: method == .halfBoth ? width + 48 : 0)
    }

    /// The samples of the picture's row `y`; fifteen more may be read. They are valid until the next call.
    func row(_ y: Int) -> UnsafePointer<UInt8> {
        let source = y / (maximumVertical / vertical)
        let isUpper = y % 2 == 0
        switch method {
        case .copy: return UnsafePointer(window.row(source))
        case .halfWidth: kernels.doubleWidth(upsampled(source, source))
        case .halfHeight:
            kernels.doubleHeight(upsampled(source, isUpper ? source - 1 : source + 1, bias: isUpper ? 1 : 2))
        case .halfBoth: kernels.doubleBoth(upsampled(source, isUpper ? source - 1 : source + 1))
        case .replicate:
            if horizontal == 1 { return UnsafePointer(window.row(source)) }
            replicate(window.row(source))
        }
        return UnsafePointer(output.base)
    }

    private func upsampled(_ near: Int, _ far: Int, bias: Int16 = 0) -> UpsampledRow {
        UpsampledRow(
            near: window.row(near), far: window.row(far), bias: bias, width: width, sums: columnSums.base,
            output: output.base)
    }

    private func replicate(_ row: UnsafePointer<UInt8>) {
        var x = 0
        for index in 0..<width {
            for _ in 0..<horizontal {
                output.base[x] = row[index]
                x += 1
            }
        }
    }
}
