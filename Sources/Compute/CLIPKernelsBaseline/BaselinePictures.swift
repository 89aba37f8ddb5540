internal import CLIPKernels

/// Samples on every machine.
enum BaselinePictures: PictureUnit {
    @inline(__always)
    static func storePixels(
        red: SIMD16<UInt8>, green: SIMD16<UInt8>, blue: SIMD16<UInt8>, _ output: UnsafeMutablePointer<UInt8>
    ) {
        // Three streams become three of twice the width, until a unit is eight bytes: a0 b0 c0 a1 b1 c1 … is
        // (a0 b0) (c0 a1) (b1 c1) ….
        let bytes = alternating(
            unsafeBitCast(red, to: SIMD8<UInt16>.self), unsafeBitCast(green, to: SIMD8<UInt16>.self),
            unsafeBitCast(blue, to: SIMD8<UInt16>.self), 8)
        let words = alternating(
            unsafeBitCast(bytes.0, to: SIMD4<UInt32>.self), unsafeBitCast(bytes.1, to: SIMD4<UInt32>.self),
            unsafeBitCast(bytes.2, to: SIMD4<UInt32>.self), 16)
        let (a, b, c) = alternating(
            unsafeBitCast(words.0, to: SIMD2<UInt64>.self), unsafeBitCast(words.1, to: SIMD2<UInt64>.self),
            unsafeBitCast(words.2, to: SIMD2<UInt64>.self), 32)
        let target = UnsafeMutableRawPointer(output)
        target.storeBytes(of: SIMD2(a[0], b[0]), as: SIMD2<UInt64>.self)
        target.storeBytes(of: SIMD2(c[0], a[1]), toByteOffset: 16, as: SIMD2<UInt64>.self)
        target.storeBytes(of: SIMD2(b[1], c[1]), toByteOffset: 32, as: SIMD2<UInt64>.self)
    }

    /// Lanes hold two units of `bits` each, the first one low.
    @inline(__always)
    private static func alternating<Lanes: SIMD>(
        _ a: Lanes, _ b: Lanes, _ c: Lanes, _ bits: Lanes.Scalar
    ) -> (Lanes, Lanes, Lanes) where Lanes.Scalar: FixedWidthInteger {
        let first = Lanes(repeating: (1 &<< bits) &- 1)
        let shift = Lanes(repeating: bits)
        return (a & first | b &<< shift, c & first | a & ~first, b &>> shift | c & ~first)
    }
}

#if arch(x86_64)
import _Builtin_intrinsics.intel

extension BaselinePictures {
    private typealias Register = SIMD2<Int64>

    @inline(__always)
    private static func register<Lanes>(_ lanes: Lanes) -> Register { unsafeBitCast(lanes, to: Register.self) }

    @inline(__always)
    private static func bytes(_ register: Register) -> SIMD16<UInt8> {
        unsafeBitCast(register, to: SIMD16<UInt8>.self)
    }

    @inline(__always)
    private static func lanes(_ low: Register, _ high: Register) -> SIMD16<Int16> {
        SIMD16(
            lowHalf: unsafeBitCast(low, to: SIMD8<Int16>.self), highHalf: unsafeBitCast(high, to: SIMD8<Int16>.self))
    }

    @inline(__always)
    static func pairedProducts(_ a: SIMD16<Int16>, _ b: SIMD16<Int16>) -> SIMD8<Int32> {
        unsafeBitCast(
            lanes(
                _mm_madd_epi16(register(a.lowHalf), register(b.lowHalf)),
                _mm_madd_epi16(register(a.highHalf), register(b.highHalf))), to: SIMD8<Int32>.self)
    }

    @inline(__always)
    static func highProduct(_ a: SIMD16<Int16>, _ factor: Int16) -> SIMD16<Int16> {
        let factors = register(SIMD8<Int16>(repeating: factor))
        return lanes(
            _mm_mulhi_epi16(register(a.lowHalf), factors), _mm_mulhi_epi16(register(a.highHalf), factors))
    }

