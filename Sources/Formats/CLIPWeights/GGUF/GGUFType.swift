/// The element types that clip.cpp writes, by ggml's numbers.
///
/// Quantised types are blocks of 32 numbers: a scale d in half precision, in some a minimum m, then the quants q, the low
/// four bits of number i in the low half of byte i mod 16 (ggml, ggml-quants.c).
enum GGUFType: UInt32, Sendable, CaseIterable {
    case f32 = 0
    case f16 = 1
    case q4_0 = 2
    case q4_1 = 3
    case q5_0 = 6
    case q5_1 = 7
    case q8_0 = 8
    case bf16 = 30

    var name: String { "\(self)".uppercased() }

    /// What the numbers are as they lie; nil for blocks.
    var elementType: ElementType? {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        default: nil
        }
    }

    private static let blockLength = 32

    private var blockSize: Int {
        switch self {
        case .f32: 4
        case .f16, .bf16: 2
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        }
    }

    /// The size of a tensor; nil if its rows are not whole blocks, or its numbers couldn't be addressed as f32.
    func byteCount(shape: [Int]) -> Int? {
        guard let floats = CLIPWeights.byteCount(of: .f32, shape: shape) else { return nil }
        let count = floats / 4
        guard elementType == nil else { return count * blockSize }
        guard (shape.last ?? 1).isMultiple(of: GGUFType.blockLength) else { return nil }
        return count / GGUFType.blockLength * blockSize
    }

    /// Writes the numbers of whole blocks.
    func dequantize(_ bytes: UnsafeRawBufferPointer, into numbers: UnsafeMutableBufferPointer<Float>) {
        for block in 0..<bytes.count / blockSize {
            let source = UnsafeRawBufferPointer(rebasing: bytes[block * blockSize..<(block + 1) * blockSize])
            let start = block * GGUFType.blockLength
            let target = UnsafeMutableBufferPointer(rebasing: numbers[start..<start + GGUFType.blockLength])
            switch self {
            case .q4_0:
                let scale = GGUFType.half(source, 0)
                fourBits(source, from: 2, into: target) { scale * Float(Int($0) - 8) }
            case .q4_1:
                let (scale, minimum) = (GGUFType.half(source, 0), GGUFType.half(source, 2))
                fourBits(source, from: 4, into: target) { scale * Float($0) + minimum }
            case .q5_0:
                let scale = GGUFType.half(source, 0)
                fiveBits(source, from: 2, into: target) { scale * Float(Int($0) - 16) }
            case .q5_1:
                let (scale, minimum) = (GGUFType.half(source, 0), GGUFType.half(source, 2))
                fiveBits(source, from: 4, into: target) { scale * Float($0) + minimum }
            case .q8_0:
                let scale = GGUFType.half(source, 0)
                for index in 0..<GGUFType.blockLength {
                    target[index] = scale * Float(Int8(bitPattern: source[2 + index]))
                }
            case .f32, .f16, .bf16: break
            }
        }
    }

    @inline(__always)
    private func fourBits(
        _ block: UnsafeRawBufferPointer, from place: Int, into target: UnsafeMutableBufferPointer<Float>,
        _ number: (UInt8) -> Float
    ) {
        for index in 0..<16 {
            target[index] = number(block[place + index] & 15)
            target[index + 16] = number(block[place + index] >> 4)
        }
    }

    /// The fifth bits of all 32 numbers stand before the others.
    @inline(__always)
    private func fiveBits(
        _ block: UnsafeRawBufferPointer, from place: Int, into target: UnsafeMutableBufferPointer<Float>,
        _ number: (UInt8) -> Float
    ) {
        let high = UInt32(littleEndian: block.loadUnaligned(fromByteOffset: place, as: UInt32.self))
        for index in 0..<16 {
            let byte = block[place + 4 + index]
            target[index] = number(byte & 15 | UInt8(truncatingIfNeeded: high >> UInt32(index) & 1) << 4)
            target[index + 16] = number(byte >> 4 | UInt8(truncatingIfNeeded: high >> UInt32(index + 16) & 1) << 4)
        }
    }

    private static func half(_ block: UnsafeRawBufferPointer, _ place: Int) -> Float {
        Float(halfBits: UInt16(littleEndian: block.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
    }
}
