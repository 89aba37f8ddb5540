#if canImport(ImageIO)
package import CLIPSystem
package import CoreGraphics
internal import ImageIO

/// Pictures that Apple's systems decode and nothing here does: HEIC, AVIF, JPEG XL, JPEG 2000 and camera makers' raw files. A
/// TIFF file is decoded here, also as the beginning of a raw one.
enum ImageIODecoder {
    static let fileExtensions: Set<String> = ["avif", "heic", "heics", "heif", "hif", "jp2", "jxl"]

    /// Whether a file that begins with these bytes is a picture of another kind than those that are decoded here.
    static func mayDecode(beginning bytes: [UInt8]) -> Bool { ForeignFormat(bytes)?.isPicture ?? false }

    /// The picture over white, in sRGB; nil if the system doesn't know the format either.
    /// - Throws: `CLIPError` when the picture is damaged or has more pixels than are allowed.
    static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> Bitmap? {
        guard mayDecode(beginning: bytes), let data = CFDataCreate(nil, bytes, bytes.count),
            let source = CGImageSourceCreateWithData(data, nil), CGImageSourceGetCount(source) > 0,
            let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any],
            let width = properties[kCGImagePropertyPixelWidth] as? Int,
            let height = properties[kCGImagePropertyPixelHeight] as? Int, width > 0, height > 0
        else { return nil }
        let format = ForeignFormat(bytes)?.name ?? ""
        _ = try options.checkedPixelCount(format: format, width: width, height: height)
        // Of the full size: what is called a thumbnail is the way to have a picture turned upright.
        let settings =
            [
                kCGImageSourceCreateThumbnailFromImageAlways: true,
                kCGImageSourceCreateThumbnailWithTransform: options.appliesOrientation,
                kCGImageSourceThumbnailMaxPixelSize: max(width, height),
            ] as CFDictionary
        guard let image = CGImageSourceCreateThumbnailAtIndex(source, 0, settings) else {
            throw .malformed(format: format, offset: 0, problem: "the system can't decode it")
        }
        return try bitmap(of: image, options: options)
    }
}

/// An image of Core Graphics over white, in sRGB.
/// - Throws: `CLIPError` when it has more pixels than are allowed, or can't be drawn.
package func bitmap(of image: CGImage, options: DecodingOptions) throws(CLIPError) -> Bitmap {
    let (width, height) = (image.width, image.height)
    _ = try options.checkedPixelCount(format: "CGImage", width: width, height: height)
    // White, which is drawn over.
    var pixels = [UInt8](repeating: 255, count: 4 * width * height)
    let isDrawn = pixels.withUnsafeMutableBytes { memory in
        guard let space = CGColorSpace(name: CGColorSpace.sRGB),
            let context = CGContext(
                data: memory.baseAddress, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width,
                space: space, bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
        else { return false }
        context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
        return true
    }
    guard isDrawn else { throw CLIPError(.picture, "Core Graphics can't draw the image") }
    let samples = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { output, count in
        for index in 0..<width * height {
            for channel in 0..<3 { output[3 * index + channel] = pixels[4 * index + channel] }
        }
        count = 3 * width * height
    }
    return Bitmap(width: width, height: height, pixels: samples)
}
#endif
