extension StoredTensor {
    /// The index of the first number that is infinite or not a number, nil if there is none.
    ///
    /// Whole numbers are always finite. Reads the whole tensor, once.
    package func firstNonFinite() -> Int? {
        withBytes { CLIPWeights.firstNonFinite(in: $0, of: type) }
    }

    /// - Throws: an error that names the tensor and the place of the first number that is infinite or not a number.
    package func checkFinite() throws(WeightsError) {
        guard let index = firstNonFinite() else { return }
        throw WeightsError(
            path: file.path,
            problem: "tensor \(quoted(name)) has a NaN or an infinity at index \(index): the weights are damaged, "
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
