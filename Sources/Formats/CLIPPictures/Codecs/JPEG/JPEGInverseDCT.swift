/// The inverse discrete cosine transform of 8 × 8 blocks, in the integer arithmetic that most software decodes JPEG
/// with (C. Loeffler, A. Ligtenberg, G. Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications", ICASSP
/// 1989, with 13-bit constants). Equal to the vector code of the reference decoder bit by bit, for absurd coefficients
/// too: sums are of 16 bits where that has 16, and clamp where it clamps.
enum JPEGInverseDCT {
    private typealias Lanes = SIMD8<Int16>

    /// Eight rows, or columns, of eight.
    private struct Block {
        var (r0, r1, r2, r3, r4, r5, r6, r7): (Lanes, Lanes, Lanes, Lanes, Lanes, Lanes, Lanes, Lanes)
    }

    /// Dequantises a block, transforms it and stores its samples.
    /// - Parameters:
    ///   - coefficients: 64 values, row by row; those outside `extent` are zero.
    ///   - quantisation: 64 factors, row by row.
    ///   - size: 8, or less to scale the block down.
    ///   - output: `size` rows of `size` samples, `stride` bytes apart.
    @inline(__always)
    static func transform(
        _ coefficients: UnsafePointer<Int16>, extent: JPEGBlockExtent, quantisation: UnsafePointer<Int16>, size: Int,
        into output: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        if size < 8 {
            JPEGReducedDCT.transform(
                coefficients, extent: extent, quantisation: quantisation, size: size, into: output, stride: stride)
        } else if extent.isDCOnly {
            fill(coefficients[0] &* quantisation[0], output, stride)
        } else {
            transformAC(coefficients, extent, quantisation, output, stride)
        }
    }

    @inline(__always)
    private static func fill(_ dc: Int16, _ output: UnsafeMutablePointer<UInt8>, _ stride: Int) {
        let level = (Int32(dc &<< 2) + 16) >> 5
        let sample = UInt8(truncatingIfNeeded: min(max(level + 128, 0), 255))
        let row = SIMD8<UInt8>(repeating: sample)
        for y in 0..<8 { UnsafeMutableRawPointer(output + y &* stride).storeBytes(of: row, as: SIMD8<UInt8>.self) }
    }

    @inline(never)
    private static func transformAC(
        _ coefficients: UnsafePointer<Int16>, _ extent: JPEGBlockExtent, _ quantisation: UnsafePointer<Int16>,
        _ output: UnsafeMutablePointer<UInt8>, _ stride: Int
    ) {
        @inline(__always)
        func row(_ index: Int) -> Lanes {
            let values = UnsafeRawPointer(coefficients).loadUnaligned(fromByteOffset: index &* 16, as: Lanes.self)
            return values &* UnsafeRawPointer(quantisation).loadUnaligned(fromByteOffset: index &* 16, as: Lanes.self)
        }

        if extent.isFirstRow {
            // All rows of the first pass's result are equal, and are shifted without clamping.
            let values = row(0) &<< 2
            var block = Block(
                r0: values, r1: values, r2: values, r3: values, r4: values, r5: values, r6: values, r7: values)
            transpose(&block)
            pass(&block, shift: 18)
            store(block, output, stride)
        } else if extent.isQuadrant {
            var block = Block(
                r0: row(0), r1: row(1), r2: row(2), r3: row(3), r4: .zero, r5: .zero, r6: .zero, r7: .zero)
            passOfFour(&block, shift: 11)
            transpose(&block)
            passOfFour(&block, shift: 18)
            store(block, output, stride)
        } else {
            var block = Block(
                r0: row(0), r1: row(1), r2: row(2), r3: row(3), r4: row(4), r5: row(5), r6: row(6), r7: row(7))
            pass(&block, shift: 11)
            transpose(&block)
            pass(&block, shift: 18)
            store(block, output, stride)
        }
    }

