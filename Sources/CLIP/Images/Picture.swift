#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif
internal import CLIPSystem
package import CLIPPictures

/// A picture, decoded to 8-bit RGB, ready to be embedded.
public struct Picture: Sendable {
    package let bitmap: Bitmap

    package init(bitmap: Bitmap) { self.bitmap = bitmap }

    /// Pixels across, as the file has them.
    public var width: Int { bitmap.fullWidth }
    /// Pixels down, as the file has them.
    public var height: Int { bitmap.fullHeight }

    /// Reads and decodes a picture file, whatever its name says it is.
    /// - Throws: `CLIPError` of kind `.image` when the file can't be read or decoded.
    public init(contentsOf url: URL, options: PictureOptions = PictureOptions()) throws(CLIPError) {
        guard let path = url.filePath else {
            throw CLIPError(.image, path: url.absoluteString, "is not a file: download the picture first")
        }
        try self.init(path: PathBytes(path), options: options)
    }

    /// Decodes a picture from the bytes of a file.
    /// - Throws: `CLIPError` of kind `.image`.
    public init(bytes: [UInt8], options: PictureOptions = PictureOptions()) throws(CLIPError) {
        try self.init(bytes: bytes, name: nil, options: options)
    }

    /// Takes pixels that are in memory already.
    /// - Parameters:
    ///   - pixels: rows from the top, `bytesPerRow` apart.
    ///   - width: pixels across, at least 1.
    ///   - height: pixels down, at least 1.
    ///   - bytesPerRow: the distance of two rows; nil when rows follow each other without padding.
    ///   - options: what becomes of alpha, and the most pixels.
    /// - Throws: `CLIPError` of kind `.argument` when there are too few bytes for the size given, or too many pixels.
    public init(
        pixels: UnsafeRawBufferPointer, width: Int, height: Int, format: PixelFormat, bytesPerRow: Int? = nil,
        options: PictureOptions = PictureOptions()
    ) throws(CLIPError) {
        bitmap = try PixelRows(
            pixels: pixels, width: width, height: height, format: format, bytesPerRow: bytesPerRow, options: options
        ).bitmap(alpha: options.decoding.alpha)
    }

    /// Whether a file found in a folder looks like a picture by its name. What it is gets decided by its bytes.
    public static func isPictureName(_ path: String) -> Bool { PictureFormats.isPictureName(path.utf8) }

    /// Takes pixels from an array; everything else is as in the initialiser above.
    public init(
        pixels: [UInt8], width: Int, height: Int, format: PixelFormat, bytesPerRow: Int? = nil,
        options: PictureOptions = PictureOptions()
    ) throws(CLIPError) {
        self = try pixels.withUnsafeBufferPointer { buffer throws(CLIPError) in
            try Picture(
                pixels: UnsafeRawBufferPointer(buffer), width: width, height: height, format: format,
                bytesPerRow: bytesPerRow, options: options)
        }
    }

    /// The picture as the bytes of a PNG file.
    public func png() -> [UInt8] { encodePNG(bitmap) }
}

extension Picture {
    /// Reads and decodes the picture file at `path`.
    init(path: PathBytes, options: PictureOptions) throws(CLIPError) {
        try self.init(bytes: try pictureBytes(path), name: path.text, options: options)
    }

    /// - Parameter name: the file, for errors.
    init(bytes: [UInt8], name: String?, options: PictureOptions) throws(CLIPError) {
        do {
            bitmap = try decodePicture(bytes, options: options.decoding)
        } catch {
            throw CLIPError(.image, path: name, error.description)
        }
    }
}

/// How the bytes of a pixel are to be read. Alpha is straight, not premultiplied.
public enum PixelFormat: Sendable, CaseIterable {
    /// Three bytes: red, green, blue.
    case rgb
    /// Four bytes: red, green, blue, alpha.
    case rgba
    /// Three bytes: blue, green, red.
    case bgr
    /// Four bytes: blue, green, red, alpha.
    case bgra
    /// One byte.
    case gray
}
