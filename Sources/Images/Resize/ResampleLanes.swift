#if arch(x86_64)
import _Builtin_intrinsics.intel

/// Sums of two neighbouring products each, in 32 bits.
@inline(__always)
func pairedProducts(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD4<Int32> {
    // SSE2 has one instruction for it, which the compiler does not find by itself.
    unsafeBitCast(
        _mm_madd_epi16(unsafeBitCast(a, to: SIMD2<Int64>.self), unsafeBitCast(b, to: SIMD2<Int64>.self)),
        to: SIMD4<Int32>.self)
}
#else
/// Sums of two neighbouring products each, in 32 bits.
@inline(__always)
func pairedProducts(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD4<Int32> {
    SIMD4<Int32>(truncatingIfNeeded: a.evenHalf) &* SIMD4<Int32>(truncatingIfNeeded: b.evenHalf)
        &+ SIMD4<Int32>(truncatingIfNeeded: a.oddHalf) &* SIMD4<Int32>(truncatingIfNeeded: b.oddHalf)
}
#endif

/// A weight in two parts, so that products fit the 16-bit multipliers that every processor has: 256 × high + low.
///
/// A weight is below 2 in magnitude, as the centre's own weight outweighs the negative lobes: `high` fits 16 bits.
struct SplitWeight {
    let high: Int16
    let low: Int16

    init(_ weight: Int32) {
        high = Int16(weight >> 8)
        low = Int16(weight & 0xFF)
    }
}

/// The same bytes of two places in turn, as 16-bit lanes.
@inline(__always)
func pairedSamples(
    _ first: UnsafeRawPointer, _ second: UnsafeRawPointer
) -> (low: SIMD8<Int16>, high: SIMD8<Int16>) {
    var pairs = SIMD16<UInt8>()
    pairs.evenHalf = first.loadUnaligned(as: SIMD8<UInt8>.self)
    pairs.oddHalf = second.loadUnaligned(as: SIMD8<UInt8>.self)
    return (SIMD8(truncatingIfNeeded: pairs.lowHalf), SIMD8(truncatingIfNeeded: pairs.highHalf))
}
