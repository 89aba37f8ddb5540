/// Rebuilds macroblocks: prediction plus the inverse transforms of their coefficients.
///
/// Prediction needs neighbours before the loop filter changes them, so macroblocks are built in a small buffer with
/// its own copy of them, then written to the planes.
struct VP8Reconstruction {
    /// Bytes of a row of the small buffers.
    private static let stride = 32
    /// Where a block begins in its buffer: a row above, and room to the left.
    private static let origin = stride + 8
    private static let bufferSize = origin + 16 * stride

    private let macroblocksAcross: Int
    /// The last rows of the macroblocks above, for luma and the chroma planes.
    private var lumaAbove: [UInt8]
    private var chromaAbove: [[UInt8]]
    private var buffers: [[UInt8]]

    init(macroblocksAcross: Int) {
        self.macroblocksAcross = macroblocksAcross
        lumaAbove = [UInt8](repeating: 127, count: 16 * macroblocksAcross)
        chromaAbove = [[UInt8]](repeating: [UInt8](repeating: 127, count: 8 * macroblocksAcross), count: 2)
        buffers = [[UInt8]](repeating: [UInt8](repeating: 0, count: VP8Reconstruction.bufferSize), count: 3)
    }

    /// Rebuilds one macroblock. They have to come row by row.
    /// - Parameters:
    ///   - coefficients: 24 blocks of 16.
    ///   - ends: how far the coefficients of each block go, 0 for none.
    mutating func rebuild(
        _ macroblock: VP8Macroblock, column: Int, row: Int, _ coefficients: UnsafePointer<Int16>,
        ends: UnsafePointer<UInt8>, into planes: inout VP8Planes
    ) {
        let stride = VP8Reconstruction.stride
        let predictor = VP8Predictor(stride: stride)
        let isLastColumn = column == macroblocksAcross - 1

        buffers[0].withUnsafeMutableBufferPointer { buffer in
            let block = buffer.baseAddress! + VP8Reconstruction.origin
            lumaAbove.withUnsafeMutableBufferPointer { above in
                VP8Reconstruction.surround(block, size: 16, above, column: column, row: row)
                if macroblock.hasSubblocks {
                    // The pixels above and to the right of the macroblock serve all four rows of subblocks.
                    let edge = block - stride + 16
                    if row > 0 {
                        let next = above.baseAddress! + 16 * column + 16
                        for x in 0..<4 { edge[x] = isLastColumn ? next[-1] : next[x] }
                    } else {
                        for x in 0..<4 { edge[x] = 127 }
                    }
                    for y in 1..<4 { (edge + 4 * y * stride).update(from: edge, count: 4) }
                    for index in 0..<16 {
                        let subblock = block + 4 * (index / 4) * stride + 4 * (index % 4)
                        let mode = VP8Mode(rawValue: macroblock.subblocks[index]) ?? .dc
                        predictor.predictSubblock(mode, subblock)
                        VP8Reconstruction.addResidual(coefficients + 16 * index, end: ends[index], to: subblock)
                    }
                } else {
                    predictor.predict(macroblock.luma, block, size: 16, hasAbove: row > 0, hasLeft: column > 0)
                    for index in 0..<16 {
                        let subblock = block + 4 * (index / 4) * stride + 4 * (index % 4)
                        VP8Reconstruction.addResidual(coefficients + 16 * index, end: ends[index], to: subblock)
                    }
                }
                (above.baseAddress! + 16 * column).update(from: block + 15 * stride, count: 16)
            }
            let planeStride = planes.lumaStride
            planes.luma.withUnsafeMutableBufferPointer { plane in
                let target = plane.baseAddress! + 16 * row * planeStride + 16 * column
                for y in 0..<16 { (target + y * planeStride).update(from: block + y * stride, count: 16) }
            }
        }
        for channel in 0..<2 {
            buffers[1 + channel].withUnsafeMutableBufferPointer { buffer in
                let block = buffer.baseAddress! + VP8Reconstruction.origin
                chromaAbove[channel].withUnsafeMutableBufferPointer { above in
                    VP8Reconstruction.surround(block, size: 8, above, column: column, row: row)
                    predictor.predict(macroblock.chroma, block, size: 8, hasAbove: row > 0, hasLeft: column > 0)
                    for index in 0..<4 {
                        let subblock = block + 4 * (index / 2) * stride + 4 * (index % 2)
                        let place = 16 + 4 * channel + index
                        VP8Reconstruction.addResidual(coefficients + 16 * place, end: ends[place], to: subblock)
                    }
                    (above.baseAddress! + 8 * column).update(from: block + 7 * stride, count: 8)
                }
                let planeStride = planes.chromaStride
                planes.chroma[channel].withUnsafeMutableBufferPointer { plane in
                    let target = plane.baseAddress! + 8 * row * planeStride + 8 * column
                    for y in 0..<8 { (target + y * planeStride).update(from: block + y * stride, count: 8) }
                }
            }
        }
    }

