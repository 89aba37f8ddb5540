// By integer arithmetic: `Float16` is not there on Intel Macs, and where an instruction set has no conversion it is a call.

extension Float {
    /// The value of an IEEE binary16, exactly.
    @inlinable @inline(__always)
    package init(halfBits bits: UInt16) {
        let magnitude = UInt32(bits & 0x7FFF) &<< 13
        // Times 2¹¹² an exponent of bias 15 is one of bias 127, subnormals included.
        let finite = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
        let isFinite = magnitude < 0x7C00 &<< 13
        self.init(bitPattern: (isFinite ? finite : magnitude | 0x7F80_0000) | UInt32(bits & 0x8000) &<< 16)
    }

    /// The nearest IEEE binary16, ties to even; numbers beyond its range become infinite.
    @inlinable @inline(__always)
    package var halfBits: UInt16 {
        let magnitude = bitPattern & 0x7FFF_FFFF
        let sign = UInt16(truncatingIfNeeded: bitPattern &>> 16) & 0x8000
        // The exponent's bias shrinks from 127 to 15. Less than half of the last kept bit and the bit itself are added:
        // what is half rounds up from odd numbers only.
        let normal = (magnitude &- 112 &<< 23 &+ 0x0FFF &+ (magnitude &>> 13 & 1)) &>> 13
        // Subnormals count 2⁻²⁴, the last bit of what lies between a half and 1: an addition rounds to it.
        let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- (0.5 as Float).bitPattern
        let special = magnitude > 0x7F80_0000 ? 0x7E00 | (magnitude &>> 13 & 0x1FF) : 0x7C00
        let finite = magnitude < 0x3880_0000 ? subnormal : normal
        return sign | UInt16(truncatingIfNeeded: magnitude < 0x4780_0000 ? finite : special)
    }
}
