import Foundation
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
    public init(contentsOf url: URL, options: ImageOptions = ImageOptions()) throws(CLIPError) {
        throw CLIPError(.image, path: url.path, "not yet")
    }

    /// Decodes a picture from the bytes of a file.
    /// - Throws: `CLIPError` of kind `.image`.
    public init(bytes: [UInt8], options: ImageOptions = ImageOptions()) throws(CLIPError) {
        throw CLIPError(.image, "not yet")
    }
}

/// The choices that a picture file leaves open.
public struct ImageOptions: Sendable {
    package var decoding = DecodingOptions()
    /// Settings as the reference pipeline has them: alpha over white, upright, at most 200 million pixels.
    public init() {}
}
