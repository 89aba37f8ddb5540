package import CLIPSystem

/// Targa: palette, RGB and grey, plain and run-length coded.
package enum TGADecoder: PictureDecoder {
    package static let formatName = "TGA"
    package static let fileExtensions = ["tga"]

    package static func recognises(_ bytes: [UInt8]) -> Bool { TGAHeader(bytes) != nil }

    package static func mayRecognise(beginning bytes: [UInt8]) -> Bool { TGAHeader(bytes, mayGoOn: true) != nil }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        guard let header = TGAHeader(bytes) else {
            throw .malformed(format: formatName, offset: 0, problem: "the header contradicts itself")
        }
        let count = try options.checkedPixelCount(format: formatName, width: header.width, height: header.height)
        let rowBytes = (header.width * header.bitsPerPixel + 7) / 8
        let needed = rowBytes * header.height
        func truncated(_ found: Int) -> CLIPError {
            .truncated(
                format: formatName, offset: bytes.count,
                problem: "\(header.width) × \(header.height) pixels need \(needed) bytes, found \(found)")
        }
        let available = max(0, bytes.count - header.pixelOffset)
        // A run makes at most 128 pixels of the bytes of one and its head.
        let mostBytes = header.isRunLengthCoded ? available * 128 : available
        guard mostBytes >= needed || options.allowTruncated else { throw truncated(available) }
        var samples: [UInt8]
        if header.isRunLengthCoded {
            samples = expand(bytes, header, to: needed)
        } else {
            let start = min(header.pixelOffset, bytes.count)
            samples = Array(bytes[start..<min(start + needed, bytes.count)])
        }
        guard samples.count == needed || options.allowTruncated else { throw truncated(samples.count) }
        samples.append(contentsOf: repeatElement(0, count: needed - samples.count))

        let colour = TGAColour(bytes, header, options)
        var pixels = pictureMemory(3 * count)
        samples.withUnsafeBufferPointer { samples in
            pixels.withUnsafeMutableBufferPointer { pixels in
                for y in 0..<header.height {
                    let row = header.isTopDown ? y : header.height - 1 - y
                    colour.convert(
                        UnsafeBufferPointer(rebasing: samples[y * rowBytes..<(y + 1) * rowBytes]),
                        to: UnsafeMutableBufferPointer(
                            rebasing: pixels[3 * row * header.width..<3 * (row + 1) * header.width]))
                }
            }
        }
        let bitmap = Bitmap(width: header.width, height: header.height, pixels: pixels)
        return DecodedPicture(bitmap: header.isRightToLeft ? bitmap.upright(orientation: 2) : bitmap)
    }

    /// Undoes run lengths: a head of 128 and more repeats the next pixel, others count literal ones.
    private static func expand(_ bytes: [UInt8], _ header: TGAHeader, to size: Int) -> [UInt8] {
        let pixelBytes = header.bitsPerPixel / 8
        var output: [UInt8] = []
        output.reserveCapacity(size)
        var position = header.pixelOffset
        while output.count < size, position < bytes.count {
            let head = Int(bytes[position])
            let count = head & 0x7F + 1
            position += 1
            if head & 0x80 != 0 {
                guard position + pixelBytes <= bytes.count else { break }
                for _ in 0..<count { output.append(contentsOf: bytes[position..<position + pixelBytes]) }
                position += pixelBytes
            } else {
                let end = min(position + count * pixelBytes, bytes.count)
                output.append(contentsOf: bytes[position..<end])
                position = end
            }
        }
        if output.count > size { output.removeLast(output.count - size) }
        return output
    }
}

/// The header of a Targa file. The format has no signature, so a file is one when every field makes sense.
private struct TGAHeader {
    enum Kind {
        case palette
        case rgb
        case gray
    }

    static let size = 18

    let kind: Kind
    let isRunLengthCoded: Bool
    let width: Int
    let height: Int
    let bitsPerPixel: Int
    let isTopDown: Bool
    let isRightToLeft: Bool
    /// Index of the palette's first colour, how many there are, and their bits.
    let paletteStart: Int
    let paletteCount: Int
    let paletteBits: Int
    /// Where palette and pixels begin.
    let paletteOffset: Int
    let pixelOffset: Int

