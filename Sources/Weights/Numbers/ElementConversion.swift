extension StoredTensor {
    /// The tensor's numbers as 32-bit floats, row-major, in the order they are stored. Exact but for F64, which rounds.
    ///
    /// - Throws: if the tensor doesn't hold floating-point numbers.
    package func floats() throws(WeightsError) -> [Float] {
        let count = byteCount / type.byteCount
        guard type.isFloatingPoint else {
            throw WeightsError(
                path: file.path,
                problem: "tensor \(quoted(name)) has type \(type.rawValue), expected F32, F16, BF16 or F64")
        }
        return [Float](unsafeUninitializedCapacity: count) { numbers, initialized in
            withBytes { bytes in
                switch type {
                case .f16: widenHalf(bytes, into: numbers, count: count)
                case .bf16: widenBrain(bytes, into: numbers, count: count)
                case .f64: narrowDouble(bytes, into: numbers, count: count)
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
        case .f32, .f16, .bf16, .f64: true
        default: false
        }
    }
}

// Stored numbers are little-endian and may start at any byte. Eight at a time, the loops become vector instructions on
// any machine; the conversion of Float16 itself would be a call per number without the F16C instructions.

private typealias Words = SIMD8<UInt32>

/// IEEE binary16 to binary32, exactly: infinities, NaN payloads and subnormals included.
@inline(__always)
private func widened(half bits: Words) -> Words {
    let sign = (bits & 0x8000) &<< 16
    let magnitude = bits & 0x7FFF
    // The exponent's bias grows from 15 to 127.
    var result = magnitude &<< 13 &+ Words(repeating: 112 << 23)
    let isSpecial = magnitude .>= 0x7C00
    result.replace(with: result &+ Words(repeating: 112 << 23), where: isSpecial)
    // Subnormals count 2⁻²⁴: as whole numbers they convert without the stall that subnormal floats cost.
    let subnormal =
        SIMD8<Float>(SIMD8<Int32>(truncatingIfNeeded: magnitude)) * Float(sign: .plus, exponent: -24, significand: 1)
    result.replace(with: unsafeBitCast(subnormal, to: Words.self), where: magnitude .< 0x0400)
    return result | sign
}

private func widenHalf(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>, count: Int) {
    guard let source = bytes.baseAddress, let target = numbers.baseAddress else { return }
    var index = 0
    while index &+ 8 <= count {
        let bits = source.loadUnaligned(fromByteOffset: index &* 2, as: SIMD8<UInt16>.self)
        let result = unsafeBitCast(widened(half: Words(truncatingIfNeeded: bits)), to: SIMD8<Float>.self)
        UnsafeMutableRawPointer(target + index).storeBytes(of: result, as: SIMD8<Float>.self)
        index &+= 8
    }
    while index < count {
        let bits = UInt32(UInt16(littleEndian: source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self)))
        target[index] = Float(bitPattern: widened(half: Words(repeating: bits))[0])
        index &+= 1
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