    /// Lays the pixels above and to the left around a block. The buffer still holds the macroblock to the left.
    private static func surround(
        _ block: UnsafeMutablePointer<UInt8>, size: Int, _ above: UnsafeMutableBufferPointer<UInt8>, column: Int,
        row: Int
    ) {
        let top = block - stride
        if column > 0 {
            top[-1] = top[size - 1]
            for y in 0..<size { block[y * stride - 1] = block[y * stride + size - 1] }
        } else {
            top[-1] = row > 0 ? 129 : 127
            for y in 0..<size { block[y * stride - 1] = 129 }
        }
        if row > 0 {
            top.update(from: above.baseAddress! + size * column, count: size)
        } else {
            top.update(repeating: 127, count: size)
        }
    }

    @inline(__always)
    private static func addResidual(_ input: UnsafePointer<Int16>, end: UInt8, to block: UnsafeMutablePointer<UInt8>) {
        if end > 1 {
            VP8InverseTransform.add(input, to: block, stride: stride)
        } else if end == 1 {
            VP8InverseTransform.addMean(input[0], to: block, stride: stride)
        }
    }
}

/// Predicts blocks from the pixels around them (RFC 6386, section 12.2 and 12.3), in place.
///
/// Around every block lie, in the same buffer, the row above with one pixel to the left of it, and the column to the
/// left. Outside the picture that is 127 above and 129 to the left.
private struct VP8Predictor {
    let stride: Int

    /// Predicts a whole macroblock's plane.
    /// - Parameters:
    ///   - size: 16 for luma, 8 for chroma.
    ///   - hasAbove: whether the row above is in the picture; means leave out what is not.
    func predict(
        _ mode: VP8Mode, _ block: UnsafeMutablePointer<UInt8>, size: Int, hasAbove: Bool, hasLeft: Bool
    ) {
        switch mode {
        case .trueMotion: trueMotion(block, size)
        case .vertical:
            for y in 0..<size { (block + y &* stride).update(from: block - stride, count: size) }
        case .horizontal:
            for y in 0..<size {
                let row = block + y &* stride
                row.update(repeating: row[-1], count: size)
            }
        default:
            var sum = 0
            if hasAbove { for x in 0..<size { sum &+= Int(block[x &- stride]) } }
            if hasLeft { for y in 0..<size { sum &+= Int(block[y &* stride &- 1]) } }
            let count = (hasAbove ? size : 0) + (hasLeft ? size : 0)
            let mean = count == 0 ? 128 : UInt8((sum + count / 2) / count)
            for y in 0..<size { (block + y &* stride).update(repeating: mean, count: size) }
        }
    }

    private func trueMotion(_ block: UnsafeMutablePointer<UInt8>, _ size: Int) {
        let above = block - stride
        let corner = Int16(above[-1])
        for y in 0..<size {
            let row = block + y &* stride
            let change = Int16(row[-1]) &- corner
            for x in 0..<size {
                row[x] = UInt8(truncatingIfNeeded: max(0, min(255, Int16(above[x]) &+ change)))
            }
        }
    }

    /// Predicts a subblock of 4 × 4 from the eight pixels above, the corner and the four to the left.
    func predictSubblock(_ mode: VP8Mode, _ block: UnsafeMutablePointer<UInt8>) {
        let row = block - stride
        @inline(__always) func above(_ x: Int) -> UInt32 { UInt32(row[x]) }
        @inline(__always) func left(_ y: Int) -> UInt32 { UInt32(block[y &* stride &- 1]) }
        @inline(__always) func mean(_ a: UInt32, _ b: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: (a &+ b &+ 1) >> 1) }
        @inline(__always) func mean(_ a: UInt32, _ b: UInt32, _ c: UInt32) -> UInt8 {
            UInt8(truncatingIfNeeded: (a &+ 2 &* b &+ c &+ 2) >> 2)
        }
        @inline(__always) func set(_ y: Int, _ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
            let target = block + y &* stride
            (target[0], target[1], target[2], target[3]) = (a, b, c, d)
        }
        let corner = UInt32(row[-1])

