/// Predicts blocks from the pixels around them (RFC 6386, section 12.2 and 12.3), in place.
///
/// Around every block lie, in the same buffer, the row above with one pixel to the left of it, and the column to the
/// left. Outside the picture that is 127 above and 129 to the left.
struct VP8Predictor {
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
