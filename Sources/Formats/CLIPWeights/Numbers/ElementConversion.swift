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

func widenHalf(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>, count: Int) {
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
