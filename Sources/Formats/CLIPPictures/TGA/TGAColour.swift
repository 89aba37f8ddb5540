/// Turns rows of a Targa file into 8-bit RGB.
struct TGAColour {
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