        switch mode {
        case .dc:
            let sum = above(0) &+ above(1) &+ above(2) &+ above(3) &+ left(0) &+ left(1) &+ left(2) &+ left(3)
            let value = UInt8(truncatingIfNeeded: (sum &+ 4) >> 3)
            for y in 0..<4 { set(y, value, value, value, value) }
        case .trueMotion:
            trueMotion(block, 4)
        case .vertical:
            let a = mean(corner, above(0), above(1))
            let b = mean(above(0), above(1), above(2))
            let c = mean(above(1), above(2), above(3))
            let d = mean(above(2), above(3), above(4))
            for y in 0..<4 { set(y, a, b, c, d) }
        case .horizontal:
            let a = mean(corner, left(0), left(1))
            let b = mean(left(0), left(1), left(2))
            let c = mean(left(1), left(2), left(3))
            let d = mean(left(2), left(3), left(3))
            set(0, a, a, a, a)
            set(1, b, b, b, b)
            set(2, c, c, c, c)
            set(3, d, d, d, d)
        case .downRight:
            // The pixels around the corner in order, from the lower left to the upper right.
            let a = mean(left(3), left(2), left(1))
            let b = mean(left(2), left(1), left(0))
            let c = mean(left(1), left(0), corner)
            let d = mean(left(0), corner, above(0))
            let e = mean(corner, above(0), above(1))
            let f = mean(above(0), above(1), above(2))
            let g = mean(above(1), above(2), above(3))
            set(0, d, e, f, g)
            set(1, c, d, e, f)
            set(2, b, c, d, e)
            set(3, a, b, c, d)
        case .verticalRight:
            let (a, b) = (mean(corner, above(0)), mean(above(0), above(1)))
            let (c, d) = (mean(above(1), above(2)), mean(above(2), above(3)))
            let e = mean(left(0), corner, above(0))
            let f = mean(corner, above(0), above(1))
            let g = mean(above(0), above(1), above(2))
            let h = mean(above(1), above(2), above(3))
            set(0, a, b, c, d)
            set(1, e, f, g, h)
            set(2, mean(left(1), left(0), corner), a, b, c)
            set(3, mean(left(2), left(1), left(0)), e, f, g)
        case .downLeft:
            let a = mean(above(0), above(1), above(2))
            let b = mean(above(1), above(2), above(3))
            let c = mean(above(2), above(3), above(4))
            let d = mean(above(3), above(4), above(5))
            let e = mean(above(4), above(5), above(6))
            let f = mean(above(5), above(6), above(7))
            let g = mean(above(6), above(7), above(7))
            set(0, a, b, c, d)
            set(1, b, c, d, e)
            set(2, c, d, e, f)
            set(3, d, e, f, g)
        case .verticalLeft:
            let b = mean(above(1), above(2))
            let c = mean(above(2), above(3))
            let d = mean(above(3), above(4))
            let f = mean(above(1), above(2), above(3))
            let g = mean(above(2), above(3), above(4))
            let h = mean(above(3), above(4), above(5))
            // The last column breaks the pattern, as in the specification.
            let i = mean(above(4), above(5), above(6))
            let j = mean(above(5), above(6), above(7))
            set(0, mean(above(0), above(1)), b, c, d)
            set(1, mean(above(0), above(1), above(2)), f, g, h)
            set(2, b, c, d, i)
            set(3, f, g, h, j)
        case .horizontalDown:
            let (a, b) = (mean(left(0), corner), mean(left(1), left(0)))
            let (c, d) = (mean(left(2), left(1)), mean(left(3), left(2)))
            let e = mean(left(0), corner, above(0))
            let f = mean(left(1), left(0), corner)
            let g = mean(left(2), left(1), left(0))
            let h = mean(left(3), left(2), left(1))
            set(0, a, e, mean(corner, above(0), above(1)), mean(above(0), above(1), above(2)))
            set(1, b, f, a, e)
            set(2, c, g, b, f)
            set(3, d, h, c, g)
        case .horizontalUp:
            let (a, b, c) = (mean(left(0), left(1)), mean(left(1), left(2)), mean(left(2), left(3)))
            let d = mean(left(0), left(1), left(2))
            let e = mean(left(1), left(2), left(3))
            let f = mean(left(2), left(3), left(3))
            let last = UInt8(truncatingIfNeeded: left(3))
            set(0, a, d, b, e)
            set(1, b, e, c, f)
            set(2, c, f, last, last)
            set(3, last, last, last, last)
        }
    }
}

