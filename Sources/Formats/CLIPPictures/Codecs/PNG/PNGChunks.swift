internal import CLIPSystem

/// One chunk of a PNG file.
struct PNGChunk {
    /// Four letters.
    let type: String
    /// Where its data lies in the file.
    let data: Range<Int>
    /// True when the file ends inside the chunk or its checksum; `data` then holds what is there.
    let isCut: Bool
    /// True when the file ends inside the chunk's data.
    let lacksData: Bool

    /// Whether a reader that does not know the chunk may skip it.
    var isAncillary: Bool { type.utf8.first.map { $0 & 0x20 != 0 } ?? false }
}

/// The chunks of a PNG file, one after the other.
struct PNGChunkReader {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    let bytes: [UInt8]
    private(set) var position = PNGChunkReader.signature.count

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next chunk, or nil where the file ends.
    mutating func next() throws(CLIPError) -> PNGChunk? {
        guard bytes.count - position >= 8 else {
            position = bytes.count
            return nil
        }
        let length = bigEndian32(bytes, at: position)
        let name = bytes[position + 4..<position + 8]
        guard name.allSatisfy({ (0x41...0x5A).contains($0 & ~0x20) }) else {
            throw .malformed(
                format: "PNG", offset: position + 4, problem: "expected the four letters of a chunk's name")
        }
        let start = position + 8
        let isCut = bytes.count - start < length + 4
        let end = min(start + length, bytes.count)
        position = isCut ? bytes.count : end + 4
        return PNGChunk(
            type: String(decoding: name, as: UTF8.self), data: start..<end, isCut: isCut,
            lacksData: end - start < length)
    }

    /// Whether the checksum after a chunk that is not cut is that of its name and data.
    func isIntact(_ chunk: PNGChunk) -> Bool {
        let end = chunk.data.upperBound
        return CRC32.checksum(bytes[chunk.data.lowerBound - 4..<end]) == UInt32(bigEndian32(bytes, at: end))
    }
}

/// The checksum of PNG chunks: CRC-32 of ISO 3309, eight bytes a step.
enum CRC32 {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            tables[byte] = (0..<8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
        for index in 256..<8 * 256 {
            tables[index] = tables[index - 256] >> 8 ^ tables[Int(tables[index - 256] & 0xFF)]
        }
        return tables
    }()

    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBufferPointer { bytes in
            tables.withUnsafeBufferPointer { tables in
                var crc = UInt32.max
                var offset = 0
                while offset &+ 8 <= bytes.count {
                    let word = UnsafeRawPointer(bytes.baseAddress!).loadUnaligned(
                        fromByteOffset: offset, as: UInt64.self)
                    let mixed = UInt64(littleEndian: word) ^ UInt64(crc)
                    crc = 0
                    for lane in 0..<8 {
                        let byte = Int(truncatingIfNeeded: mixed &>> UInt64(8 &* lane) & 0xFF)
                        crc ^= tables[256 &* (7 &- lane) &+ byte]
                    }
                    offset &+= 8
                }
                while offset < bytes.count {
                    crc = crc >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[offset])]
                    offset += 1
                }
                return ~crc
            }
        }
    }
}