    /// One dimension: across the rows, for all eight columns at once.
    @inline(__always)
    private static func pass(_ block: inout Block, shift: Int32) {
        let even2 = products(block.r2, 4433, block.r6, 4433 - 15137)
        let even3 = products(block.r2, 4433 + 6270, block.r6, 4433)
        // Half of the last place comes in as one more product.
        let (half, factor) = rounding(shift)
        let even0 = products(block.r0 &+ block.r4, 8192, half, factor)
        let even1 = products(block.r0 &- block.r4, 8192, half, factor)

        let sum3 = block.r3 &+ block.r7
        let sum4 = block.r1 &+ block.r5
        let z3 = products(sum3, 9633 - 16069, sum4, 9633)
        let z4 = products(sum3, 9633, sum4, 9633 - 3196)
        let odd0 = products(block.r7, 2446 - 7373, block.r1, -7373) &+ z3
        let odd1 = products(block.r5, 16819 - 20995, block.r3, -20995) &+ z4
        let odd2 = products(block.r5, -20995, block.r3, 25172 - 20995) &+ z3
        let odd3 = products(block.r7, -7373, block.r1, 12299 - 7373) &+ z4
        finish(
            &block, even0 &+ even3, even1 &+ even2, even1 &- even2, even0 &- even3, odd0, odd1, odd2, odd3, shift)
    }

    /// The same where rows 4 to 7 are zero.
    @inline(__always)
    private static func passOfFour(_ block: inout Block, shift: Int32) {
        let half = SIMD8<Int32>(repeating: 1 &<< (shift &- 1))
        let (r0, r1, r2, r3) = (block.r0, block.r1, block.r2, block.r3)
        finish(
            &block, products(r0, 8192, r2, 4433 + 6270) &+ half, products(r0, 8192, r2, 4433) &+ half,
            products(r0, 8192, r2, -4433) &+ half, products(r0, 8192, r2, -4433 - 6270) &+ half,
            products(r3, 9633 - 16069, r1, 9633 - 7373), products(r3, 9633 - 20995, r1, 9633 - 3196),
            products(r3, 9633 - 16069 + 25172 - 20995, r1, 9633),
            products(r3, 9633, r1, 9633 - 3196 + 12299 - 7373), shift)
    }

    /// Two numbers whose product is `1 << (shift - 1)`.
    @inline(__always)
    private static func rounding(_ shift: Int32) -> (Lanes, Int16) {
        shift > 15 ? (Lanes(repeating: 8), 1 &<< Int16(shift &- 4)) : (Lanes(repeating: 1), 1 &<< Int16(shift &- 1))
    }

    @inline(__always)
    private static func finish(
        _ block: inout Block, _ even0: SIMD8<Int32>, _ even1: SIMD8<Int32>, _ even2: SIMD8<Int32>,
        _ even3: SIMD8<Int32>, _ odd0: SIMD8<Int32>, _ odd1: SIMD8<Int32>, _ odd2: SIMD8<Int32>, _ odd3: SIMD8<Int32>,
        _ shift: Int32
    ) {
        block.r0 = saturated((even0 &+ odd3) &>> shift)
        block.r7 = saturated((even0 &- odd3) &>> shift)
        block.r1 = saturated((even1 &+ odd2) &>> shift)
        block.r6 = saturated((even1 &- odd2) &>> shift)
        block.r2 = saturated((even2 &+ odd1) &>> shift)
        block.r5 = saturated((even2 &- odd1) &>> shift)
        block.r3 = saturated((even3 &+ odd0) &>> shift)
        block.r4 = saturated((even3 &- odd0) &>> shift)
    }

    @inline(__always)
    private static func transpose(_ block: inout Block) {
        // Three perfect shuffles of the rows' halves bring the index's row bits where its column bits were.
        for _ in 0..<3 {
            block = Block(
                r0: interleavedLow(block.r0, block.r4), r1: interleavedHigh(block.r0, block.r4),
                r2: interleavedLow(block.r1, block.r5), r3: interleavedHigh(block.r1, block.r5),
                r4: interleavedLow(block.r2, block.r6), r5: interleavedHigh(block.r2, block.r6),
                r6: interleavedLow(block.r3, block.r7), r7: interleavedHigh(block.r3, block.r7))
        }
    }

