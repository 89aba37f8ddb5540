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
