/// Arithmetic on the four bytes of an ARGB pixel, and the predictors made of it (WebP lossless specification,
/// section 4.1).
enum VP8LPixel {
    @inline(__always)
    static func added(_ a: UInt32, _ b: UInt32) -> UInt32 {
        (a & 0xFF00_FF00 &+ b & 0xFF00_FF00) & 0xFF00_FF00 | (a & 0x00FF_00FF &+ b & 0x00FF_00FF) & 0x00FF_00FF
    }

    @inline(__always)
    static func average(_ a: UInt32, _ b: UInt32) -> UInt32 {
        (((a ^ b) & 0xFEFE_FEFE) >> 1) &+ (a & b)
    }

    @inline(__always)
    private static func lanes(_ pixel: UInt32) -> SIMD4<Int16> {
        SIMD4(truncatingIfNeeded: unsafeBitCast(pixel, to: SIMD4<UInt8>.self))
    }

    @inline(__always)
    private static func clamped(_ lanes: SIMD4<Int16>) -> UInt32 {
        let low = lanes.replacing(with: 0, where: lanes .< 0)
        let high = low.replacing(with: 255, where: low .> 255)
        return unsafeBitCast(SIMD4<UInt8>(truncatingIfNeeded: high), to: UInt32.self)
    }

    @inline(__always)
    private static func magnitude(_ v: SIMD4<Int16>) -> SIMD4<Int16> {
        let sign = v &>> 15
        return (v ^ sign) &- sign
    }

    /// The one of `left` and `up` that is farther from `upLeft` on the other's side.
    @inline(__always)
    private static func selected(_ left: UInt32, _ up: UInt32, _ upLeft: UInt32) -> UInt32 {
        let corner = lanes(upLeft)
        let fromLeft = magnitude(lanes(up) &- corner).wrappedSum()
        let fromUp = magnitude(lanes(left) &- corner).wrappedSum()
        return fromLeft < fromUp ? left : up
    }

    @inline(__always)
    private static func addSubtractFull(_ left: UInt32, _ up: UInt32, _ upLeft: UInt32) -> UInt32 {
        clamped(lanes(left) &+ lanes(up) &- lanes(upLeft))
    }

    @inline(__always)
    private static func addSubtractHalf(_ mean: UInt32, _ upLeft: UInt32) -> UInt32 {
        let centre = lanes(mean)
        let difference = centre &- lanes(upLeft)
        // Halved towards zero.
        return clamped(centre &+ (difference &- (difference &>> 15)) &>> 1)
    }

    /// Adds the prediction of one mode to the pixels of a block's row.
    static func predict(
        _ mode: UInt32, _ row: UnsafeMutableBufferPointer<UInt32>, _ above: UnsafeBufferPointer<UInt32>,
        _ pixels: Range<Int>
    ) {
        @inline(__always) func add(_ prediction: (_ left: UInt32, _ x: Int) -> UInt32) {
            var left = row[pixels.lowerBound - 1]
            for x in pixels {
                left = added(row[x], prediction(left, x))
                row[x] = left
            }
        }
        switch mode {
        case 1: add { left, _ in left }
        case 2: add { _, x in above[x] }
        case 3: add { _, x in above[x + 1] }
        case 4: add { _, x in above[x - 1] }
        case 5: add { left, x in average(average(left, above[x + 1]), above[x]) }
        case 6: add { left, x in average(left, above[x - 1]) }
        case 7: add { left, x in average(left, above[x]) }
        case 8: add { _, x in average(above[x - 1], above[x]) }
        case 9: add { _, x in average(above[x], above[x + 1]) }
        case 10: add { left, x in average(average(left, above[x - 1]), average(above[x], above[x + 1])) }
        case 11: add { left, x in selected(left, above[x], above[x - 1]) }
        case 12: add { left, x in addSubtractFull(left, above[x], above[x - 1]) }
        case 13: add { left, x in addSubtractHalf(average(left, above[x]), above[x - 1]) }
        default: add { _, _ in 0xFF00_0000 }
        }
    }
}
