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
