internal import CLIPPictures

/// Pixels that lie in memory, their size checked against the bytes that are there.
struct PixelRows {
    private let pixels: UnsafeRawBufferPointer
    private let width: Int
    private let height: Int
    private let format: PixelFormat
    private let bytesPerRow: Int

    init(
        pixels: UnsafeRawBufferPointer, width: Int, height: Int, format: PixelFormat, bytesPerRow: Int?,
        options: PictureOptions
    ) throws(CLIPError) {
        guard width > 0, height > 0 else {
            throw CLIPError(.argument, "a picture of \(width) × \(height) pixels, expected at least 1 × 1")
        }
        let (count, overflow) = width.multipliedReportingOverflow(by: height)
        // Rows of four bytes a pixel can't overflow below this.
        guard !overflow, count <= min(options.maximumPixels, 1 << 48) else {
            throw CLIPError(
                .argument,
                "a picture of \(width) × \(height) pixels, expected at most \(options.maximumPixels) pixels: "
                    + "raise PictureOptions.maximumPixels")
        }
        let row = width * format.byteCount
        let stride = bytesPerRow ?? row
        guard stride >= row else {
            throw CLIPError(.argument, "\(stride) bytes per row, expected at least \(row) for \(width) pixels")
        }
        let (before, overflow1) = stride.multipliedReportingOverflow(by: height - 1)
        let (needed, overflow2) = before.addingReportingOverflow(row)
        guard !overflow1, !overflow2, needed <= pixels.count else {
            throw CLIPError(
                .argument,
                "\(pixels.count) bytes of pixels, expected \(overflow1 || overflow2 ? "more than fit" : "\(needed)") "
                    + "for \(width) × \(height) with \(stride) bytes per row")
        }
        self.pixels = pixels
        self.width = width
        self.height = height
        self.format = format
        self.bytesPerRow = stride
    }

    /// The pixels as RGB.
    func bitmap(alpha: DecodingOptions.Alpha) -> Bitmap {
        let (step, red, blue) = (format.byteCount, format.redOffset, format.blueOffset)
        let green = format == .gray ? 0 : 1
        let composites = step == 4 && alpha == .white
        let samples = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { output, count in
            count = 3 * width * height
            var target = 0
            for y in 0..<height {
                var source = y * bytesPerRow
                for _ in 0..<width {
                    var colour = (pixels[source + red], pixels[source + green], pixels[source + blue])
                    if composites {
                        let opacity = pixels[source + 3]
                        colour = (
                            overWhite(colour.0, opacity), overWhite(colour.1, opacity), overWhite(colour.2, opacity)
                        )
                    }
                    output[target] = colour.0
                    output[target + 1] = colour.1
                    output[target + 2] = colour.2
                    source += step
                    target += 3
                }
            }
        }
        return Bitmap(width: width, height: height, pixels: samples)
    }
}

extension PixelFormat {
    fileprivate var byteCount: Int {
        switch self {
        case .gray: 1
        case .rgb, .bgr: 3
        case .rgba, .bgra: 4
        }
    }

    fileprivate var redOffset: Int { self == .bgr || self == .bgra ? 2 : 0 }
    fileprivate var blueOffset: Int { self == .rgb || self == .rgba ? 2 : 0 }
}
