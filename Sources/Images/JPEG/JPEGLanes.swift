// The few steps on eight lanes that the decoder's loops are made of.

#if arch(x86_64)
import _Builtin_intrinsics.intel

/// Narrows to 16 bits, clamping what does not fit.
@inline(__always)
func saturated(_ lanes: SIMD8<Int32>) -> SIMD8<Int16> {
    // The compiler does not find SSE2's instruction for this by itself.
    unsafeBitCast(
        _mm_packs_epi32(
            unsafeBitCast(lanes.lowHalf, to: SIMD2<Int64>.self),
            unsafeBitCast(lanes.highHalf, to: SIMD2<Int64>.self)),
        to: SIMD8<Int16>.self)
}
#else
/// Narrows to 16 bits, clamping what does not fit.
@inline(__always)
func saturated(_ lanes: SIMD8<Int32>) -> SIMD8<Int16> {
    SIMD8<Int16>(
        truncatingIfNeeded: lanes.clamped(
            lowerBound: SIMD8(repeating: Int32(Int16.min)), upperBound: SIMD8(repeating: Int32(Int16.max))))
}
#endif

@inline(__always)
func widened(_ lanes: SIMD8<Int16>) -> SIMD8<Int32> { SIMD8<Int32>(truncatingIfNeeded: lanes) }

/// `a * x + b * y` in 32 bits.
@inline(__always)
func products(_ a: SIMD8<Int16>, _ x: Int32, _ b: SIMD8<Int16>, _ y: Int32) -> SIMD8<Int32> {
    widened(a) &* SIMD8(repeating: x) &+ widened(b) &* SIMD8(repeating: y)
}

/// Lanes 0…3 of both, alternating.
@inline(__always)
func interleavedLow(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    var both = SIMD8<Int16>()
    both.evenHalf = a.lowHalf
    both.oddHalf = b.lowHalf
    return both
}

/// Lanes 4…7 of both, alternating.
@inline(__always)
func interleavedHigh(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    var both = SIMD8<Int16>()
    both.evenHalf = a.highHalf
    both.oddHalf = b.highHalf
    return both
}

/// Eight samples from anywhere.
@inline(__always)
func loadSamples(_ source: UnsafePointer<UInt8>) -> SIMD8<Int16> {
    SIMD8<Int16>(truncatingIfNeeded: UnsafeRawPointer(source).loadUnaligned(as: SIMD8<UInt8>.self))
}
