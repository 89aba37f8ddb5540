/// Windows and OS/2 bitmaps, every header version: 1 to 32 bits, run lengths, bit fields, bottom-up and top-down.
package enum BMPDecoder: PictureDecoder {
    package static let formatName = "BMP"

    /// Bytes before the information header.
    private static let fileHeaderSize = 14

    package static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x42, 0x4D]) || isBare(bytes) }

    package static func recognises(unnamed firstBytes: [UInt8]) -> Bool {
        guard firstBytes.starts(with: [0x42, 0x4D]) else { return isBare(firstBytes) }
        // Four bytes that are always zero, and the size of one of the headers that there are.
        return firstBytes.count >= 18 && littleEndian32(firstBytes, at: 6) == 0
            && [12, 16, 40, 52, 56, 64, 108, 124].contains(littleEndian32(firstBytes, at: 14))
    }

    /// Whether the file header is left out, as in what Windows keeps on its clipboard.
    private static func isBare(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 40 else { return false }
        // The header's size, then a size that is not zero, then one plane.
        return [40, 108, 124].contains(littleEndian32(bytes, at: 0)) && littleEndian32(bytes, at: 4) != 0
            && littleEndian16(bytes, at: 12) == 1
    }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(PictureError) -> DecodedPicture {
        if isBare(bytes) {
            let header = try BMPHeader(bytes, at: 0, format: formatName)
            return try decode(bytes, header, at: header.end, options)
        }
        guard bytes.count >= fileHeaderSize + 4 else {
            throw .truncated(format: formatName, offset: bytes.count, problem: "inside its header")
        }
        let header = try BMPHeader(bytes, at: fileHeaderSize, format: formatName)
        let stated = littleEndian32(bytes, at: 10)
        // Some writers leave the palette out of the offset, or the offset out of the file.
        let headerEnd = header.start + littleEndian32(bytes, at: header.start)
        let isLeftOut = stated == 0 || (stated == headerEnd && header.bitsPerPixel <= 8)
        return try decode(bytes, header, at: isLeftOut ? header.end : stated, options)
    }

    private static func decode(
        _ bytes: [UInt8], _ header: BMPHeader, at start: Int, _ options: DecodingOptions
    ) throws(PictureError) -> DecodedPicture {
        let pixels = try BMPPixels.decode(bytes, at: start, header, format: formatName, options: options)
        return DecodedPicture(bitmap: Bitmap(width: header.width, height: header.height, pixels: pixels))
    }
}