    /// Stores a block that is still transposed.
    @inline(__always)
    private static func store(_ block: Block, _ output: UnsafeMutablePointer<UInt8>, _ stride: Int) {
        // Two columns' samples to a lane, so that two shuffles less are needed.
        let c01 = samplePairs(block.r0 &+ 128, block.r1 &+ 128)
        let c23 = samplePairs(block.r2 &+ 128, block.r3 &+ 128)
        let c45 = samplePairs(block.r4 &+ 128, block.r5 &+ 128)
        let c67 = samplePairs(block.r6 &+ 128, block.r7 &+ 128)
        let (a, b) = (interleavedLow(c01, c45), interleavedHigh(c01, c45))
        let (c, d) = (interleavedLow(c23, c67), interleavedHigh(c23, c67))
        storeRows(interleavedLow(a, c), output, stride)
        storeRows(interleavedHigh(a, c), output + 2 &* stride, stride)
        storeRows(interleavedLow(b, d), output + 4 &* stride, stride)
        storeRows(interleavedHigh(b, d), output + 6 &* stride, stride)
    }

    @inline(__always)
    private static func storeRows(_ twoRows: Lanes, _ output: UnsafeMutablePointer<UInt8>, _ stride: Int) {
        let rows = unsafeBitCast(twoRows, to: SIMD2<UInt64>.self)
        UnsafeMutableRawPointer(output).storeBytes(of: rows[0], as: UInt64.self)
        UnsafeMutableRawPointer(output + stride).storeBytes(of: rows[1], as: UInt64.self)
    }
}

/// Inverse transforms that give a block at a half, a quarter or an eighth of its size: as many samples as are asked
/// for, from the coefficients that they can show. An eighth is the block's mean alone.
///
/// The arithmetic is that of the reference decoder's reduced transforms, so that scaled pictures equal its own.
private enum JPEGReducedDCT {
    private typealias Lanes = SIMD8<Int16>

    /// Dequantises a block, transforms it and stores its samples.
    /// - Parameters:
    ///   - coefficients: 64 values, row by row; those outside `extent` are zero.
    ///   - quantisation: 64 factors, row by row.
    ///   - size: 1, 2 or 4.
    ///   - output: `size` rows of `size` samples, `stride` bytes apart.
    @inline(__always)
    static func transform(
        _ coefficients: UnsafePointer<Int16>, extent: JPEGBlockExtent, quantisation: UnsafePointer<Int16>, size: Int,
        into output: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        if size == 1 || extent.isDCOnly {
            fill(coefficients[0] &* quantisation[0], output, stride, size)
        } else if size == 2 {
            transformTo2(coefficients, quantisation, output, stride)
        } else {
            transformTo4(coefficients, quantisation, output, stride)
        }
    }

    @inline(__always)
    private static func fill(_ dc: Int16, _ output: UnsafeMutablePointer<UInt8>, _ stride: Int, _ size: Int) {
        let sample = self.sample((Int32(dc) &+ 4) &>> 3)
        for y in 0..<size {
            for x in 0..<size { output[y &* stride &+ x] = sample }
        }
    }

    @inline(__always)
    private static func sample(_ level: Int32) -> UInt8 { UInt8(truncatingIfNeeded: min(max(level &+ 128, 0), 255)) }

    /// A row of dequantised coefficients.
    @inline(__always)
    private static func row(
        _ index: Int, _ coefficients: UnsafePointer<Int16>, _ quantisation: UnsafePointer<Int16>
    ) -> Lanes {
        let values = UnsafeRawPointer(coefficients).loadUnaligned(fromByteOffset: index &* 16, as: Lanes.self)
        return values &* UnsafeRawPointer(quantisation).loadUnaligned(fromByteOffset: index &* 16, as: Lanes.self)
    }

    @inline(never)
    private static func transformTo4(
        _ coefficients: UnsafePointer<Int16>, _ quantisation: UnsafePointer<Int16>,
        _ output: UnsafeMutablePointer<UInt8>, _ stride: Int
    ) {
        @inline(__always)
        func row(_ index: Int) -> Lanes { self.row(index, coefficients, quantisation) }
        let rows = pass4(row(0), row(1), row(2), row(3), row(5), row(6), row(7), shift: 12)

        // Transposed: two columns of four samples to a vector.
        let (a, b) = (interleavedLow(rows.0, rows.2), interleavedLow(rows.1, rows.3))
        let (c, d) = (interleavedHigh(rows.0, rows.2), interleavedHigh(rows.1, rows.3))
        let (c01, c23) = (interleavedLow(a, b), interleavedHigh(a, b))
        let (c45, c67) = (interleavedLow(c, d), interleavedHigh(c, d))
        let columns = pass4(
            c01, upperHalf(c01), c23, upperHalf(c23), upperHalf(c45), c67, upperHalf(c67), shift: 19)

        let e = samplePairs(columns.0 &+ 128, columns.1 &+ 128)
        let f = samplePairs(columns.2 &+ 128, columns.3 &+ 128)
        let samples = unsafeBitCast(interleavedLow(e, f), to: SIMD4<UInt32>.self)
        for y in 0..<4 { UnsafeMutableRawPointer(output + y &* stride).storeBytes(of: samples[y], as: UInt32.self) }
    }

