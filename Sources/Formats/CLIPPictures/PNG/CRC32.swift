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