    @inline(__always)
    static func roundedSum(_ a: SIMD16<Int16>, _ x: Int16, _ b: SIMD16<Int16>, _ y: Int16) -> SIMD16<Int16> {
        let factors = register(SIMD4<Int32>(repeating: Int32(UInt16(bitPattern: x)) | Int32(y) << 16))
        @inline(__always)
        func sums(_ pairs: Register) -> Register {
            let products = unsafeBitCast(_mm_madd_epi16(pairs, factors), to: SIMD4<Int32>.self)
            return register((products &+ 32768) &>> 16)
        }
        @inline(__always)
        func half(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> Register {
            _mm_packs_epi32(
                sums(_mm_unpacklo_epi16(register(a), register(b))), sums(_mm_unpackhi_epi16(register(a), register(b))))
        }
        return lanes(half(a.lowHalf, b.lowHalf), half(a.highHalf, b.highHalf))
    }

    @inline(__always)
    static func widened(_ samples: SIMD16<UInt8>) -> SIMD16<Int16> {
        lanes(
            _mm_unpacklo_epi8(register(samples), Register.zero), _mm_unpackhi_epi8(register(samples), Register.zero))
    }

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
}
#elseif arch(arm64)
import _Builtin_intrinsics.arm.neon

extension BaselinePictures {
    @inline(__always)
    private static func lanes(_ low: SIMD8<Int16>, _ high: SIMD8<Int16>) -> SIMD16<Int16> {
        SIMD16(lowHalf: low, highHalf: high)
    }

    @inline(__always)
    static func pairedProducts(_ a: SIMD16<Int16>, _ b: SIMD16<Int16>) -> SIMD8<Int32> {
        @inline(__always) func half(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD4<Int32> {
            vpaddq_s32(vmull_s16(a.lowHalf, b.lowHalf), vmull_s16(a.highHalf, b.highHalf))
        }
        return SIMD8(lowHalf: half(a.lowHalf, b.lowHalf), highHalf: half(a.highHalf, b.highHalf))
    }

    @inline(__always)
    static func highProduct(_ a: SIMD16<Int16>, _ factor: Int16) -> SIMD16<Int16> {
        let factors = SIMD4<Int16>(repeating: factor)
        @inline(__always) func half(_ a: SIMD8<Int16>) -> SIMD8<Int16> {
            vuzp2q_s16(
                unsafeBitCast(vmull_s16(a.lowHalf, factors), to: SIMD8<Int16>.self),
                unsafeBitCast(vmull_s16(a.highHalf, factors), to: SIMD8<Int16>.self))
        }
        return lanes(half(a.lowHalf), half(a.highHalf))
    }

    @inline(__always)
    static func roundedSum(_ a: SIMD16<Int16>, _ x: Int16, _ b: SIMD16<Int16>, _ y: Int16) -> SIMD16<Int16> {
        let (xs, ys) = (SIMD4<Int16>(repeating: x), SIMD4<Int16>(repeating: y))
        @inline(__always) func rounded(_ a: SIMD4<Int16>, _ b: SIMD4<Int16>) -> SIMD4<Int16> {
            // The upper halves, rounded.
            vraddhn_s32(vmlal_s16(vmull_s16(a, xs), b, ys), .zero)
        }
        @inline(__always) func half(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
            SIMD8(lowHalf: rounded(a.lowHalf, b.lowHalf), highHalf: rounded(a.highHalf, b.highHalf))
        }
        return lanes(half(a.lowHalf, b.lowHalf), half(a.highHalf, b.highHalf))
    }

    @inline(__always)
    static func widened(_ samples: SIMD16<UInt8>) -> SIMD16<Int16> {
        lanes(
            unsafeBitCast(vmovl_u8(samples.lowHalf), to: SIMD8<Int16>.self),
            unsafeBitCast(vmovl_u8(samples.highHalf), to: SIMD8<Int16>.self))
    }

    @inline(__always)
    static func clampedBytes(_ values: SIMD8<Int32>) -> SIMD8<UInt8> {
        vqmovn_u16(SIMD8(lowHalf: vqmovun_s32(values.lowHalf), highHalf: vqmovun_s32(values.highHalf)))
    }

    @inline(__always)
    static func clampedBytes(_ values: SIMD16<Int16>) -> SIMD16<UInt8> {
        SIMD16(lowHalf: vqmovun_s16(values.lowHalf), highHalf: vqmovun_s16(values.highHalf))
    }

    @inline(__always)
    static func interleavedLow(_ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>) -> SIMD16<UInt8> { vzip1q_u8(a, b) }

    @inline(__always)
    static func interleavedHigh(_ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>) -> SIMD16<UInt8> { vzip2q_u8(a, b) }
}
#else
// Lanes are spelt out, and pairs split by shifts: conversions of whole vectors would become calls.
extension BaselinePictures {
    private typealias Pairs = SIMD8<Int32>