    @inline(__always)
    private static func upperHalf(_ lanes: Lanes) -> Lanes { Lanes(lowHalf: lanes.highHalf, highHalf: lanes.highHalf) }

    /// One dimension, for all lanes at once, eight to four. The fifth coefficient vanishes where these samples lie.
    @inline(__always)
    private static func pass4(
        _ r0: Lanes, _ r1: Lanes, _ r2: Lanes, _ r3: Lanes, _ r5: Lanes, _ r6: Lanes, _ r7: Lanes, shift: Int32
    ) -> (Lanes, Lanes, Lanes, Lanes) {
        // Half of the last place comes in as one more product.
        let half = Lanes(repeating: 1 &<< Int16(truncatingIfNeeded: max(shift &- 15, 0)))
        let factor = Int16(1) &<< Int16(truncatingIfNeeded: min(shift &- 1, 14))
        let mean = products(r0, 16384, half, factor)
        let even = products(r2, 15137, r6, -6270)
        let inner = products(r7, -1730, r5, 11893) &+ products(r3, -17799, r1, 8697)
        let outer = products(r7, -4176, r5, -4926) &+ products(r3, 7373, r1, 20995)
        return (
            saturated((mean &+ even &+ outer) &>> shift), saturated((mean &- even &+ inner) &>> shift),
            saturated((mean &- even &- inner) &>> shift), saturated((mean &+ even &- outer) &>> shift)
        )
    }

    @inline(never)
    private static func transformTo2(
        _ coefficients: UnsafePointer<Int16>, _ quantisation: UnsafePointer<Int16>,
        _ output: UnsafeMutablePointer<UInt8>, _ stride: Int
    ) {
        @inline(__always)
        func row(_ index: Int) -> Lanes { self.row(index, coefficients, quantisation) }
        let mean = products(row(0), 16384, row(0), 16384) &+ 4096
        let odd = products(row(7), -5906, row(5), 6967) &+ products(row(3), -10426, row(1), 29692)
        let rows = ((mean &+ odd) &>> 13, (mean &- odd) &>> 13)
        for (y, r) in [rows.0, rows.1].enumerated() {
            let mean = r[0] &<< 15 &+ 1 &<< 19
            let odd = r[7] &* -5906 &+ r[5] &* 6967 &+ r[3] &* -10426 &+ r[1] &* 29692
            output[y &* stride] = sample((mean &+ odd) &>> 20)
            output[y &* stride &+ 1] = sample((mean &- odd) &>> 20)
        }
    }
}

// The few steps on eight lanes that the decoder's loops are made of, spelt out where the compiler doesn't find the
// instructions of SSE2 or NEON by itself.

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
private func saturated(_ wide: SIMD8<Int32>) -> SIMD8<Int16> {
    lanes(_mm_packs_epi32(register(wide.lowHalf), register(wide.highHalf)))
}

/// Clamps to 0…255 and puts two samples in a lane, the even one first in memory.
@inline(__always)
private func samplePairs(_ even: SIMD8<Int16>, _ odd: SIMD8<Int16>) -> SIMD8<Int16> {
    let samples = _mm_packus_epi16(register(even), register(odd))
    return lanes(_mm_unpacklo_epi8(samples, _mm_unpackhi_epi64(samples, samples)))
}

/// Lanes 0…3 of both, alternating.
@inline(__always)
private func interleavedLow(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    lanes(_mm_unpacklo_epi16(register(a), register(b)))
}

/// Lanes 4…7 of both, alternating.
@inline(__always)
private func interleavedHigh(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    lanes(_mm_unpackhi_epi16(register(a), register(b)))
}