/// The inverse transforms of VP8 (RFC 6386, section 14), exact to the bit.
enum VP8InverseTransform {
    /// Undoes the Walsh-Hadamard transform of the sixteen luma means.
    /// - Parameter output: sixteen blocks; each gets its first coefficient.
    static func spreadMeans(_ input: UnsafePointer<Int16>, to output: UnsafeMutablePointer<Int16>) {
        @inline(__always) func row(_ index: Int) -> SIMD4<Int32> {
            SIMD4(Int32(input[index]), Int32(input[index + 1]), Int32(input[index + 2]), Int32(input[index + 3]))
        }
        @inline(__always) func butterfly(_ v: (SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>)) -> (
            SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>
        ) {
            let (a, b, c, d) = (v.0 &+ v.3, v.1 &+ v.2, v.1 &- v.2, v.0 &- v.3)
            return (a &+ b, d &+ c, a &- b, d &- c)
        }
        let columns = transposed(butterfly((row(0), row(4), row(8), row(12))))
        let rounding = SIMD4<Int32>(repeating: 3)
        let result = butterfly((columns.0 &+ rounding, columns.1, columns.2, columns.3))
        for (column, values) in [result.0, result.1, result.2, result.3].enumerated() {
            for row in 0..<4 { output[16 * (4 * row + column)] = Int16(truncatingIfNeeded: values[row] >> 3) }
        }
    }

    @inline(__always)
    private static func transposed(_ v: (SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>)) -> (
        SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>, SIMD4<Int32>
    ) {
        (
            SIMD4(v.0[0], v.1[0], v.2[0], v.3[0]), SIMD4(v.0[1], v.1[1], v.2[1], v.3[1]),
            SIMD4(v.0[2], v.1[2], v.2[2], v.3[2]), SIMD4(v.0[3], v.1[3], v.2[3], v.3[3])
        )
    }

    /// Adds a block's inverse cosine transform to its prediction.
    static func add(
        _ input: UnsafePointer<Int16>, to target: UnsafeMutablePointer<UInt8>, stride: Int
    ) {
        // Products with sqrt(2) cos(pi/8) and sqrt(2) sin(pi/8), 16 fractional bits.
        @inline(__always) func timesCosine(_ v: Int32) -> Int32 { (v &* 20091) &>> 16 &+ v }
        @inline(__always) func timesSine(_ v: Int32) -> Int32 { (v &* 35468) &>> 16 }
        @inline(__always) func butterfly(_ v0: Int32, _ v1: Int32, _ v2: Int32, _ v3: Int32) -> (
            Int32, Int32, Int32, Int32
        ) {
            let (a, b) = (v0 &+ v2, v0 &- v2)
            let c = timesSine(v1) &- timesCosine(v3)
            let d = timesCosine(v1) &+ timesSine(v3)
            return (a &+ d, b &+ c, b &- c, a &- d)
        }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 16) { columns in
            for x in 0..<4 {
                let v = butterfly(
                    Int32(input[x]), Int32(input[4 &+ x]), Int32(input[8 &+ x]), Int32(input[12 &+ x]))
                columns[x] = v.0
                columns[4 &+ x] = v.1
                columns[8 &+ x] = v.2
                columns[12 &+ x] = v.3
            }
            for y in 0..<4 {
                let row = 4 &* y
                let v = butterfly(columns[row] &+ 4, columns[row &+ 1], columns[row &+ 2], columns[row &+ 3])
                let pixels = target + y &* stride
                pixels[0] = clamped(Int32(pixels[0]) &+ v.0 &>> 3)
                pixels[1] = clamped(Int32(pixels[1]) &+ v.1 &>> 3)
                pixels[2] = clamped(Int32(pixels[2]) &+ v.2 &>> 3)
                pixels[3] = clamped(Int32(pixels[3]) &+ v.3 &>> 3)
            }
        }
    }

    /// The same where only the first coefficient is not zero.
    static func addMean(_ mean: Int16, to target: UnsafeMutablePointer<UInt8>, stride: Int) {
        let change = (Int32(mean) &+ 4) &>> 3
        for y in 0..<4 {
            for x in 0..<4 {
                let at = y &* stride &+ x
                target[at] = clamped(Int32(target[at]) &+ change)
            }
        }
    }

    @inline(__always)
    private static func clamped(_ value: Int32) -> UInt8 { UInt8(truncatingIfNeeded: max(0, min(255, value))) }
}
