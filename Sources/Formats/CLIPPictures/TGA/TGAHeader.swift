/// The header of a Targa file. The format has no signature, so a file is one when every field makes sense.
struct TGAHeader {
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
