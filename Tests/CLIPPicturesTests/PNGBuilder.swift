@testable import CLIPPictures

/// A PNG file of these chunks, each with the checksum that belongs to it.
func pngFile(_ chunks: [(String, [UInt8])]) -> [UInt8] {
    var file = PNGChunkReader.signature
    for (type, data) in chunks {
        file += bigEndian(data.count)
        let start = file.count
        file += Array(type.utf8) + data
        file += bigEndian(Int(CRC32.checksum(file[start...])))
    }
    return file
}

/// A PNG file of rows that begin with their filter.
func pngFile(width: Int, height: Int, depth: UInt8, colourType: UInt8, rows: [[UInt8]]) -> [UInt8] {
    pngFile([
        ("IHDR", bigEndian(width) + bigEndian(height) + [depth, colourType, 0, 0, 0]),
        ("IDAT", storedZlib(rows.flatMap(\.self))), ("IEND", []),
    ])
}

/// The chunks of a good PNG file.
func splitPNG(_ bytes: [UInt8]) throws -> [(String, [UInt8])] {
    var reader = PNGChunkReader(bytes)
    var chunks: [(String, [UInt8])] = []
    while let chunk = try? reader.next() { chunks.append((chunk.type, Array(bytes[chunk.data]))) }
    return chunks
}

/// A zlib stream of one stored block, at most 65535 bytes.
func storedZlib(_ bytes: [UInt8]) -> [UInt8] {
    let (low, high) = (UInt8(truncatingIfNeeded: bytes.count), UInt8(bytes.count >> 8))
    var checksum = Adler32()
    bytes.withUnsafeBufferPointer { checksum.update($0) }
    return [0x78, 0x01, 1, low, high, ~low, ~high] + bytes + bigEndian(Int(checksum.value))
}

private func bigEndian(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}
