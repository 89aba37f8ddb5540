/// What a picture's components mean, and the way from there to RGB.
enum JPEGColour: Equatable {
    case grey
    case rgb
    case yCbCr
    /// Inverted, as Adobe's programs write it and as everybody reads it.
    case cmyk
    /// Y, Cb, Cr of the inverted C, M, Y, and an inverted K.
    case ycck

    /// - Parameters:
    ///   - ids: the components' ids in the frame header.
    ///   - hasJFIF: whether a JFIF marker was seen.
    ///   - adobeTransform: the transform that an Adobe marker names, if one was seen.
    init(ids: [UInt8], hasJFIF: Bool, adobeTransform: UInt8?) {
        switch (ids.count, adobeTransform) {
        case (1, _): self = .grey
        case (4, nil), (4, 0): self = .cmyk
        case (4, _): self = .ycck
        case _ where hasJFIF: self = .yCbCr
        case (_, 0): self = .rgb
        case (_, nil) where ids == Array("RGB".utf8): self = .rgb
        default: self = .yCbCr
        }
    }

    /// Converts a row.
    /// - Parameters:
    ///   - rows: one for each component; eight samples more than `width` may be read of each.
    ///   - output: `[width, 3]`.
    func convert(_ rows: [UnsafePointer<UInt8>], width: Int, into output: UnsafeMutablePointer<UInt8>) {
        switch self {
        case .grey: Self.interleave(rows[0], rows[0], rows[0], width, output)
        case .rgb: Self.interleave(rows[0], rows[1], rows[2], width, output)
        case .yCbCr: Self.convertYCbCr(rows[0], rows[1], rows[2], width, output)
        case .cmyk:
            Self.interleave(rows[0], rows[1], rows[2], width, output)
            Self.applyBlack(rows[3], width, output)
        case .ycck:
            Self.convertYCbCr(rows[0], rows[1], rows[2], width, output)
            // What converts to RGB is here the inverse of the samples that CMYK would hold.
            for i in 0..<3 * width { output[i] = ~output[i] }
            Self.applyBlack(rows[3], width, output)
        }
    }

    private typealias Lanes = SIMD8<Int16>

    private static func interleave(
        _ red: UnsafePointer<UInt8>, _ green: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ width: Int,
        _ output: UnsafeMutablePointer<UInt8>
    ) {
        forEachEight(width, output) { x in (loadSamples(red + x), loadSamples(green + x), loadSamples(blue + x)) }
    }

    /// ITU-R BT.601 over the full range, with 16 fractional bits (JFIF 1.02).
    private static func convertYCbCr(
        _ luma: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ red: UnsafePointer<UInt8>, _ width: Int,
        _ output: UnsafeMutablePointer<UInt8>
    ) {
        forEachEight(width, output) { x in
            let y = loadSamples(luma + x)
            let cb = loadSamples(blue + x) &- 128
            let cr = loadSamples(red + x) &- 128
            // Factors are split so that what is multiplied fits 16 bits: 1.402 = 1 + 26345/65536,
            // 1.772 = 2 - 14942/65536, 0.714 = 1 - 18734/65536.
            let r = y &+ cr &+ roundedProduct(cr, 26345)
            let b = y &+ cb &+ cb &+ roundedProduct(cb, -14942)
            let mixed = products(cb, -22554, cr, 18734) &+ SIMD8(repeating: 32768)
            let g = y &- cr &+ Lanes(truncatingIfNeeded: mixed &>> 16)
            return (clamped(r), clamped(g), clamped(b))
        }
    }

    /// `(a * factor + 32768) >> 16`.
    @inline(__always)
    private static func roundedProduct(_ a: Lanes, _ factor: Int32) -> Lanes {
        let doubled = widened(a &+ a) &* SIMD8(repeating: factor)
        return (Lanes(truncatingIfNeeded: doubled &>> 16) &+ 1) &>> 1
    }

    @inline(__always)
    private static func clamped(_ lanes: Lanes) -> Lanes {
        lanes.clamped(lowerBound: .zero, upperBound: Lanes(repeating: 255))
    }

    /// Calls `pixels` for every eighth column, and stores the red, green and blue samples (0…255) that it returns.
    @inline(__always)
    private static func forEachEight(
        _ width: Int, _ output: UnsafeMutablePointer<UInt8>, _ pixels: (Int) -> (Lanes, Lanes, Lanes)
    ) {
        var x = 0
        while x &+ 8 <= width {
            store(pixels(x), output + 3 &* x)
            x &+= 8
        }
        guard x < width else { return }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { last in
            let start = last.baseAddress!
            store(pixels(x), start)
            for i in 0..<3 * (width - x) { output[3 * x + i] = start[i] }
        }
    }

    /// Stores eight pixels, 24 bytes.
    @inline(__always)
    private static func store(_ rgb: (Lanes, Lanes, Lanes), _ output: UnsafeMutablePointer<UInt8>) {
        let redGreen = rgb.0 | rgb.1 &<< 8
        let first = unsafeBitCast(interleavedLow(redGreen, rgb.2), to: SIMD2<UInt64>.self)
        let second = unsafeBitCast(interleavedHigh(redGreen, rgb.2), to: SIMD2<UInt64>.self)
        let (p0, p1, p2, p3) = (packed(first[0]), packed(first[1]), packed(second[0]), packed(second[1]))
        let target = UnsafeMutableRawPointer(output)
        target.storeBytes(of: UInt64(littleEndian: p0 | p1 &<< 48), toByteOffset: 0, as: UInt64.self)
        target.storeBytes(of: UInt64(littleEndian: p1 &>> 16 | p2 &<< 32), toByteOffset: 8, as: UInt64.self)
        target.storeBytes(of: UInt64(littleEndian: p2 &>> 32 | p3 &<< 16), toByteOffset: 16, as: UInt64.self)
    }

    /// Two pixels of three bytes from two of four.
    @inline(__always)
    private static func packed(_ pixels: UInt64) -> UInt64 {
        pixels & 0xFF_FFFF | pixels &>> 8 & 0xFFFF_FF00_0000
    }

    /// Darkens inverted C, M, Y by an inverted K, rounding as Pillow's `convert("RGB")`.
    private static func applyBlack(_ black: UnsafePointer<UInt8>, _ width: Int, _ output: UnsafeMutablePointer<UInt8>) {
        for x in 0..<width {
            let key = Int32(black[x])
            for i in 3 * x..<3 * x + 3 {
                let product = (255 - Int32(output[i])) * key + 128
                output[i] = UInt8(truncatingIfNeeded: max(0, key - (((product >> 8) + product) >> 8)))
            }
        }
    }
}
