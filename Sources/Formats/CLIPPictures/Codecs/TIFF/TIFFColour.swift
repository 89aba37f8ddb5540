/// Turns rows of samples into 8-bit RGB.
struct TIFFColour {
    private let layout: TIFFLayout
    private let options: DecodingOptions
    private let palette: PaletteTable
    private let isInverted: Bool

    init(_ layout: TIFFLayout, _ directory: TIFFDirectory, _ options: DecodingOptions) {
        self.layout = layout
        self.options = options
        var isInverted = false
        switch layout.colour {
        case .palette:
            let map = directory.numbers(320) ?? []
            let count = map.count / 3
            palette = PaletteTable(
                rgb: (0..<3 * min(count, 256)).map { UInt8(truncatingIfNeeded: map[$0 % 3 * count + $0 / 3] >> 8) })
        case .gray(let inverted):
            isInverted = inverted
            let white = (1 << min(layout.bitsPerSample, 8)) - 1
            palette = PaletteTable(
                rgb: (0..<768).map { index in
                    let light = min(index / 3, white) * 255 / white
                    return UInt8(inverted ? 255 - light : light)
                })
        default: palette = .gray
        }
        self.isInverted = isInverted
    }

    /// Whether rows of a chunk can be looked up as they are.
    var isIndexed: Bool {
        guard layout.samplesPerPixel == 1, layout.bitsPerSample <= 8 else { return false }
        switch layout.colour {
        case .gray, .palette: return true
        default: return false
        }
    }

    func lookUp(_ row: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>) {
        palette.expand(packed: row, bits: layout.bitsPerSample, to: output)
    }

    /// Samples of 8, 16 or 32 bits, little-endian, to one byte each.
    /// - Parameter step: samples from one of `output` to the next, for planes.
    func reduce(_ row: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>, step: Int) {
        let count = (output.count + step - 1) / step
        switch layout.bitsPerSample {
        case 8:
            for x in 0..<count { output[x * step] = row[x] }
        case 16 where layout.samplesPerPixel > 1:
            for x in 0..<count { output[x * step] = row[2 * x + 1] }
        case 16:
            for x in 0..<count { output[x * step] = gray16(UInt16(row[2 * x]) | UInt16(row[2 * x + 1]) << 8) }
        default:
            for x in 0..<count {
                let word = (0..<4).reduce(UInt32(0)) { $0 | UInt32(row[4 * x + $1]) << UInt32(8 * $1) }
                output[x * step] = gray32(word)
            }
        }
    }

    private func gray16(_ sample: UInt16) -> UInt8 {
        if layout.sampleFormat == .signed { return UInt8(max(0, min(255, Int16(bitPattern: sample)))) }
        if options.gray16 == .clip { return UInt8(min(sample, 255)) }
        return UInt8((isInverted ? ~sample : sample) >> 8)
    }

    /// Clipped, as Pillow does.
    private func gray32(_ word: UInt32) -> UInt8 {
        switch layout.sampleFormat {
        case .float:
            let value = Float(bitPattern: word)
            return value > 0 ? UInt8(min(value, 255)) : 0
        case .signed: return UInt8(max(0, min(255, Int32(bitPattern: word))))
        case .unsigned: return UInt8(max(0, min(255, Int32(bitPattern: word))))
        }
    }

    /// Converts pixels of `layout.samplesPerPixel` bytes.
    func convert(_ samples: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>) {
        let size = layout.samplesPerPixel
        let count = output.count / 3
        if size == 3, case .rgb = layout.colour {
            for index in 0..<3 * count { output[index] = samples[index] }
            return
        }
        let opacity = options.alpha == .white || layout.opacity == .multiplied ? layout.opacity : .none
        for x in 0..<count {
            let at = size * x
            var (red, green, blue): (UInt8, UInt8, UInt8)
            switch layout.colour {
            case .gray where layout.bitsPerSample > 8 && size == 1:
                (red, green, blue) = (samples[at], samples[at], samples[at])
            case .gray, .palette: (red, green, blue) = palette[samples[at]]
            case .cmyk:
                let light = 255 - samples[at + 3]
                (red, green, blue) = (
                    TIFFColour.ink(samples[at], light), TIFFColour.ink(samples[at + 1], light),
                    TIFFColour.ink(samples[at + 2], light)
                )
            case .rgb, .jpegYCC: (red, green, blue) = (samples[at], samples[at + 1], samples[at + 2])
            }
            if opacity != .none {
                let colours = if case .rgb = layout.colour { 3 } else { 1 }
                let alpha = samples[at + colours]
                if opacity == .multiplied {
                    (red, green, blue) = (
                        TIFFColour.divided(red, alpha), TIFFColour.divided(green, alpha),
                        TIFFColour.divided(blue, alpha)
                    )
                }
                if options.alpha == .white {
                    (red, green, blue) = (overWhite(red, alpha), overWhite(green, alpha), overWhite(blue, alpha))
                }
            }
            output[3 * x] = red
            output[3 * x + 1] = green
            output[3 * x + 2] = blue
        }
    }

    /// Light that an ink leaves of `light`, rounded as Pillow rounds.
    @inline(__always)
    private static func ink(_ amount: UInt8, _ light: UInt8) -> UInt8 {
        let product = Int(amount) * Int(light) + 128
        return light - UInt8((product >> 8 + product) >> 8)
    }

    /// A colour before it was multiplied by its opacity.
    @inline(__always)
    private static func divided(_ sample: UInt8, _ alpha: UInt8) -> UInt8 {
        alpha == 0 ? 0 : UInt8(min(255, Int(sample) * 255 / Int(alpha)))
    }
}
