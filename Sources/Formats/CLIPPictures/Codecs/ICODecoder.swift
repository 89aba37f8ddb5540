package import CLIPSystem

/// Windows icons: the largest picture of a file, PNG or bitmap with a mask.
package enum ICODecoder: PictureDecoder {
    package static let formatName = "ICO"
    package static let fileExtensions = ["ico"]

    private static let headerSize = 6
    private static let entrySize = 16

    /// One picture of the file, from its directory.
    private struct Entry {
        let width: Int
        let height: Int
        let bitsPerPixel: Int
        /// What tells pictures of the same size apart: the fewest bits come first, as in Pillow.
        let colourDepth: Int
        let size: Int
        let offset: Int

        init(_ bytes: [UInt8], at start: Int) {
            width = bytes[start] == 0 ? 256 : Int(bytes[start])
            height = bytes[start + 1] == 0 ? 256 : Int(bytes[start + 1])
            bitsPerPixel = littleEndian16(bytes, at: start + 6)
            let colours = Int(bytes[start + 2])
            let bitsOfColours = colours > 1 ? Int.bitWidth - (colours - 1).leadingZeroBitCount : 0
            colourDepth = bitsPerPixel > 0 ? bitsPerPixel : bitsOfColours > 0 ? bitsOfColours : 256
            size = littleEndian32(bytes, at: start + 8)
            offset = littleEndian32(bytes, at: start + 12)
        }
    }

    package static func recognises(_ bytes: [UInt8]) -> Bool {
        bytes.starts(with: [0, 0, 1, 0]) && bytes.count > headerSize && (bytes[4] != 0 || bytes[5] != 0)
    }

    package static func recognises(unnamed firstBytes: [UInt8]) -> Bool {
        guard recognises(firstBytes), firstBytes.count >= headerSize + entrySize else { return false }
        let first = Entry(firstBytes, at: headerSize)
        return firstBytes[headerSize + 3] == 0 && [0, 1, 4, 8, 16, 24, 32].contains(first.bitsPerPixel)
            && first.size > 0 && first.offset >= headerSize + entrySize
    }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        let count = littleEndian16(bytes, at: 4)
        guard bytes.count >= headerSize + count * entrySize else {
            throw .truncated(format: formatName, offset: bytes.count, problem: "inside its directory")
        }
        var largest = Entry(bytes, at: headerSize)
        for index in 1..<max(count, 1) {
            let entry = Entry(bytes, at: headerSize + index * entrySize)
            let (area, best) = (entry.width * entry.height, largest.width * largest.height)
            if area > best || (area == best && entry.colourDepth < largest.colourDepth) { largest = entry }
        }
        guard largest.offset < bytes.count else {
            throw .truncated(
                format: formatName, offset: bytes.count,
                problem: "its largest picture begins at byte \(largest.offset)")
        }
        let data = bytes[largest.offset...]
        if data.starts(with: PNGChunkReader.signature) {
            return DecodedPicture(bitmap: try PNGDecoder.decode(Array(data), options: options).bitmap)
        }
        return DecodedPicture(bitmap: try bitmap(bytes, largest, options))
    }

    private static func bitmap(
        _ bytes: [UInt8], _ entry: Entry, _ options: DecodingOptions
    ) throws(CLIPError) -> Bitmap {
        var header = try BMPHeader(bytes, at: entry.offset, format: formatName)
        // The height counts the mask too.
        header.height /= 2
        guard header.height > 0 else {
            throw .malformed(format: formatName, offset: entry.offset, problem: "a picture has no rows beside its mask")
        }
        let hasOpacity = header.bitsPerPixel == 32 && entry.bitsPerPixel == 32
        if hasOpacity { header.useFourthByteAsOpacity() }
        var pixels = try BMPPixels.decode(bytes, at: header.end, header, format: formatName, options: options)
        if !hasOpacity, options.alpha == .white { try applyMask(bytes, entry, header, options, to: &pixels) }
        return Bitmap(width: header.width, height: header.height, pixels: pixels)
    }

    /// Turns pixels white where the one-bit mask at the end of the entry's data is set.
    private static func applyMask(
        _ bytes: [UInt8], _ entry: Entry, _ header: BMPHeader, _ options: DecodingOptions, to pixels: inout [UInt8]
    ) throws(CLIPError) {
        let rowBytes = (header.width + 31) / 32 * 4
        let start = entry.offset + entry.size - rowBytes * header.height
        guard start >= 0, start + rowBytes * header.height <= bytes.count else {
            if options.allowTruncated { return }
            throw .truncated(format: formatName, offset: bytes.count, problem: "inside a picture's mask")
        }
        for y in 0..<header.height {
            let row = start + (header.height - 1 - y) * rowBytes
            for x in 0..<header.width where bytes[row + x / 8] >> UInt8(7 - x % 8) & 1 == 1 {
                let pixel = 3 * (y * header.width + x)
                for channel in 0..<3 { pixels[pixel + channel] = 255 }
            }
        }
    }
}
