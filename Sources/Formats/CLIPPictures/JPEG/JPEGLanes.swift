// The few steps on eight lanes that the decoder's loops are made of. On x86-64 those that the compiler does not find
// SSE2's instructions for are spelt out.

#if arch(x86_64)
import _Builtin_intrinsics.intel

private typealias Register = SIMD2<Int64>

@inline(__always)
private func register(_ lanes: SIMD8<Int16>) -> Register { unsafeBitCast(lanes, to: Register.self) }

@inline(__always)
private func register(_ lanes: SIMD4<Int32>) -> Register { unsafeBitCast(lanes, to: Register.self) }

@inline(__always)
private func lanes(_ register: Register) -> SIMD8<Int16> { unsafeBitCast(register, to: SIMD8<Int16>.self) }

/// Narrows to 16 bits, clamping what does not fit.
@inline(__always)
func saturated(_ wide: SIMD8<Int32>) -> SIMD8<Int16> {
    lanes(_mm_packs_epi32(register(wide.lowHalf), register(wide.highHalf)))
}

/// Clamps to 0…255 and puts two samples in a lane, the even one first in memory.
@inline(__always)
func samplePairs(_ even: SIMD8<Int16>, _ odd: SIMD8<Int16>) -> SIMD8<Int16> {
    let samples = _mm_packus_epi16(register(even), register(odd))
    return lanes(_mm_unpacklo_epi8(samples, _mm_unpackhi_epi64(samples, samples)))
}

/// Lanes 0…3 of both, alternating.
@inline(__always)
func interleavedLow(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    lanes(_mm_unpacklo_epi16(register(a), register(b)))
}

/// Lanes 4…7 of both, alternating.
@inline(__always)
func interleavedHigh(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    lanes(_mm_unpackhi_epi16(register(a), register(b)))
}

/// `a * x + b * y` in 32 bits.
@inline(__always)
func products(_ a: SIMD8<Int16>, _ x: Int16, _ b: SIMD8<Int16>, _ y: Int16) -> SIMD8<Int32> {
    let factors = register(SIMD4<Int32>(repeating: Int32(UInt16(bitPattern: x)) | Int32(y) << 16))
    return SIMD8(
        lowHalf: unsafeBitCast(
            _mm_madd_epi16(register(interleavedLow(a, b)), factors), to: SIMD4<Int32>.self),
        highHalf: unsafeBitCast(
            _mm_madd_epi16(register(interleavedHigh(a, b)), factors), to: SIMD4<Int32>.self))
}
#else
/// Narrows to 16 bits, clamping what does not fit.
@inline(__always)
func saturated(_ wide: SIMD8<Int32>) -> SIMD8<Int16> {
    SIMD8<Int16>(
        truncatingIfNeeded: wide.clamped(
            lowerBound: SIMD8(repeating: Int32(Int16.min)), upperBound: SIMD8(repeating: Int32(Int16.max))))
}

/// Clamps to 0…255 and puts two samples in a lane, the even one first in memory.
@inline(__always)
func samplePairs(_ even: SIMD8<Int16>, _ odd: SIMD8<Int16>) -> SIMD8<Int16> {
    let greatest = SIMD8<Int16>(repeating: 255)
    let pairs =
        even.clamped(lowerBound: .zero, upperBound: greatest)
        | odd.clamped(lowerBound: .zero, upperBound: greatest) &<< 8
    #if _endian(little)
    return pairs
    #else
    return SIMD8<Int16>(truncatingIfNeeded: pairs &<< 8 | (pairs &>> 8 & 255))
    #endif
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

/// `a * x + b * y` in 32 bits.
@inline(__always)
func products(_ a: SIMD8<Int16>, _ x: Int16, _ b: SIMD8<Int16>, _ y: Int16) -> SIMD8<Int32> {
    widened(a) &* SIMD8(repeating: Int32(x)) &+ widened(b) &* SIMD8(repeating: Int32(y))
}

@inline(__always)
private func widened(_ lanes: SIMD8<Int16>) -> SIMD8<Int32> { SIMD8<Int32>(truncatingIfNeeded: lanes) }
#endif