/// `a * x + b * y` in 32 bits.
@inline(__always)
private func products(_ a: SIMD8<Int16>, _ x: Int16, _ b: SIMD8<Int16>, _ y: Int16) -> SIMD8<Int32> {
    let factors = register(SIMD4<Int32>(repeating: Int32(UInt16(bitPattern: x)) | Int32(y) << 16))
    return SIMD8(
        lowHalf: unsafeBitCast(
            _mm_madd_epi16(register(interleavedLow(a, b)), factors), to: SIMD4<Int32>.self),
        highHalf: unsafeBitCast(
            _mm_madd_epi16(register(interleavedHigh(a, b)), factors), to: SIMD4<Int32>.self))
}
#elseif arch(arm64)
import _Builtin_intrinsics.arm.neon

/// Narrows to 16 bits, clamping what does not fit.
@inline(__always)
private func saturated(_ wide: SIMD8<Int32>) -> SIMD8<Int16> {
    SIMD8(lowHalf: vqmovn_s32(wide.lowHalf), highHalf: vqmovn_s32(wide.highHalf))
}

/// Clamps to 0…255 and puts two samples in a lane, the even one first in memory.
@inline(__always)
private func samplePairs(_ even: SIMD8<Int16>, _ odd: SIMD8<Int16>) -> SIMD8<Int16> {
    let (even, odd) = (vqmovun_s16(even), vqmovun_s16(odd))
    return unsafeBitCast(SIMD16(lowHalf: vzip1_u8(even, odd), highHalf: vzip2_u8(even, odd)), to: SIMD8<Int16>.self)
}

/// Lanes 0…3 of both, alternating.
@inline(__always)
private func interleavedLow(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> { vzip1q_s16(a, b) }

/// Lanes 4…7 of both, alternating.
@inline(__always)
private func interleavedHigh(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> { vzip2q_s16(a, b) }

/// `a * x + b * y` in 32 bits.
@inline(__always)
private func products(_ a: SIMD8<Int16>, _ x: Int16, _ b: SIMD8<Int16>, _ y: Int16) -> SIMD8<Int32> {
    let (xs, ys) = (SIMD4<Int16>(repeating: x), SIMD4<Int16>(repeating: y))
    return SIMD8(
        lowHalf: vmlal_s16(vmull_s16(a.lowHalf, xs), b.lowHalf, ys),
        highHalf: vmlal_s16(vmull_s16(a.highHalf, xs), b.highHalf, ys))
}
#else
/// Narrows to 16 bits, clamping what does not fit.
@inline(__always)
private func saturated(_ wide: SIMD8<Int32>) -> SIMD8<Int16> {
    SIMD8<Int16>(
        truncatingIfNeeded: wide.clamped(
            lowerBound: SIMD8(repeating: Int32(Int16.min)), upperBound: SIMD8(repeating: Int32(Int16.max))))
}

/// Clamps to 0…255 and puts two samples in a lane, the even one first in memory.
@inline(__always)
private func samplePairs(_ even: SIMD8<Int16>, _ odd: SIMD8<Int16>) -> SIMD8<Int16> {
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
private func interleavedLow(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    var both = SIMD8<Int16>()
    both.evenHalf = a.lowHalf
    both.oddHalf = b.lowHalf
    return both
}

/// Lanes 4…7 of both, alternating.
@inline(__always)
private func interleavedHigh(_ a: SIMD8<Int16>, _ b: SIMD8<Int16>) -> SIMD8<Int16> {
    var both = SIMD8<Int16>()
    both.evenHalf = a.highHalf
    both.oddHalf = b.highHalf
    return both
}

/// `a * x + b * y` in 32 bits.
@inline(__always)
private func products(_ a: SIMD8<Int16>, _ x: Int16, _ b: SIMD8<Int16>, _ y: Int16) -> SIMD8<Int32> {
    widened(a) &* SIMD8(repeating: Int32(x)) &+ widened(b) &* SIMD8(repeating: Int32(y))
}

@inline(__always)
private func widened(_ lanes: SIMD8<Int16>) -> SIMD8<Int32> { SIMD8<Int32>(truncatingIfNeeded: lanes) }
#endif
