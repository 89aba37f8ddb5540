#if arch(x86_64)
import _Builtin_intrinsics.intel
internal import CLIPKernels

/// Samples with AVX2.
enum AVX2Pictures: PictureUnit {
    private typealias Register = SIMD2<Int64>
    private typealias WideRegister = SIMD4<Int64>

    @inline(__always)
    private static func register<Lanes>(_ lanes: Lanes) -> Register { unsafeBitCast(lanes, to: Register.self) }

    @inline(__always)
    private static func wide<Lanes>(_ lanes: Lanes) -> WideRegister { unsafeBitCast(lanes, to: WideRegister.self) }

    @inline(__always)
    private static func bytes(_ register: Register) -> SIMD16<UInt8> {
        unsafeBitCast(register, to: SIMD16<UInt8>.self)
    }

    @inline(__always)
    private static func lanes(_ register: WideRegister) -> SIMD16<Int16> {
        unsafeBitCast(register, to: SIMD16<Int16>.self)
    }

    @inline(__always)
    static func pairedProducts(_ a: SIMD16<Int16>, _ b: SIMD16<Int16>) -> SIMD8<Int32> {
        unsafeBitCast(_mm256_madd_epi16(wide(a), wide(b)), to: SIMD8<Int32>.self)
    }

    @inline(__always)
    static func highProduct(_ a: SIMD16<Int16>, _ factor: Int16) -> SIMD16<Int16> {
        lanes(_mm256_mulhi_epi16(wide(a), wide(SIMD16<Int16>(repeating: factor))))
    }

    @inline(__always)
    static func roundedSum(_ a: SIMD16<Int16>, _ x: Int16, _ b: SIMD16<Int16>, _ y: Int16) -> SIMD16<Int16> {
        let factors = wide(SIMD8<Int32>(repeating: Int32(UInt16(bitPattern: x)) | Int32(y) << 16))
        @inline(__always)
        func sums(_ pairs: WideRegister) -> WideRegister {
            let products = unsafeBitCast(_mm256_madd_epi16(pairs, factors), to: SIMD8<Int32>.self)
            return wide((products &+ 32768) &>> 16)
        }
        // Both steps stay inside the halves of a register, so that the order comes out right.
        return lanes(
            _mm256_packs_epi32(
                sums(_mm256_unpacklo_epi16(wide(a), wide(b))), sums(_mm256_unpackhi_epi16(wide(a), wide(b)))))
    }

    @inline(__always)
    static func widened(_ samples: SIMD16<UInt8>) -> SIMD16<Int16> { lanes(_mm256_cvtepu8_epi16(register(samples))) }

    @inline(__always)
    static func clampedBytes(_ values: SIMD8<Int32>) -> SIMD8<UInt8> {
        let samples = _mm_packs_epi32(register(values.lowHalf), register(values.highHalf))
        return bytes(_mm_packus_epi16(samples, samples)).lowHalf
    }

    @inline(__always)
    static func clampedBytes(_ values: SIMD16<Int16>) -> SIMD16<UInt8> {
        bytes(_mm_packus_epi16(register(values.lowHalf), register(values.highHalf)))
    }

    @inline(__always)
    static func interleavedLow(_ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>) -> SIMD16<UInt8> {
        bytes(_mm_unpacklo_epi8(register(a), register(b)))
    }

    @inline(__always)
    static func interleavedHigh(_ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>) -> SIMD16<UInt8> {
        bytes(_mm_unpackhi_epi8(register(a), register(b)))
    }

    @inline(__always)
    static func storePixels(
        red: SIMD16<UInt8>, green: SIMD16<UInt8>, blue: SIMD16<UInt8>, _ output: UnsafeMutablePointer<UInt8>
    ) {
        // A sample's place is three times its index, modulo 16: one shuffle suits all three vectors that it may go to.
        let r = shuffled(red, SIMD16(0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10, 5))
        let g = shuffled(green, SIMD16(5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10))
        let b = shuffled(blue, SIMD16(10, 5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15))
        let second = SIMD16<UInt8>(0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0)
        let third = SIMD16<UInt8>(0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0)
        let target = UnsafeMutableRawPointer(output)
        target.storeBytes(of: chosen(r, g, b, second, third), as: SIMD16<UInt8>.self)
        target.storeBytes(of: chosen(g, b, r, second, third), toByteOffset: 16, as: SIMD16<UInt8>.self)
        target.storeBytes(of: chosen(b, r, g, second, third), toByteOffset: 32, as: SIMD16<UInt8>.self)
    }

    @inline(__always)
    private static func shuffled(_ samples: SIMD16<UInt8>, _ indices: SIMD16<UInt8>) -> SIMD16<UInt8> {
        bytes(_mm_shuffle_epi8(register(samples), register(indices)))
    }

    /// `b` and `c` where the masks that belong to them are set, else `a`.
    @inline(__always)
    private static func chosen(
        _ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>, _ c: SIMD16<UInt8>, _ second: SIMD16<UInt8>, _ third: SIMD16<UInt8>
    ) -> SIMD16<UInt8> {
        bytes(
            _mm_blendv_epi8(
                _mm_blendv_epi8(register(a), register(b), register(second)), register(c), register(third)))
    }
}
#endif
