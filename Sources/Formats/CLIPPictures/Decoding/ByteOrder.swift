/// Two bytes as a little-endian number. The caller has checked that they are there.
@inline(__always)
func littleEndian16(_ bytes: [UInt8], at offset: Int) -> Int {
    Int(bytes[offset]) | Int(bytes[offset + 1]) << 8
}

/// Four bytes as a little-endian number. The caller has checked that they are there.
@inline(__always)
func littleEndian32(_ bytes: [UInt8], at offset: Int) -> Int {
    littleEndian16(bytes, at: offset) | littleEndian16(bytes, at: offset + 2) << 16
}

/// Four bytes as a big-endian number. The caller has checked that they are there.
func bigEndian32(_ bytes: [UInt8], at offset: Int) -> Int {
    Int(bytes[offset]) << 24 | Int(bytes[offset + 1]) << 16 | Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
}

extension UInt16 {
    /// The bits in the opposite order: prefix codes are packed with their first bit lowest.
    var bitReversed: UInt16 {
        var bits = self
        bits = (bits & 0x5555) << 1 | (bits & 0xAAAA) >> 1
        bits = (bits & 0x3333) << 2 | (bits & 0xCCCC) >> 2
        bits = (bits & 0x0F0F) << 4 | (bits & 0xF0F0) >> 4
        return bits.byteSwapped
    }
}
