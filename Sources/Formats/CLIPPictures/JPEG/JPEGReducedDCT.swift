/// Inverse transforms that give a block at a half, a quarter or an eighth of its size: as many samples as are asked
/// for, from the coefficients that they can show. An eighth is the block's mean alone.
///
/// The arithmetic is that of the reference decoder's reduced transforms, so that scaled pictures equal its own.
enum JPEGReducedDCT {
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
