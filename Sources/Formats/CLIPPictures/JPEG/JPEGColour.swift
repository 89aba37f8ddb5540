internal import CLIPKernels

/// What a picture's components mean, and the way from there to RGB.
enum JPEGColour: Equatable {
    case grey
    case rgb
    case yCbCr
    /// Inverted, as Adobe's programs write it and as everybody reads it.
    case cmyk
    /// Y, Cb, Cr of the inverted C, M, Y, and an inverted K.
    case ycck

    /// - Parameters:
    ///   - ids: the components' ids in the frame header.
    ///   - hasJFIF: whether a JFIF marker was seen.
    ///   - adobeTransform: the transform that an Adobe marker names, if one was seen.
    init(ids: [UInt8], hasJFIF: Bool, adobeTransform: UInt8?) {
        switch (ids.count, adobeTransform) {
        case (1, _): self = .grey
        case (4, nil), (4, 0): self = .cmyk
        case (4, _): self = .ycck
        case _ where hasJFIF: self = .yCbCr
        case (_, 0): self = .rgb
        case (_, nil) where ids == Array("RGB".utf8): self = .rgb
        default: self = .yCbCr
        }
    }

    /// Converts a row.
    /// - Parameters:
    ///   - rows: one for each component; fifteen samples more than `width` may be read of each.
    ///   - output: `[width, 3]`.
    func convert(
        _ rows: [UnsafePointer<UInt8>], width: Int, into output: UnsafeMutablePointer<UInt8>, _ kernels: PictureKernels
    ) {
        func row(_ first: Int, _ second: Int, _ third: Int) -> ColourRow {
            ColourRow(rows[first], rows[second], rows[third], width: width, output: output)
        }
        switch self {
        case .grey: kernels.interleave(row(0, 0, 0))
        case .rgb: kernels.interleave(row(0, 1, 2))
        case .yCbCr: kernels.convertYCbCr(row(0, 1, 2))
        case .cmyk:
            kernels.interleave(row(0, 1, 2))
            Self.applyBlack(rows[3], width, output)
        case .ycck:
            kernels.convertYCbCr(row(0, 1, 2))
            // What converts to RGB is here the inverse of the samples that CMYK would hold.
            for i in 0..<3 * width { output[i] = ~output[i] }
            Self.applyBlack(rows[3], width, output)
        }
    }

    /// Darkens inverted C, M, Y by an inverted K, rounding as Pillow's `convert("RGB")`.
    private static func applyBlack(_ black: UnsafePointer<UInt8>, _ width: Int, _ output: UnsafeMutablePointer<UInt8>) {
        for x in 0..<width {
            let key = Int32(black[x])
            for i in 3 * x..<3 * x + 3 {
                let product = (255 - Int32(output[i])) * key + 128
                output[i] = UInt8(truncatingIfNeeded: max(0, key - (((product >> 8) + product) >> 8)))
            }
        }
    }
}
