/// Little-endian fields at fixed places of a record.
struct ByteFields {
    private(set) var bytes: [UInt8]

    /// A record of zeros.
    init(count: Int) { bytes = [UInt8](repeating: 0, count: count) }

    mutating func set(_ value: some FixedWidthInteger, at offset: Int) {
        withUnsafeBytes(of: value.littleEndian) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }

    mutating func set(_ value: some Collection<UInt8>, at offset: Int) {
        bytes.replaceSubrange(offset..<offset + value.count, with: value)
    }
}

extension UnsafeRawBufferPointer {
    /// The little-endian number at `offset`.
    func field<Value: FixedWidthInteger>(_ offset: Int, as type: Value.Type = Value.self) -> Value {
        Value(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
    }

    subscript(part range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }
}
