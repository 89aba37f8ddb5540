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
    SIMD8<Int32>(truncatingIfNeeded: a.evenHalf) &* SIMD8<Int32>(truncatingIfNeeded: b.evenHalf)
        &+ SIMD8<Int32>(truncatingIfNeeded: a.oddHalf) &* SIMD8<Int32>(truncatingIfNeeded: b.oddHalf)
}

/// Clamps to 0…255.
@inline(__always)
func clampedBytes(_ values: SIMD8<Int32>) -> SIMD8<UInt8> {
    SIMD8<UInt8>(truncatingIfNeeded: values.clamped(lowerBound: .zero, upperBound: SIMD8(repeating: 255)))
}

/// Bytes 0…7 of both, alternating.
@inline(__always)
func interleavedLow(_ a: SampleBytes, _ b: SampleBytes) -> SampleBytes {
    var both = SampleBytes()
    both.evenHalf = a.lowHalf
    both.oddHalf = b.lowHalf
    return both
}

/// Bytes 8…15 of both, alternating.
@inline(__always)
func interleavedHigh(_ a: SampleBytes, _ b: SampleBytes) -> SampleBytes {
    var both = SampleBytes()
    both.evenHalf = a.highHalf
    both.oddHalf = b.highHalf
    return both
}

/// The same samples in lanes of 16 bits.
@inline(__always)
func widened(_ samples: SampleBytes) -> SamplePairs { SamplePairs(truncatingIfNeeded: samples) }
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
