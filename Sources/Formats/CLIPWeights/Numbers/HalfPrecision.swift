/// Rounds 32-bit floats to half precision, to nearest, ties to even (IEEE 754, 4.3.1).
///
/// - Returns: whether all of them fit: 65520 and more becomes infinite.
package func narrowToHalf(
    _ numbers: UnsafeBufferPointer<Float>, into target: UnsafeMutableBufferPointer<UInt16>
) -> Bool {
    precondition(numbers.count == target.count)
    guard let source = numbers.baseAddress, let output = target.baseAddress else { return true }
    var special: UInt32 = 0
    for index in 0..<numbers.count {
        let half = narrowed(source[index].bitPattern)
        special |= half & 0x7C00 == 0x7C00 ? 1 : 0
        output[index] = UInt16(truncatingIfNeeded: half)
    }
    return special == 0
}

/// Widens half precision to 32-bit floats, exactly.
package func widenHalves(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>) {
    precondition(bytes.count == 2 * numbers.count)
    widenHalf(bytes, into: numbers, count: numbers.count)
}

/// binary32 to binary16. No branch and no call, so that the loop becomes vector instructions on any machine.
@inline(__always)
private func narrowed(_ bits: UInt32) -> UInt32 {
    let magnitude = bits & 0x7FFF_FFFF
    // The exponent's bias shrinks from 127 to 15; adding half a unit less one, plus the last kept bit, rounds to even.
    let normal = (magnitude &- (112 &<< 23) &+ 0x0FFF &+ (magnitude &>> 13 & 1)) &>> 13
    // Below 2⁻¹⁴ the unit is 2⁻²⁴, which is what adding 0.5 leaves in the last place of the sum.
    let small = (Float(bitPattern: min(magnitude, 0x3880_0000)) + 0.5).bitPattern &- 0x3F00_0000
    let large = magnitude > 0x7F80_0000 ? 0x7E00 : UInt32(0x7C00)
    let finite = magnitude < 0x3880_0000 ? small : normal
    return (magnitude < 0x477F_F000 ? finite : large) | (bits &>> 16 & 0x8000)
}
