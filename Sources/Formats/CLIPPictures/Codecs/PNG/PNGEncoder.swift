/// Encodes a picture as a PNG file of 8-bit RGB.
///
/// The data is stored, not compressed: for previews and pages that are written once and looked at.
package func encodePNG(_ bitmap: Bitmap) -> [UInt8] {
    var header: [UInt8] = []
    header.appendBigEndian(UInt32(bitmap.width))
    header.appendBigEndian(UInt32(bitmap.height))
    header += [8, PNGHeader.ColourType.rgb.rawValue, 0, 0, 0]

    var rows: [UInt8] = []
    rows.reserveCapacity(bitmap.height * (bitmap.width * 3 + 1))
    for y in 0..<bitmap.height {
        rows.append(0)
        rows += bitmap.pixels[y * bitmap.width * 3..<(y + 1) * bitmap.width * 3]
    }

    var file = PNGChunkReader.signature
    file.appendChunk("IHDR", header)
    // Tells pictures that are written here from others, by their first bytes.
    file.appendChunk("tEXt", Array("Software\0clip".utf8))
    file.appendChunk("IDAT", storedZlibStream(rows))
    file.appendChunk("IEND", [])
    return file
}

/// A zlib stream of stored blocks.
private func storedZlibStream(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    stream.reserveCapacity(bytes.count + bytes.count / 65535 * 5 + 16)
    var start = 0
    repeat {
        let end = min(start + 65535, bytes.count)
        let length = UInt16(end - start)
        stream.append(end == bytes.count ? 1 : 0)
        for half in [length, ~length] { stream += [UInt8(truncatingIfNeeded: half), UInt8(half >> 8)] }
        stream += bytes[start..<end]
        start = end
    } while start < bytes.count
    var checksum = Adler32()
    bytes.withUnsafeBufferPointer { checksum.update($0) }
    stream.appendBigEndian(checksum.value)
    return stream
}

extension [UInt8] {
    fileprivate mutating func appendBigEndian(_ value: UInt32) {
        for shift in [24, 16, 8, 0] as [UInt32] { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    fileprivate mutating func appendChunk(_ type: String, _ data: [UInt8]) {
        appendBigEndian(UInt32(data.count))
        let start = count
        self += Array(type.utf8) + data
        appendBigEndian(CRC32.checksum(self[start...]))
    }
}
