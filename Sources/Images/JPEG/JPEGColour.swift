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

    private static func interleave(
        _ red: UnsafePointer<UInt8>, _ green: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ width: Int,
        _ output: UnsafeMutablePointer<UInt8>
    ) {
        @inline(__always)
        func pixels(_ x: Int) -> Pixels {
            Pixels(red: loadSamples(red + x), green: loadSamples(green + x), blue: loadSamples(blue + x))
        }
        for x in stride(from: 0, to: width & ~7, by: 8) { pixels(x).store(output + 3 &* x) }
        if width & 7 != 0 { pixels(width & ~7).store(output + 3 &* (width & ~7), count: width & 7) }
    }

    /// ITU-R BT.601 over the full range, with 16 fractional bits (JFIF 1.02).
    private static func convertYCbCr(
        _ luma: UnsafePointer<UInt8>, _ blue: UnsafePointer<UInt8>, _ red: UnsafePointer<UInt8>, _ width: Int,
        _ output: UnsafeMutablePointer<UInt8>
    ) {
        @inline(__always)
        func pixels(_ x: Int) -> Pixels {
            let y = loadSamples(luma + x)
            let cb = loadSamples(blue + x) &- 128
            let cr = loadSamples(red + x) &- 128
            // Factors are split so that what is multiplied fits 16 bits: 1.402 = 1 + 26345/65536,
            // 1.772 = 2 - 14942/65536, 0.714 = 1 - 18734/65536.
            let mixed = products(cb, -22554, cr, 18734) &+ SIMD8(repeating: 32768)
            return Pixels(
                red: y &+ cr &+ roundedProduct(cr, 26345), green: y &- cr &+ saturated(mixed &>> 16),
                blue: y &+ cb &+ cb &+ roundedProduct(cb, -14942))
        }
        for x in stride(from: 0, to: width & ~7, by: 8) { pixels(x).store(output + 3 &* x) }
        if width & 7 != 0 { pixels(width & ~7).store(output + 3 &* (width & ~7), count: width & 7) }
    }

    /// `(a * factor + 32768) >> 16`.
    @inline(__always)
    private static func roundedProduct(_ a: SIMD8<Int16>, _ factor: Int16) -> SIMD8<Int16> {
        (highProduct(a &+ a, factor) &+ 1) &>> 1
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

/// Eight pixels; samples outside 0…255 are clamped when they are stored.
private struct Pixels {
    let red: SIMD8<Int16>
    let green: SIMD8<Int16>
    let blue: SIMD8<Int16>

    /// Stores 24 bytes.
    @inline(__always)
    func store(_ output: UnsafeMutablePointer<UInt8>) {
        let redGreen = samplePairs(red, green)
        let blueNone = samplePairs(blue, .zero)
        let first = unsafeBitCast(interleavedLow(redGreen, blueNone), to: SIMD2<UInt64>.self)
        let second = unsafeBitCast(interleavedHigh(redGreen, blueNone), to: SIMD2<UInt64>.self)
        let (p0, p1) = (Self.packed(first[0]), Self.packed(first[1]))
        let (p2, p3) = (Self.packed(second[0]), Self.packed(second[1]))
        let target = UnsafeMutableRawPointer(output)
        target.storeBytes(of: UInt64(littleEndian: p0 | p1 &<< 48), toByteOffset: 0, as: UInt64.self)
        target.storeBytes(of: UInt64(littleEndian: p1 &>> 16 | p2 &<< 32), toByteOffset: 8, as: UInt64.self)
        target.storeBytes(of: UInt64(littleEndian: p2 &>> 32 | p3 &<< 16), toByteOffset: 16, as: UInt64.self)
    }

    /// Stores the first `count` pixels.
    func store(_ output: UnsafeMutablePointer<UInt8>, count: Int) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { all in
            store(all.baseAddress!)
            output.update(from: all.baseAddress!, count: 3 * count)
        }
    }

    /// Two pixels of three bytes from two of four.
    @inline(__always)
    private static func packed(_ pixels: UInt64) -> UInt64 {
        let pixels = UInt64(littleEndian: pixels)
        return pixels & 0xFF_FFFF | pixels &>> 8 & 0xFFFF_FF00_0000
    }
}
