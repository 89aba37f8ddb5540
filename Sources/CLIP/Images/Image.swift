#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif
package import Images

/// A picture, decoded to 8-bit RGB, ready to be embedded.
public struct Image: Sendable {
    package let bitmap: Bitmap

    package init(bitmap: Bitmap) { self.bitmap = bitmap }

    /// Pixels across.
    public var width: Int { bitmap.width }
    /// Pixels down.
    public var height: Int { bitmap.height }

    /// Reads and decodes a picture file, whatever its name says it is.
    /// - Throws: `CLIPError` of kind `.image` when the file can't be read or decoded.
    public init(contentsOf url: URL, options: ImageOptions = ImageOptions()) throws(CLIPError) { throw notYet }

    /// Decodes a picture from the bytes of a file.
    /// - Throws: `CLIPError` of kind `.image`.
    public init(bytes: [UInt8], options: ImageOptions = ImageOptions()) throws(CLIPError) { throw notYet }

    /// Takes pixels that are in memory already.
    /// - Parameters:
    ///   - pixels: rows from the top, `bytesPerRow` apart.
    ///   - bytesPerRow: the distance of two rows; nil when rows follow each other without padding.
    /// - Throws: `CLIPError` of kind `.argument` when there are too few bytes for the size given.
    public init(
        pixels: UnsafeRawBufferPointer, width: Int, height: Int, format: PixelFormat, bytesPerRow: Int? = nil,
        options: ImageOptions = ImageOptions()
    ) throws(CLIPError) { throw notYet }

    /// Whether a file found in a folder looks like a picture by its name. What it is gets decided by its bytes.
    public static func isPictureName(_ path: String) -> Bool { ImageFormats.isPictureName(path) }

    /// The picture as the bytes of a PNG file.
    public func png() -> [UInt8] { encodePNG(bitmap) }
}

/// How the bytes of a pixel are to be read. Alpha is straight, not premultiplied.
public enum PixelFormat: Sendable, CaseIterable {
    case rgb, rgba, bgr, bgra, grey
}

/// The choices that a picture file leaves open.
public struct ImageOptions: Sendable {
    package var decoding = DecodingOptions()
    /// Settings as the reference pipeline has them: alpha over white, upright, at most 200 million pixels.
    public init() {}

    /// Whether transparency is composited over white, as transformers 5.21 and later do, or dropped.
    public var compositesAlphaOverWhite: Bool {
        get { decoding.alpha == .white }
        set { decoding.alpha = newValue ? .white : .drop }
    }
    /// Whether pictures are turned upright by their EXIF orientation.
    public var appliesOrientation: Bool {
        get { decoding.appliesOrientation }
        set { decoding.appliesOrientation = newValue }
    }
    /// Whether 16-bit grey is clipped at 255 as Pillow does, rather than scaled.
    public var clipsGray16: Bool {
        get { decoding.gray16 == .clip }
        set { decoding.gray16 = newValue ? .clip : .high }
    }
    /// Whether what there is of a truncated picture is decoded.
    public var allowsTruncated: Bool {
        get { decoding.allowTruncated }
        set { decoding.allowTruncated = newValue }
    }
    /// The most pixels that a picture may have.
    public var maximumPixels: Int {
        get { decoding.maximumPixels }
        set { decoding.maximumPixels = newValue }
    }
}
