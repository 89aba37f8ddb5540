/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, as in RFC 3720), fed in pieces.
struct CRC32C {
    private var register: UInt32 = .max

    init() {}

    /// The checksum of everything so far; more may follow.
    var value: UInt32 { ~register }

    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var sum = CRC32C()
        sum.update(bytes)
        return sum.value
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { checksum($0) } }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        register = CRC32C.tables.withUnsafeBufferPointer { tables in
            var register = register
            var position = 0
            // Eight bytes at a time: each goes through the table of its distance to the end of the eight.
            while bytes.count - position >= 8 {
                let word = (start + position).loadUnaligned(as: UInt64.self).littleEndian ^ UInt64(register)
                register = 0
                for byte in 0..<8 {
                    register ^= tables[(7 - byte) << 8 | Int(truncatingIfNeeded: word >> (8 * byte)) & 255]
                }
                position += 8
            }
            while position < bytes.count {
                register = register >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: register) ^ bytes[position])]
                position += 1
            }
            return register
        }
    }

    /// Eight tables of 256: what a byte becomes after one to eight bytes more.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value >> 1 ^ (value & 1 == 1 ? 0x82F6_3B78 : 0) }
            tables[byte] = value
        }
        for index in 256..<8 * 256 {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 255)]
        }
        return tables
    }()
}
