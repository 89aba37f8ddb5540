package import CLIPSystem

/// Windows and OS/2 bitmaps, every header version: 1 to 32 bits, run lengths, bit fields, bottom-up and top-down.
package enum BMPDecoder: PictureDecoder {
    package static let formatName = "BMP"
    package static let fileExtensions = ["bmp", "dib"]

    /// Bytes before the information header.
    private static let fileHeaderSize = 14

    package static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x42, 0x4D]) || isBare(bytes) }

    package static func recognises(unnamed firstBytes: [UInt8]) -> Bool {
        guard firstBytes.starts(with: [0x42, 0x4D]) else { return isBare(firstBytes) }
        // Four bytes that are always zero, and the size of one of the headers that there are.
        return firstBytes.count >= 18 && littleEndian32(firstBytes, at: 6) == 0
            && [12, 16, 40, 52, 56, 64, 108, 124].contains(littleEndian32(firstBytes, at: 14))
    }

    /// Whether the file header is left out, as in what Windows keeps on its clipboard.
    private static func isBare(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 40 else { return false }
        // The header's size, then a size that is not zero, then one plane.
        return [40, 108, 124].contains(littleEndian32(bytes, at: 0)) && littleEndian32(bytes, at: 4) != 0
            && littleEndian16(bytes, at: 12) == 1
    }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        if isBare(bytes) {
            let header = try BMPHeader(bytes, at: 0, format: formatName)
            return try decode(bytes, header, at: header.end, options)
        }
        guard bytes.count >= fileHeaderSize + 4 else {
            throw .truncated(format: formatName, offset: bytes.count, problem: "inside its header")
        }
        let header = try BMPHeader(bytes, at: fileHeaderSize, format: formatName)
        let stated = littleEndian32(bytes, at: 10)
        // Some writers leave the palette out of the offset, or the offset out of the file.
        let headerEnd = header.start + littleEndian32(bytes, at: header.start)
        let isLeftOut = stated == 0 || (stated == headerEnd && header.bitsPerPixel <= 8)
        return try decode(bytes, header, at: isLeftOut ? header.end : stated, options)
    }

    private static func decode(
        _ bytes: [UInt8], _ header: BMPHeader, at start: Int, _ options: DecodingOptions
    ) throws(CLIPError) -> DecodedPicture {
        let pixels = try BMPPixels.decode(bytes, at: start, header, format: formatName, options: options)
        return DecodedPicture(bitmap: Bitmap(width: header.width, height: header.height, pixels: pixels))
    }
}

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
    init(_ bytes: [UInt8], at start: Int, format: String) throws(CLIPError) {
        func malformed(_ offset: Int, _ problem: String) -> CLIPError {
            .malformed(format: format, offset: start + offset, problem: problem)
        }
        func truncated(_ problem: String) -> CLIPError {
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

    private mutating func checkMasks(_ malformed: (String) -> CLIPError) throws(CLIPError) {
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

/// The pixels of a BMP or an icon.
enum BMPPixels {
    /// - Parameter start: where the pixels begin.
    /// - Returns: `[height, width, 3]`, the top row first.
    static func decode(
        _ bytes: [UInt8], at start: Int, _ header: BMPHeader, format: String, options: DecodingOptions
    ) throws(CLIPError) -> [UInt8] {
        let count = try options.checkedPixelCount(format: format, width: header.width, height: header.height)
        guard start < bytes.count || options.allowTruncated else {
            throw .truncated(
                format: format, offset: bytes.count, problem: "its header says that the pixels begin at byte \(start)")
        }
        let palette = PaletteTable(rgb: header.palette)
        if case .runLength(let bitsPerIndex) = header.compression {
            let runs = BMPRunLength(bitsPerIndex: bitsPerIndex, width: header.width, count: count)
            let indices = try runs.decode(bytes, at: min(start, bytes.count), format: format, options)
            return rows(of: header) { y, row in
                let source = indices[y * header.width..<(y + 1) * header.width]
                source.withUnsafeBufferPointer { palette.expand($0, to: row) }
            }
        }

        // The last row needs no padding.
        let needed = header.rowStride * (header.height - 1) + header.rowBytes
        guard bytes.count - start >= needed || options.allowTruncated else {
            throw .truncated(
                format: format, offset: bytes.count,
                problem: "\(header.width) × \(header.height) pixels need \(needed) bytes from byte \(start) on")
        }
        let colour = BMPColour(masks: header.masks, compositesOverWhite: options.alpha == .white)
        return bytes.withUnsafeBufferPointer { bytes in
            rows(of: header) { y, row in
                let offset = start + y * header.rowStride
                guard bytes.count - offset >= header.rowBytes else { return row.initialize(repeating: 0) }
                let source = UnsafeBufferPointer(rebasing: bytes[offset..<offset + header.rowBytes])
                switch header.bitsPerPixel {
                case 24: swapRedAndBlue(source, row)
                case 16: colour.convert16(source, row)
                case 32: colour.convert32(source, row)
                default: palette.expand(packed: source, bits: header.bitsPerPixel, to: row)
                }
            }
        }
    }

    /// Calls `fill` for every row in the order of the file with the three bytes a pixel to be filled.
    private static func rows(
        of header: BMPHeader, _ fill: (Int, UnsafeMutableBufferPointer<UInt8>) -> Void
    ) -> [UInt8] {
        let rowBytes = 3 * header.width
        return [UInt8](unsafeUninitializedCapacity: rowBytes * header.height) { pixels, count in
            preferLargePages(pixels)
            for y in 0..<header.height {
                let row = header.isTopDown ? y : header.height - 1 - y
                fill(y, UnsafeMutableBufferPointer(rebasing: pixels[row * rowBytes..<(row + 1) * rowBytes]))
            }
            count = rowBytes * header.height
        }
    }

    private static func swapRedAndBlue(
        _ source: UnsafeBufferPointer<UInt8>, _ row: UnsafeMutableBufferPointer<UInt8>
    ) {
        precondition(source.count == row.count)
        for x in stride(from: 0, to: row.count - 2, by: 3) {
            row[x] = source[x + 2]
            row[x + 1] = source[x + 1]
            row[x + 2] = source[x]
        }
    }
}

/// Run-length coded palette indices, RLE8 and RLE4.
private struct BMPRunLength {
    let bitsPerIndex: Int
    let width: Int
    /// Pixels of the picture.
    let count: Int

    /// - Returns: `count` indices in the order of the file; 0 where the runs leave gaps.
    func decode(
        _ bytes: [UInt8], at start: Int, format: String, _ options: DecodingOptions
    ) throws(CLIPError) -> [UInt8] {
        var indices = pictureMemory(count)
        var position = start
        // Pixels written so far, and the column that the current row has reached. As in Pillow a run ends with its
        // row, literal pixels flow on into the next one.
        var filled = 0
        var x = 0
        func truncated() -> CLIPError {
            .truncated(format: format, offset: bytes.count, problem: "inside its run lengths")
        }
        while filled < count {
            guard bytes.count - position >= 2 else {
                if options.allowTruncated { return indices }
                throw truncated()
            }
            let (length, value) = (Int(bytes[position]), bytes[position + 1])
            position += 2
            if length > 0 {
                let run = min(length, max(0, width - x), count - filled)
                for i in 0..<run { indices[filled + i] = index(value, i) }
                filled += run
                x += run
                continue
            }
            switch value {
            case 0:
                filled = (filled + width - 1) / width * width
                x = 0
            case 1:
                return indices
            case 2:
                guard bytes.count - position >= 2 else {
                    position = bytes.count
                    continue
                }
                filled += min(count - filled, Int(bytes[position]) + Int(bytes[position + 1]) * width)
                x = filled % width
                position += 2
            default:
                let wanted = min(Int(value), count - filled)
                let byteCount = (wanted * bitsPerIndex + 7) / 8
                let perByte = 8 / bitsPerIndex
                let present = min(wanted, (bytes.count - position) * perByte)
                for i in 0..<present { indices[filled + i] = index(bytes[position + i / perByte], i) }
                filled += present
                x += Int(value)
                position = min(position + byteCount, bytes.count)
                guard present == wanted || options.allowTruncated else { throw truncated() }
                // Literal pixels are padded to an even place in the file.
                if position % 2 != 0 { position = min(position + 1, bytes.count) }
            }
        }
        return indices
    }

    /// Pixel `i` of a run or of literals, of which the byte with that pixel is `value`.
    @inline(__always)
    private func index(_ value: UInt8, _ i: Int) -> UInt8 {
        bitsPerIndex == 8 ? value : i % 2 == 0 ? value >> 4 : value & 0x0F
    }
}

/// Pixels of 16 or 32 bits that masks divide into red, green, blue and opacity.
private struct BMPColour {
    /// One mask: where its bits lie, and the 8-bit value of each of its values.
    private struct Channel {
        let shift: UInt32
        let limit: UInt32
        let table: [UInt8]

        init(mask: UInt32) {
            // Of channels over eight bits the high eight count.
            let width = mask == 0 ? 0 : 32 - mask.leadingZeroBitCount - mask.trailingZeroBitCount
            let used = min(width, 8)
            shift = mask == 0 ? 0 : UInt32(mask.trailingZeroBitCount + width - used)
            limit = UInt32(1) << UInt32(used) - 1
            let most = Int(limit)
            table = (0...most).map { most == 0 ? 255 : UInt8($0 * 255 / most) }
        }

        @inline(__always)
        func value(_ pixel: UInt32) -> UInt8 { table[Int(pixel >> shift & limit)] }
    }

    private let red, green, blue, alpha: Channel
    private let compositesOverWhite: Bool
    /// Blue, green, red and a byte that does not count, which is how most 32-bit pictures are.
    private let isPlainBGRX: Bool

    /// - Parameter masks: red, green, blue, opacity; empty for pictures that have none.
    init(masks: [UInt32], compositesOverWhite: Bool) {
        let masks = masks.count == 4 ? masks : [0, 0, 0, 0]
        red = Channel(mask: masks[0])
        green = Channel(mask: masks[1])
        blue = Channel(mask: masks[2])
        alpha = Channel(mask: masks[3])
        self.compositesOverWhite = compositesOverWhite && masks[3] != 0
        isPlainBGRX = masks[..<3] == [0xFF0000, 0xFF00, 0xFF] && !self.compositesOverWhite
    }

    func convert16(_ source: UnsafeBufferPointer<UInt8>, _ row: UnsafeMutableBufferPointer<UInt8>) {
        for x in 0..<row.count / 3 {
            write(UInt32(source[2 * x]) | UInt32(source[2 * x + 1]) << 8, to: row, at: 3 * x)
        }
    }

    func convert32(_ source: UnsafeBufferPointer<UInt8>, _ row: UnsafeMutableBufferPointer<UInt8>) {
        if isPlainBGRX {
            for x in 0..<row.count / 3 {
                row[3 * x] = source[4 * x + 2]
                row[3 * x + 1] = source[4 * x + 1]
                row[3 * x + 2] = source[4 * x]
            }
            return
        }
        for x in 0..<row.count / 3 {
            let low = UInt32(source[4 * x]) | UInt32(source[4 * x + 1]) << 8
            write(low | UInt32(source[4 * x + 2]) << 16 | UInt32(source[4 * x + 3]) << 24, to: row, at: 3 * x)
        }
    }

    @inline(__always)
    private func write(_ pixel: UInt32, to row: UnsafeMutableBufferPointer<UInt8>, at offset: Int) {
        var (r, g, b) = (red.value(pixel), green.value(pixel), blue.value(pixel))
        if compositesOverWhite {
            let opacity = alpha.value(pixel)
            (r, g, b) = (overWhite(r, opacity), overWhite(g, opacity), overWhite(b, opacity))
        }
        row[offset] = r
        row[offset + 1] = g
        row[offset + 2] = b
    }
}
