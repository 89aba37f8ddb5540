import CLIPWeights

/// How the values of the vectors of an index are stored.
public enum VectorType: String, Sendable, CaseIterable {
    /// Half precision: cosines are off by less than 0.0005.
    case float16 = "f16"
    /// Single precision: embeddings are stored as they are.
    case float32 = "f32"

    /// The number that stands for it in a file.
    var code: UInt32 { self == .float16 ? 1 : 2 }

    init?(code: UInt32) {
        switch code {
        case 1: self = .float16
        case 2: self = .float32
        default: return nil
        }
    }

    /// The size of a value.
    var byteCount: Int { self == .float16 ? 2 : 4 }

    /// Numbers as they are stored, rounded to nearest, ties to even.
    func bytes(_ values: [Float]) -> [UInt8] {
        switch self {
        case .float16:
            let halves = [UInt16](unsafeUninitializedCapacity: values.count) { target, count in
                count = values.count
                values.withUnsafeBufferPointer {
                    _ = narrowToHalf($0, into: UnsafeMutableBufferPointer(rebasing: target[..<values.count]))
                }
            }
            return halves.map(\.littleEndian).withUnsafeBytes { Array($0) }
        case .float32: return values.map(\.bitPattern.littleEndian).withUnsafeBytes { Array($0) }
        }
    }

    /// The numbers that are stored so.
    func values(_ bytes: [UInt8]) -> [Float] {
        bytes.withUnsafeBytes { bytes in
            switch self {
            case .float16:
                [Float](unsafeUninitializedCapacity: bytes.count / 2) { target, count in
                    count = bytes.count / 2
                    widenHalves(bytes, into: UnsafeMutableBufferPointer(rebasing: target[..<count]))
                }
            case .float32: (0..<bytes.count / 4).map { Float(bitPattern: bytes.field(4 * $0)) }
            }
        }
    }
}
