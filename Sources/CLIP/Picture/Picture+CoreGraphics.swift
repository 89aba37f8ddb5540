#if canImport(ImageIO)
internal import CLIPPictures
public import CLIPSystem
public import CoreGraphics
public import CoreVideo

extension Picture {
    /// Takes an image of Core Graphics, for example `UIImage.cgImage`: drawn in sRGB at its full size, over white where it is
    /// transparent, and not turned.
    /// - Throws: `CLIPError` of kind `.picture` when it has more pixels than `options.maximumPixels`, or can't be drawn.
    public init(_ image: CGImage, options: PictureOptions = PictureOptions()) throws(CLIPError) {
        bitmap = try CLIPPictures.bitmap(of: image, options: options.decoding)
    }

    /// Takes a camera's or a video's frame of one of the pixel formats `32BGRA`, `32RGBA`, `24RGB`, `24BGR` and
    /// `OneComponent8`, its bytes as they are. A camera gives these when it is asked for `kCVPixelFormatType_32BGRA`.
    /// - Throws: `CLIPError` of kind `.argument` for another pixel format, or too many pixels.
    public init(_ buffer: CVPixelBuffer, options: PictureOptions = PictureOptions()) throws(CLIPError) {
        let format: PixelFormat
        switch CVPixelBufferGetPixelFormatType(buffer) {
        case kCVPixelFormatType_32BGRA: format = .bgra
        case kCVPixelFormatType_32RGBA: format = .rgba
        case kCVPixelFormatType_24RGB: format = .rgb
        case kCVPixelFormatType_24BGR: format = .bgr
        case kCVPixelFormatType_OneComponent8: format = .gray
        case let other:
            throw CLIPError(
                .argument, "a frame of pixel format \(other), expected one of bytes: ask for kCVPixelFormatType_32BGRA")
        }
        guard CVPixelBufferLockBaseAddress(buffer, .readOnly) == kCVReturnSuccess,
            let start = CVPixelBufferGetBaseAddress(buffer)
        else { throw CLIPError(.argument, "the frame's pixels are out of reach: its buffer can't be locked") }
        defer { CVPixelBufferUnlockBaseAddress(buffer, .readOnly) }
        let (bytesPerRow, height) = (CVPixelBufferGetBytesPerRow(buffer), CVPixelBufferGetHeight(buffer))
        try self.init(
            pixels: UnsafeRawBufferPointer(start: start, count: bytesPerRow * height),
            width: CVPixelBufferGetWidth(buffer), height: height, format: format, bytesPerRow: bytesPerRow,
            options: options)
    }
}
#endif