    /// The first and the second of each pair.
    @inline(__always)
    private static func split(_ lanes: SIMD16<Int16>) -> (Pairs, Pairs) {
        let pairs = unsafeBitCast(lanes, to: Pairs.self)
        return ((pairs &<< 16) &>> 16, pairs &>> 16)
    }

    /// The upper halves of both, as the first and the second of each pair.
    @inline(__always)
    private static func joined(_ first: Pairs, _ second: Pairs) -> SIMD16<Int16> {
        unsafeBitCast((first &>> 16) & 0xFFFF | second & ~0xFFFF, to: SIMD16<Int16>.self)
    }

    @inline(__always)
    static func pairedProducts(_ a: SIMD16<Int16>, _ b: SIMD16<Int16>) -> SIMD8<Int32> {
        let ((a0, a1), (b0, b1)) = (split(a), split(b))
        return a0 &* b0 &+ a1 &* b1
    }

    @inline(__always)
    static func highProduct(_ a: SIMD16<Int16>, _ factor: Int16) -> SIMD16<Int16> {
        let (a0, a1) = split(a)
        let factors = Pairs(repeating: Int32(factor))
        return joined(a0 &* factors, a1 &* factors)
    }

    @inline(__always)
    static func roundedSum(_ a: SIMD16<Int16>, _ x: Int16, _ b: SIMD16<Int16>, _ y: Int16) -> SIMD16<Int16> {
        let ((a0, a1), (b0, b1)) = (split(a), split(b))
        let (xs, ys) = (Pairs(repeating: Int32(x)), Pairs(repeating: Int32(y)))
        return joined(a0 &* xs &+ b0 &* ys &+ 32768, a1 &* xs &+ b1 &* ys &+ 32768)
    }

    @inline(__always)
    static func widened(_ samples: SIMD16<UInt8>) -> SIMD16<Int16> {
        SIMD16(
            lowHalf: unsafeBitCast(interleavedLow(samples, .zero), to: SIMD8<Int16>.self),
            highHalf: unsafeBitCast(interleavedHigh(samples, .zero), to: SIMD8<Int16>.self))
    }

    @inline(__always)
    static func clampedBytes(_ values: SIMD8<Int32>) -> SIMD8<UInt8> {
        let clamped = values.clamped(lowerBound: .zero, upperBound: SIMD8(repeating: 255))
        let s = unsafeBitCast(clamped, to: SIMD32<UInt8>.self)
        return SIMD8(s[0], s[4], s[8], s[12], s[16], s[20], s[24], s[28])
    }

    @inline(__always)
    static func clampedBytes(_ values: SIMD16<Int16>) -> SIMD16<UInt8> {
        let clamped = values.clamped(lowerBound: .zero, upperBound: SIMD16(repeating: 255))
        let s = unsafeBitCast(clamped, to: SIMD32<UInt8>.self)
        return SIMD16(
            s[0], s[2], s[4], s[6], s[8], s[10], s[12], s[14], s[16], s[18], s[20], s[22], s[24], s[26], s[28], s[30])
    }

    @inline(__always)
    static func interleavedLow(_ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>) -> SIMD16<UInt8> {
        SIMD16(a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3], a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7])
    }

    @inline(__always)
    static func interleavedHigh(_ a: SIMD16<UInt8>, _ b: SIMD16<UInt8>) -> SIMD16<UInt8> {
        SIMD16(
            a[8], b[8], a[9], b[9], a[10], b[10], a[11], b[11], a[12], b[12], a[13], b[13], a[14], b[14], a[15], b[15])
    }
}
#endif
