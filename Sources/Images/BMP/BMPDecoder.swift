/// Windows and OS/2 bitmaps, every header version: 1 to 32 bits, run lengths, bit fields, bottom-up and top-down.
package enum BMPDecoder: ImageDecoder {
    package static let formatName = "BMP"

    /// Bytes before the information header.
    private static let fileHeaderSize = 14

    package static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x42, 0x4D]) }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(ImageError) -> DecodedImage {
        guard bytes.count >= fileHeaderSize + 4 else {
            throw .truncated(format: formatName, offset: bytes.count, problem: "inside its header")
        }
        let header = try BMPHeader(bytes, at: fileHeaderSize, format: formatName)
        let stated = littleEndian32(bytes, at: 10)
        // Some writers leave the palette out of the offset, or the offset out of the file.
        let headerEnd = header.start + littleEndian32(bytes, at: header.start)
        let isLeftOut = stated == 0 || (stated == headerEnd && header.bitsPerPixel <= 8)
        let start = isLeftOut ? header.end : stated
        let pixels = try BMPPixels.decode(bytes, at: start, header, format: formatName, options: options)
        return DecodedImage(bitmap: Bitmap(width: header.width, height: header.height, pixels: pixels))
    }
}
