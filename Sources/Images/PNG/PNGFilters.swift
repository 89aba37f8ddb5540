/// The row filters of PNG, undone in place (PNG specification section 9).
enum PNGFilters {
    /// Zero bytes that stand before a row, as the neighbours to the left of its first pixel.
    static let lead = 8
    /// Bytes after a row that may be read and overwritten.
    static let tail = 8

    /// Undoes one row.
    /// - Parameters:
    ///   - row: `lead` zero bytes, the filtered row, `tail` bytes.
    ///   - above: the unfiltered row above, laid out in the same way; zeros for the first row.
    ///   - distance: bytes to the same sample of the pixel to the left, 1…8.
    /// - Returns: false for a filter that does not exist.
    static func undo(
        _ filter: UInt8, row: UnsafeMutableBufferPointer<UInt8>, above: UnsafeBufferPointer<UInt8>, distance: Int
    ) -> Bool {
        precondition(row.count == above.count && row.count >= lead + tail && (1...8).contains(distance))
        let end = row.count - tail
        let row = row.baseAddress!
        let above = above.baseAddress!
        switch filter {
        case 0: break
        case 1:
            switch distance {
            case 3: undoPixels(row, above, end, distance: 3) { left, _, _ in left }
            case 4: undoPixels(row, above, end, distance: 4) { left, _, _ in left }
            default: for i in lead..<end { row[i] &+= row[i &- distance] }
            }
        case 2: for i in lead..<end { row[i] &+= above[i] }
        case 3:
            switch distance {
            case 3: undoPixels(row, above, end, distance: 3) { left, up, _ in (left &+ up) &>> 1 }
            case 4: undoPixels(row, above, end, distance: 4) { left, up, _ in (left &+ up) &>> 1 }
            default:
                for i in lead..<end {
                    let mean = (UInt16(row[i &- distance]) &+ UInt16(above[i])) >> 1
                    row[i] &+= UInt8(truncatingIfNeeded: mean)
                }
            }
        case 4:
            switch distance {
            case 3: undoPixels(row, above, end, distance: 3, paeth)
            case 4: undoPixels(row, above, end, distance: 4, paeth)
            default:
                for i in lead..<end {
                    row[i] &+= paeth(left: row[i &- distance], up: above[i], upLeft: above[i &- distance])
                }
            }
        default: return false
        }
        return true
    }

    /// Goes over pixels of three or four bytes with one vector each. Four bytes are loaded and stored even where the
    /// pixel has three: the next filtered pixel is taken before its first byte is overwritten.
    @inline(__always)
    private static func undoPixels(
        _ row: UnsafeMutablePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ end: Int, distance: Int,
        _ predict: (SIMD4<Int16>, SIMD4<Int16>, SIMD4<Int16>) -> SIMD4<Int16>
    ) {
        func load(_ pointer: UnsafePointer<UInt8>) -> SIMD4<Int16> {
            SIMD4(truncatingIfNeeded: UnsafeRawPointer(pointer).loadUnaligned(as: SIMD4<UInt8>.self))
        }
        var left = SIMD4<Int16>.zero
        var upLeft = SIMD4<Int16>.zero
        var filtered = load(row + lead)
        var i = lead
        while i < end {
            let up = load(above + i)
            let value = (filtered &+ predict(left, up, upLeft)) & 0xFF
            filtered = load(row + i + distance)
            UnsafeMutableRawPointer(row + i).storeBytes(
                of: SIMD4<UInt8>(truncatingIfNeeded: value), as: SIMD4<UInt8>.self)
            left = value
            upLeft = up
            i &+= distance
        }
    }

    @inline(__always)
    private static func paeth(_ left: SIMD4<Int16>, _ up: SIMD4<Int16>, _ upLeft: SIMD4<Int16>) -> SIMD4<Int16> {
        let towardsLeft = up &- upLeft
        let towardsUp = left &- upLeft
        let (fromLeft, fromUp) = (magnitude(towardsLeft), magnitude(towardsUp))
        let fromUpLeft = magnitude(towardsLeft &+ towardsUp)
        let upOrUpLeft = upLeft.replacing(with: up, where: fromUp .<= fromUpLeft)
        return upOrUpLeft.replacing(with: left, where: (fromLeft .<= fromUp) .& (fromLeft .<= fromUpLeft))
    }

    @inline(__always)
    private static func magnitude(_ v: SIMD4<Int16>) -> SIMD4<Int16> {
        let sign = v &>> 15
        return (v ^ sign) &- sign
    }

    private static func paeth(left: UInt8, up: UInt8, upLeft: UInt8) -> UInt8 {
        let fromLeft = abs(Int(up) - Int(upLeft))
        let fromUp = abs(Int(left) - Int(upLeft))
        let fromUpLeft = abs(Int(left) + Int(up) - 2 * Int(upLeft))
        if fromLeft <= fromUp, fromLeft <= fromUpLeft { return left }
        return fromUp <= fromUpLeft ? up : upLeft
    }
}
