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
