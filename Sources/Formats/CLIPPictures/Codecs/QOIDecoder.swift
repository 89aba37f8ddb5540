package import CLIPSystem

/// QOI, the "Quite OK Image Format" (specification 1.0).
package enum QOIDecoder: PictureDecoder {
    package static let formatName = "QOI"
    package static let fileExtensions = ["qoi"]

    private static let headerSize = 14
    /// The most pixels that one byte stands for.
    private static let longestRun = 62

    package static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: "qoif".utf8) }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        guard bytes.count >= headerSize else {
            throw .truncated(format: formatName, offset: bytes.count, problem: "inside its header")
        }
        let (width, height) = (bigEndian32(bytes, at: 4), bigEndian32(bytes, at: 8))
        let channels = bytes[12]
        guard width > 0, height > 0 else {
            throw .malformed(
                format: formatName, offset: 4,
                problem: "the picture is \(width) × \(height) pixels, expected at least 1 × 1")
        }
        guard channels == 3 || channels == 4 else {
            throw .malformed(format: formatName, offset: 12, problem: "\(channels) channels, expected 3 or 4")
        }
        let count = try options.checkedPixelCount(format: formatName, width: width, height: height)
        guard count / longestRun <= bytes.count - headerSize || options.allowTruncated else {
            throw .truncated(
                format: formatName, offset: bytes.count,
                problem: "\(bytes.count - headerSize) bytes of data can't hold \(width) × \(height) pixels")
        }
        var pixels = pictureMemory(3 * count)
        let isOverWhite = channels == 4 && options.alpha == .white
        let filled = bytes.withUnsafeBufferPointer { bytes in
            pixels.withUnsafeMutableBufferPointer { pixels in
                withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { seen in
                    isOverWhite
                        ? fill(pixels, from: bytes, seen, isOverWhite: true)
                        : fill(pixels, from: bytes, seen, isOverWhite: false)
                }
            }
        }
        guard filled == count || options.allowTruncated else {
            throw .truncated(
                format: formatName, offset: bytes.count,
                problem: "the picture's data has \(filled) pixels of \(count)")
        }
        return DecodedPicture(bitmap: Bitmap(width: width, height: height, pixels: pixels))
    }

    /// - Parameter seen: room for the 64 pixels that the data may refer back to.
    /// - Returns: how many pixels the data had.
    @inline(__always)
    private static func fill(
        _ pixels: UnsafeMutableBufferPointer<UInt8>, from bytes: UnsafeBufferPointer<UInt8>,
        _ seen: UnsafeMutableBufferPointer<UInt32>, isOverWhite: Bool
    ) -> Int {
        // Red in the lowest byte, opacity in the highest.
        let opaque: UInt32 = 0xFF00_0000
        var pixel = opaque
        var shown: UInt32 = 0
        let count = pixels.count / 3
        seen.initialize(repeating: 0)
        var position = headerSize
        var filled = 0
        while filled < count, position < bytes.count {
            let byte = UInt32(bytes[position])
            position += 1
            var run = 1
            switch byte {
            case 0xFE, 0xFF:
                let length = byte == 0xFE ? 3 : 4
                guard position + length <= bytes.count else { return filled }
                let low = UInt32(bytes[position]) | UInt32(bytes[position + 1]) << 8
                pixel = low | UInt32(bytes[position + 2]) << 16 | pixel & opaque
                if byte == 0xFF { pixel = pixel & ~opaque | UInt32(bytes[position + 3]) << 24 }
                position += length
            case 0..<0x40:
                pixel = seen[Int(byte)]
            case 0x40..<0x80:
                pixel = added(pixel, byte >> 4 & 3 &- 2, byte >> 2 & 3 &- 2, byte & 3 &- 2)
            case 0x80..<0xC0:
                guard position < bytes.count else { return filled }
                let second = UInt32(bytes[position])
                position += 1
                let green = byte & 0x3F &- 32
                pixel = added(pixel, green &+ second >> 4 &- 8, green, green &+ second & 0x0F &- 8)
            default:
                run = Int(byte & 0x3F) + 1
            }
            if byte < 0xC0 || byte >= 0xFE {
                let hash = (pixel & 0xFF) &* 3 &+ (pixel >> 8 & 0xFF) &* 5 &+ (pixel >> 16 & 0xFF) &* 7
                seen[Int((hash &+ (pixel >> 24) &* 11) & 63)] = pixel
            }
            shown = isOverWhite ? composited(pixel) : pixel
            for _ in 0..<min(run, count - filled) {
                pixels[3 * filled] = UInt8(truncatingIfNeeded: shown)
                pixels[3 * filled + 1] = UInt8(truncatingIfNeeded: shown >> 8)
                pixels[3 * filled + 2] = UInt8(truncatingIfNeeded: shown >> 16)
                filled += 1
            }
        }
        return filled
    }

    /// Adds to each colour modulo 256.
    @inline(__always)
    private static func added(_ pixel: UInt32, _ red: UInt32, _ green: UInt32, _ blue: UInt32) -> UInt32 {
        let r = (pixel & 0xFF &+ red) & 0xFF
        let g = (pixel >> 8 & 0xFF &+ green) & 0xFF
        let b = (pixel >> 16 & 0xFF &+ blue) & 0xFF
        return r | g << 8 | b << 16 | pixel & 0xFF00_0000
    }

    @inline(__always)
    private static func composited(_ pixel: UInt32) -> UInt32 {
        let opacity = UInt8(truncatingIfNeeded: pixel >> 24)
        if opacity == 255 { return pixel }
        let r = UInt32(overWhite(UInt8(truncatingIfNeeded: pixel), opacity))
        let g = UInt32(overWhite(UInt8(truncatingIfNeeded: pixel >> 8), opacity))
        return r | g << 8 | UInt32(overWhite(UInt8(truncatingIfNeeded: pixel >> 16), opacity)) << 16
    }
}
