package import CLIPSystem

extension StoredTensor {
    /// The tensor's numbers as 32-bit floats, row-major, in the order they are stored. Exact but for F64, which rounds.
    ///
    /// - Throws: if the tensor doesn't hold floating-point numbers.
    package func floats() throws(CLIPError) -> [Float] {
        let count = byteCount / type.byteCount
        guard type.isFloatingPoint else {
            throw CLIPError(
                .model, path: file.path,
                "tensor \(quoted(name)) has type \(type.rawValue), expected F32, F16, BF16, F64 or F8")
        }
        return [Float](unsafeUninitializedCapacity: count) { numbers, initialized in
            withBytes { bytes in
                switch type {
                case .f16: widenHalf(bytes, into: numbers, count: count)
                case .bf16: widenBrain(bytes, into: numbers, count: count)
                case .f64: narrowDouble(bytes, into: numbers, count: count)
                case .f8E4M3, .f8E5M2:
                    for index in 0..<count { numbers[index] = Float(halfBits: type.halfBits(of: bytes[index])) }
                default: UnsafeMutableRawBufferPointer(numbers).copyMemory(from: bytes)
                }
            }
            initialized = count
        }
    }
}

extension ElementType {
    package var isFloatingPoint: Bool {
        switch self {
        case .f32, .f16, .bf16, .f64, .f8E4M3, .f8E5M2: true
        default: false
        }
    }

    /// The F16 of the same value as a number of eight bits, of one of the two types of those.
    @inline(__always)
    package func halfBits(of byte: UInt8) -> UInt16 {
        let bits = UInt16(byte)
        guard self == .f8E4M3 else { return bits &<< 8 }
        let (sign, magnitude) = ((bits & 0x80) &<< 8, bits & 0x7F)
        // The exponent's bias grows from 7 to 15.
        if magnitude >= 8 { return sign | (magnitude == 0x7F ? 0x7E00 : (magnitude &<< 7) &+ (8 &<< 10)) }
        // Below 2⁻⁶ the unit is 2⁻⁹.
        return sign | UInt16(truncatingIfNeeded: narrowed((Float(magnitude) * 0x1p-9).bitPattern))
    }
}

// Stored numbers are little-endian and may start at any byte. The loops have no branch and no call, so that they become
// vector instructions on any machine; the conversion of Float16 itself is a call per number without F16C instructions.

/// IEEE binary16 to binary32, exactly: infinities, NaN payloads and subnormals included.
@inline(__always)
private func widened(half bits: UInt32) -> UInt32 {
    let sign = (bits & 0x8000) &<< 16
    let magnitude = bits & 0x7FFF
    // The exponent's bias grows from 15 to 127, the largest exponent from 31 to 255.
    let normal = (magnitude &<< 13) &+ (112 &<< 23)
    let special = normal &+ (112 &<< 23)
    // Subnormals count 2⁻²⁴: as whole numbers they convert without the stall that subnormal floats cost.
    let subnormal = (Float(Int32(truncatingIfNeeded: magnitude)) * 0x1p-24).bitPattern
    let finite = magnitude < 0x0400 ? subnormal : normal
    return (magnitude < 0x7C00 ? finite : special) | sign
}

extension Float {
    /// The value of an IEEE binary16.
    init(halfBits bits: UInt16) { self.init(bitPattern: widened(half: UInt32(bits))) }
}

private func widenHalf(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>, count: Int) {
    guard let source = bytes.baseAddress, let target = numbers.baseAddress else { return }
    for index in 0..<count {
        let bits = UInt16(littleEndian: source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
        target[index] = Float(bitPattern: widened(half: UInt32(bits)))
    }
}

/// bfloat16 is the upper half of binary32.
private func widenBrain(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>, count: Int) {
    guard let source = bytes.baseAddress, let target = numbers.baseAddress else { return }
    for index in 0..<count {
        let bits = UInt16(littleEndian: source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
        target[index] = Float(bitPattern: UInt32(bits) &<< 16)
    }
}

private func narrowDouble(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>, count: Int)
{
    guard let source = bytes.baseAddress, let target = numbers.baseAddress else { return }
    for index in 0..<count {
        let bits = UInt64(littleEndian: source.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self))
        target[index] = Float(Double(bitPattern: bits))
    }
}

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

extension StoredTensor {
    /// The index of the first number that is infinite or not a number, nil if there is none.
    ///
    /// Whole numbers are always finite. Reads the whole tensor, once.
    package func firstNonFinite() -> Int? {
        withBytes { CLIPWeights.firstNonFinite(in: $0, of: type) }
    }

    /// - Throws: an error that names the tensor and the place of the first number that is infinite or not a number.
    package func checkFinite() throws(CLIPError) {
        guard let index = firstNonFinite() else { return }
        throw CLIPError(
            .model, path: file.path,
            "tensor \(quoted(name)) has a NaN or an infinity at index \(index): the weights are damaged, "
                + "fetch or train them again")
    }
}

/// The index of the first number that is infinite or not a number, nil if there is none.
package func firstNonFinite(in numbers: [Float]) -> Int? {
    numbers.withUnsafeBytes { firstNonFinite(in: $0, of: .f32) }
}

/// The index of the first number that is infinite or not a number, nil if there is none.
package func firstNonFinite(in bytes: UnsafeRawBufferPointer, of type: ElementType) -> Int? {
    switch type {
    case .f32: firstSpecial(bytes, as: UInt32.self, exponent: 0x7F80_0000)
    case .f16: firstSpecial(bytes, as: UInt16.self, exponent: 0x7C00)
    case .bf16: firstSpecial(bytes, as: UInt16.self, exponent: 0x7F80)
    case .f64: firstSpecial(bytes, as: UInt64.self, exponent: 0x7FF0_0000_0000_0000)
    case .f8E4M3: firstSpecial(bytes, as: UInt8.self, exponent: 0x7F)
    case .f8E5M2: firstSpecial(bytes, as: UInt8.self, exponent: 0x7C)
    default: nil
    }
}

/// The index of the first number whose exponent bits are all set.
private func firstSpecial<Bits: FixedWidthInteger & UnsignedInteger>(
    _ bytes: UnsafeRawBufferPointer, as type: Bits.Type, exponent: Bits
) -> Int? {
    guard let source = bytes.baseAddress else { return nil }
    let size = MemoryLayout<Bits>.size
    let count = bytes.count / size
    // A block without an early exit is a vector loop.
    let block = 1024
    var start = 0
    while start < count {
        let end = min(start &+ block, count)
        var found: Bits = 0
        for index in start..<end {
            let bits = Bits(littleEndian: source.loadUnaligned(fromByteOffset: index &* size, as: Bits.self))
            found |= bits & exponent == exponent ? 1 : 0
        }
        if found != 0 {
            return (start..<end).first { index in
                Bits(littleEndian: source.loadUnaligned(fromByteOffset: index &* size, as: Bits.self)) & exponent
                    == exponent
            }
        }
        start = end
    }
    return nil
}
