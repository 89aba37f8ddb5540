/// The steps on samples that the loops over pictures are made of, for one instruction set: those that no operator on
/// vectors becomes.
///
/// The loops are generic over it and always inlined, as kernels over `VectorUnit` are. They take sixteen lanes of 16 bits
/// or eight of 32 at once: one register of 256 bits, or two of 128.
@usableFromInline package protocol PictureUnit: SendableMetatype {
    /// Products of the lanes, those of two neighbours added in 32 bits.
    static func pairedProducts(_ a: SIMD16<Int16>, _ b: SIMD16<Int16>) -> SIMD8<Int32>

    /// `a * factor >> 16`.
    static func highProduct(_ a: SIMD16<Int16>, _ factor: Int16) -> SIMD16<Int16>

    /// `(a * x + b * y + 32768) >> 16`, of a sum that fits 32 bits.
    static func roundedSum(_ a: SIMD16<Int16>, _ x: Int16, _ b: SIMD16<Int16>, _ y: Int16) -> SIMD16<Int16>

    static func widened(_ samples: SIMD16<UInt8>) -> SIMD16<Int16>

    /// Clamps numbers of at most 16 bits to 0…255.
    static func clampedBytes(_ values: SIMD8<Int32>) -> SIMD8<UInt8>

    /// Clamps to 0…255.
    static func clampedBytes(_ values: SIMD16<Int16>) -> SIMD16<UInt8>

    /// Bytes 0…7 of both, alternating.
    static func interleavedLow(_ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>) -> SIMD16<UInt8>

    /// Bytes 8…15 of both, alternating.
    static func interleavedHigh(_ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>) -> SIMD16<UInt8>

    /// Stores sixteen pixels: 48 bytes.
    static func storePixels(
        red: SIMD16<UInt8>, green: SIMD16<UInt8>, blue: SIMD16<UInt8>, _ output: UnsafeMutablePointer<UInt8>)
}

extension PictureUnit {
    /// Sixteen samples from anywhere.
    @inlinable @inline(__always)
    static func load(_ samples: UnsafePointer<UInt8>) -> SIMD16<UInt8> {
        UnsafeRawPointer(samples).loadUnaligned(as: SIMD16<UInt8>.self)
    }

    /// Eight samples from anywhere, and eight zeros.
    @inlinable @inline(__always)
    static func loadEight(_ samples: UnsafeRawPointer) -> SIMD16<UInt8> {
        unsafeBitCast(SIMD2(samples.loadUnaligned(as: UInt64.self), 0), to: SIMD16<UInt8>.self)
    }

    /// Turns a square of eight by eight bytes.
    /// - Parameter row: where row 0…7 begins.
    /// - Returns: its columns, two to a vector.
    @inlinable @inline(__always)
    static func transposed(
        _ row: (Int) -> UnsafeRawPointer
    ) -> (SIMD16<UInt8>, SIMD16<UInt8>, SIMD16<UInt8>, SIMD16<UInt8>) {
        // Three perfect shuffles of the rows' halves bring the index's row bits where its column bits were.
        let a = interleavedLow(loadEight(row(0)), loadEight(row(4)))
        let b = interleavedLow(loadEight(row(1)), loadEight(row(5)))
        let c = interleavedLow(loadEight(row(2)), loadEight(row(6)))
        let d = interleavedLow(loadEight(row(3)), loadEight(row(7)))
        let (e, f) = (interleavedLow(a, c), interleavedHigh(a, c))
        let (g, h) = (interleavedLow(b, d), interleavedHigh(b, d))
        return (interleavedLow(e, g), interleavedHigh(e, g), interleavedLow(f, h), interleavedHigh(f, h))
    }
}