    /// - Parameter mayGoOn: whether these are only the first bytes of a file, which may say at its end that it is one.
    /// - Returns: nil for what is not a Targa file.
    init?(_ bytes: [UInt8], mayGoOn: Bool = false) {
        guard bytes.count > TGAHeader.size, bytes[1] <= 1, bytes[17] & 0xC0 == 0 else { return nil }
        let hasPalette = bytes[1] == 1
        switch bytes[2] & 7 {
        case 1: kind = .palette
        case 2: kind = .rgb
        case 3: kind = .gray
        default: return nil
        }
        guard bytes[2] & ~0x0B == 0 else { return nil }
        isRunLengthCoded = bytes[2] & 8 != 0
        width = littleEndian16(bytes, at: 12)
        height = littleEndian16(bytes, at: 14)
        bitsPerPixel = Int(bytes[16])
        isTopDown = bytes[17] & 0x20 != 0
        isRightToLeft = bytes[17] & 0x10 != 0
        paletteStart = littleEndian16(bytes, at: 3)
        paletteCount = hasPalette ? littleEndian16(bytes, at: 5) : 0
        paletteBits = hasPalette ? Int(bytes[7]) : 0
        guard width > 0, height > 0, bytes[17] & 0x0F <= 8 else { return nil }
        let depths =
            switch kind {
            case .palette: [8]
            case .rgb: [16, 24, 32]
            case .gray: isRunLengthCoded ? [8, 16] : [1, 8, 16]
            }
        guard depths.contains(bitsPerPixel) else { return nil }
        if hasPalette {
            guard [16, 24, 32].contains(paletteBits), paletteCount > 0 else { return nil }
        } else {
            guard kind != .palette, bytes[3..<8].allSatisfy({ $0 == 0 }) || mayGoOn || TGAHeader.footer(bytes) != nil
            else { return nil }
        }
        paletteOffset = TGAHeader.size + Int(bytes[0])
        pixelOffset = paletteOffset + paletteCount * paletteBits / 8
    }

    /// The footer of version 2 of the format.
    static func footer(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
        let footer = bytes.suffix(26)
        return footer.count == 26 && footer.dropFirst(8).elementsEqual("TRUEVISION-XFILE.\0".utf8) ? footer : nil
    }

    /// Whether the fourth byte of pixels is opacity: version 2 can say that it is nothing.
    static func hasOpacity(_ bytes: [UInt8]) -> Bool {
        guard let footer = footer(bytes) else { return true }
        let extensionStart = littleEndian32(bytes, at: footer.startIndex)
        guard extensionStart > 0, extensionStart + 494 < bytes.count else { return true }
        return bytes[extensionStart + 494] != 0
    }
}

/// Turns rows of a Targa file into 8-bit RGB.
private struct TGAColour {
    private let header: TGAHeader
    private let palette: PaletteTable
    private let compositesOverWhite: Bool

    init(_ bytes: [UInt8], _ header: TGAHeader, _ options: DecodingOptions) {
        self.header = header
        let hasOpacity = header.kind == .gray || TGAHeader.hasOpacity(bytes)
        compositesOverWhite = options.alpha == .white && hasOpacity
        switch header.kind {
        case .palette: palette = PaletteTable(rgb: TGAColour.palette(bytes, header))
        case .gray where header.bitsPerPixel == 1: palette = PaletteTable(rgb: [0, 0, 0, 255, 255, 255])
        case .gray, .rgb: palette = .gray
        }
    }

    private static func palette(_ bytes: [UInt8], _ header: TGAHeader) -> [UInt8] {
        var colours = [UInt8](repeating: 0, count: 768)
        let entryBytes = header.paletteBits / 8
        for index in 0..<header.paletteCount {
            let at = header.paletteOffset + index * entryBytes
            let target = 3 * (header.paletteStart + index)
            guard at + entryBytes <= bytes.count, target < colours.count else { break }
            let (red, green, blue) =
                entryBytes == 2
                ? fiveBits(UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8) : (bytes[at + 2], bytes[at + 1], bytes[at])
            (colours[target], colours[target + 1], colours[target + 2]) = (red, green, blue)
        }
        return colours
    }

    /// Five bits each of red, green and blue, from the highest bit but one down.
    @inline(__always)
    private static func fiveBits(_ pixel: UInt16) -> (UInt8, UInt8, UInt8) {
        @inline(__always) func byte(_ value: UInt16) -> UInt8 { UInt8((value & 31) * 255 / 31) }
        return (byte(pixel >> 10), byte(pixel >> 5), byte(pixel))
    }

    func convert(_ row: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>) {
        let count = output.count / 3
        switch (header.kind, header.bitsPerPixel) {
        case (.palette, _), (.gray, 8), (.gray, 1):
            palette.expand(packed: row, bits: header.bitsPerPixel, to: output)
        case (.gray, _):
            for x in 0..<count {
                let light = compositesOverWhite ? overWhite(row[2 * x], row[2 * x + 1]) : row[2 * x]
                for channel in 0..<3 { output[3 * x + channel] = light }
            }
        case (.rgb, 16):
            for x in 0..<count {
                let pixel = UInt16(row[2 * x]) | UInt16(row[2 * x + 1]) << 8
                // The highest bit is transparency, not opacity, to Pillow.
                let isClear = compositesOverWhite && pixel >> 15 == 1
                let colour = isClear ? (255, 255, 255) : TGAColour.fiveBits(pixel)
                (output[3 * x], output[3 * x + 1], output[3 * x + 2]) = colour
            }
        case (.rgb, 24):
            for x in stride(from: 0, to: 3 * count, by: 3) {
                (output[x], output[x + 1], output[x + 2]) = (row[x + 2], row[x + 1], row[x])
            }
        case (.rgb, _):
            for x in 0..<count {
                for channel in 0..<3 {
                    let sample = row[4 * x + 2 - channel]
                    output[3 * x + channel] = compositesOverWhite ? overWhite(sample, row[4 * x + 3]) : sample
                }
            }
        }
    }
}
