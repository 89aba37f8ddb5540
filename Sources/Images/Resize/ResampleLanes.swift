// The few steps on lanes that a resize's loops are made of. On x86-64 those that the compiler does not find SSE2's
// instructions for are spelt out.

/// Sixteen samples as they are stored.
typealias SampleBytes = SIMD16<UInt8>
/// Samples, or parts of weights, two neighbouring lanes being a pair.
typealias SamplePairs = SIMD16<Int16>

#if arch(x86_64)
import _Builtin_intrinsics.intel

private typealias Register = SIMD2<Int64>

@inline(__always)
private func register<Lanes>(_ lanes: Lanes) -> Register { unsafeBitCast(lanes, to: Register.self) }

/// Products of the lanes, those of a pair added in 32 bits.
@inline(__always)
func pairedProducts(_ a: SamplePairs, _ b: SamplePairs) -> SIMD8<Int32> {
    SIMD8(
        lowHalf: unsafeBitCast(_mm_madd_epi16(register(a.lowHalf), register(b.lowHalf)), to: SIMD4<Int32>.self),
        highHalf: unsafeBitCast(_mm_madd_epi16(register(a.highHalf), register(b.highHalf)), to: SIMD4<Int32>.self))
}

/// Clamps to 0…255.
@inline(__always)
func clampedBytes(_ values: SIMD8<Int32>) -> SIMD8<UInt8> {
    let samples = _mm_packs_epi32(register(values.lowHalf), register(values.highHalf))
    return unsafeBitCast(_mm_packus_epi16(samples, samples), to: SampleBytes.self).lowHalf
}

/// Bytes 0…7 of both, alternating.
@inline(__always)
func interleavedLow(_ a: SampleBytes, _ b: SampleBytes) -> SampleBytes {
    unsafeBitCast(_mm_unpacklo_epi8(register(a), register(b)), to: SampleBytes.self)
}

/// Bytes 8…15 of both, alternating.
@inline(__always)
func interleavedHigh(_ a: SampleBytes, _ b: SampleBytes) -> SampleBytes {
    unsafeBitCast(_mm_unpackhi_epi8(register(a), register(b)), to: SampleBytes.self)
}

/// The same samples in lanes of 16 bits.
@inline(__always)
func widened(_ samples: SampleBytes) -> SamplePairs {
    SamplePairs(
        lowHalf: unsafeBitCast(_mm_unpacklo_epi8(register(samples), Register.zero), to: SIMD8<Int16>.self),
        highHalf: unsafeBitCast(_mm_unpackhi_epi8(register(samples), Register.zero), to: SIMD8<Int16>.self))
}
#else
/// Products of the lanes, those of a pair added in 32 bits.
@inline(__always)
func pairedProducts(_ a: SamplePairs, _ b: SamplePairs) -> SIMD8<Int32> {
    let (a, b) = (unsafeBitCast(a, to: SIMD8<Int32>.self), unsafeBitCast(b, to: SIMD8<Int32>.self))
    return (a &>> 16) &* (b &>> 16) &+ ((a &<< 16) &>> 16) &* ((b &<< 16) &>> 16)
}

/// Clamps to 0…255.
@inline(__always)
func clampedBytes(_ values: SIMD8<Int32>) -> SIMD8<UInt8> {
    let v = values.clamped(lowerBound: .zero, upperBound: SIMD8(repeating: 255))
    let bytes = unsafeBitCast(v, to: SIMD32<UInt8>.self)
    return SIMD8(bytes[0], bytes[4], bytes[8], bytes[12], bytes[16], bytes[20], bytes[24], bytes[28])
}

/// Bytes 0…7 of both, alternating.
@inline(__always)
func interleavedLow(_ a: SampleBytes, _ b: SampleBytes) -> SampleBytes {
    SampleBytes(
        a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3], a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7])
}

/// Bytes 8…15 of both, alternating.
@inline(__always)
func interleavedHigh(_ a: SampleBytes, _ b: SampleBytes) -> SampleBytes {
    SampleBytes(
        a[8], b[8], a[9], b[9], a[10], b[10], a[11], b[11], a[12], b[12], a[13], b[13], a[14], b[14], a[15], b[15])
}

/// The same samples in lanes of 16 bits.
@inline(__always)
func widened(_ samples: SampleBytes) -> SamplePairs {
    SamplePairs(
        lowHalf: unsafeBitCast(interleavedLow(samples, .zero), to: SIMD8<Int16>.self),
        highHalf: unsafeBitCast(interleavedHigh(samples, .zero), to: SIMD8<Int16>.self))
}
#endif

/// Columns of a square of eight by eight bytes, two to a vector.
typealias ByteColumns = (SampleBytes, SampleBytes, SampleBytes, SampleBytes)

/// Eight samples, and eight zeros.
@inline(__always)
func loadEight(_ samples: UnsafeRawPointer) -> SampleBytes {
    unsafeBitCast(SIMD2(samples.loadUnaligned(as: UInt64.self), 0), to: SampleBytes.self)
}

/// - Parameter row: where row 0…7 begins.
@inline(__always)
func transposed(_ row: (Int) -> UnsafeRawPointer) -> ByteColumns {
    @inline(__always)
    func load(_ index: Int) -> SampleBytes { loadEight(row(index)) }
    // Three perfect shuffles of the rows' halves bring the index's row bits where its column bits were.
    let (a, b) = (interleavedLow(load(0), load(4)), interleavedLow(load(1), load(5)))
    let (c, d) = (interleavedLow(load(2), load(6)), interleavedLow(load(3), load(7)))
    let (e, f) = (interleavedLow(a, c), interleavedHigh(a, c))
    let (g, h) = (interleavedLow(b, d), interleavedHigh(b, d))
    return (interleavedLow(e, g), interleavedHigh(e, g), interleavedLow(f, h), interleavedHigh(f, h))
}
