/// The information header of a BMP or an icon (a "DIB"), of any version, with the masks and palette after it.
struct BMPHeader {
    enum Compression {
        case none
        case runLength(bitsPerIndex: Int)
    }

    let width: Int
    var height: Int
    let isTopDown: Bool
    /// 1, 2, 4, 8 (palette), 16, 24 or 32.
    let bitsPerPixel: Int
    let compression: Compression
    /// Of 16 and 32-bit pixels. The fourth, of the opacity, is 0 where it does not count.
    private(set) var masks: [UInt32] = []
    /// `[256, 3]` RGB; black past the colours of the file.
    private(set) var palette: [UInt8] = []
    /// Offset of the header, and of what follows header, masks and palette.
    let start: Int
    private(set) var end: Int

    /// Bytes of a row of pixels in the file, and with padding to a multiple of four.
    var rowBytes: Int { (width * bitsPerPixel + 7) / 8 }
    var rowStride: Int { (width * bitsPerPixel + 31) / 32 * 4 }

    /// - Parameter start: where the header begins, with its own size.
    init(_ bytes: [UInt8], at start: Int, format: String) throws(PictureError) {
        func malformed(_ offset: Int, _ problem: String) -> PictureError {
            .malformed(format: format, offset: start + offset, problem: problem)
        }
        func truncated(_ problem: String) -> PictureError {
            .truncated(format: format, offset: bytes.count, problem: problem)
        }
        func word(_ offset: Int) -> Int { littleEndian32(bytes, at: start + offset) }
        func half(_ offset: Int) -> Int { littleEndian16(bytes, at: start + offset) }

        self.start = start
        end = start
        guard bytes.count - start >= 4 else { throw truncated("before its header") }
        let size = word(0)
        guard size == 12 || size == 16 || (40...124).contains(size) else {
            throw malformed(0, "the header has \(size) bytes, expected 12, 16 or 40 to 124")
        }
        guard bytes.count - start >= size else { throw truncated("inside its header") }

        let isCore = size == 12
        width = isCore ? half(4) : word(4)
        let signedHeight = isCore ? half(6) : Int(Int32(truncatingIfNeeded: word(8)))
        isTopDown = signedHeight < 0
        height = abs(signedHeight)
        let bits = isCore ? half(10) : half(14)
        guard (1...0x7FFF_FFFF).contains(width), (1...0x7FFF_FFFF).contains(height) else {
            throw malformed(4, "the picture is \(width) × \(signedHeight) pixels, expected at least 1 × 1")
        }
        guard [1, 2, 4, 8, 16, 24, 32].contains(bits) else {
            throw malformed(isCore ? 10 : 14, "\(bits) bits a pixel, expected 1, 2, 4, 8, 16, 24 or 32")
        }
        bitsPerPixel = bits

        let method = size >= 40 ? word(16) : 0
        end = start + size
        switch method {
        case 0:
            compression = .none
            if bits == 16 { masks = [0x7C00, 0x03E0, 0x001F, 0] }
            if bits == 32 { masks = [0xFF0000, 0xFF00, 0xFF, 0] }
        case 1 where bits == 8: compression = .runLength(bitsPerIndex: 8)
        case 2 where bits == 4: compression = .runLength(bitsPerIndex: 4)
        case 3 where bits >= 16 && size != 64, 6 where bits >= 16 && size != 64:
            compression = .none
            // Headers of 40 bytes have the masks behind them, later versions inside.
            let inside = size >= 56 ? 4 : size >= 52 ? 3 : 0
            let count = inside > 0 ? inside : method == 6 ? 4 : 3
            let position = inside > 0 ? start + 40 : end
            guard bytes.count - position >= 4 * count else { throw truncated("inside its colour masks") }
            masks = (0..<4).map {
                $0 < count ? UInt32(truncatingIfNeeded: littleEndian32(bytes, at: position + 4 * $0)) : 0
            }
            if inside == 0 { end += 4 * count }
            try checkMasks { problem in malformed(size >= 52 ? 40 : size, problem) }
        case 4 where size != 64, 5 where size != 64:
            throw .unsupported(
                format: format, feature: method == 4 ? "an embedded JPEG" : "an embedded PNG",
                advice: "convert it to PNG first, for example with `magick in.bmp out.png`")
        case 3, 4:
            throw .unsupported(
                format: format, feature: method == 3 ? "Huffman compression" : "24-bit run lengths",
                advice: "convert it to PNG first, for example with `magick in.bmp out.png`")
        default: throw malformed(16, "compression \(method) with \(bits) bits a pixel does not exist")
        }

        guard bits <= 8 else { return }
        let stated = size >= 36 ? word(32) : 0
        let count = stated == 0 ? 1 << bits : stated
        let entryBytes = isCore ? 3 : 4
        guard count <= 65536 else { throw malformed(32, "the palette has \(count) colours, expected at most 65536") }
        palette = [UInt8](repeating: 0, count: 768)
        for index in 0..<min(count, 256) where end + index * entryBytes + 3 <= bytes.count {
            for channel in 0..<3 { palette[3 * index + channel] = bytes[end + index * entryBytes + 2 - channel] }
        }
        end += count * entryBytes
    }

    private mutating func checkMasks(_ malformed: (String) -> PictureError) throws(PictureError) {
        if bitsPerPixel == 24 {
            // Masks say nothing about whole bytes but their order, and only one order is in use.
            guard masks[..<3] == [0xFF0000, 0xFF00, 0xFF] else {
                throw malformed("the colour masks of 24-bit pixels are not those of blue, green and red bytes")
            }
            return
        }
        // All zero means the usual layout, with opacity, in 32 bits.
        if masks.allSatisfy({ $0 == 0 }), bitsPerPixel == 32 { masks = [0xFF0000, 0xFF00, 0xFF, 0xFF00_0000] }
        var taken: UInt32 = 0
        for mask in masks {
            guard mask & taken == 0, bitsPerPixel == 32 || mask <= 0xFFFF else {
                throw malformed("the colour masks overlap or lie outside the pixel")
            }
            taken |= mask
        }
        guard masks[..<3].allSatisfy({ $0 != 0 }) else { throw malformed("a colour mask is zero") }
        // One bit of opacity does not count for Pillow, and most programs leave it at 0.
        if masks[3].nonzeroBitCount <= 1 { masks[3] = 0 }
    }

    /// The header of a 32-bit icon, whose fourth byte is always its opacity.
    mutating func useFourthByteAsOpacity() {
        if bitsPerPixel == 32 { masks[3] = ~(masks[0] | masks[1] | masks[2]) }
    }
}
