/// Turns unfiltered rows into 8-bit RGB.
struct PNGColour {
    private enum Layout {
        /// One sample of up to 8 bits a pixel, looked up: grey and palettes.
        case indexed
        case gray16, grayAlpha8, grayAlpha16, rgb8, rgb16, rgba8, rgba16
    }

    private let layout: Layout
    private let depth: Int
    private let compositesOverWhite: Bool
    private let clipsGray16: Bool
    /// `[256, 3]`, by sample value.
    private var table: [UInt8] = []
    /// The one transparent colour of a file without an alpha channel.
    private var transparentColour: [UInt16]?

    init(_ file: PNGFile, options: DecodingOptions) {
        depth = file.header.depth
        compositesOverWhite = options.alpha == .white
        clipsGray16 = options.gray16 == .clip
        let isWide = depth == 16
        switch file.header.colourType {
        case .gray: layout = isWide ? .gray16 : .indexed
        case .palette: layout = .indexed
        case .rgb: layout = isWide ? .rgb16 : .rgb8
        case .grayAlpha: layout = isWide ? .grayAlpha16 : .grayAlpha8
        case .rgba: layout = isWide ? .rgba16 : .rgba8
        }
        let transparency = compositesOverWhite ? file.transparency : []
        let channels = file.header.colourType.channels
        if file.header.colourType == .palette {
            table = PNGColour.paletteTable(file.palette, opacity: transparency)
            return
        }
        if file.header.colourType == .gray || file.header.colourType == .rgb, transparency.count >= 2 * channels {
            transparentColour = (0..<channels).map {
                UInt16(transparency[2 * $0]) << 8 | UInt16(transparency[2 * $0 + 1])
            }
        }
        if layout == .indexed {
            let white = (1 << depth) - 1
            table = (0..<256).flatMap { sample in
                let isTransparent = transparentColour.map { Int($0[0]) == sample } ?? false
                return [UInt8](repeating: isTransparent ? 255 : UInt8(min(sample, white) * 255 / white), count: 3)
            }
        }
    }

    private static func paletteTable(_ palette: [UInt8], opacity: [UInt8]) -> [UInt8] {
        // Indices past the palette show black.
        (0..<768).map { index in
            guard index < palette.count else { return 0 }
            return index / 3 < opacity.count ? overWhite(palette[index], opacity[index / 3]) : palette[index]
        }
    }

    /// Converts `count` pixels.
    /// - Parameters:
    ///   - row: `count` pixels as the file packs them.
    ///   - output: the first pixel's red byte; `step` bytes lie between one pixel and the next.
    func convert(
        _ row: UnsafeBufferPointer<UInt8>, count: Int, to output: UnsafeMutableBufferPointer<UInt8>, step: Int
    ) {
        precondition(count == 0 || output.count > (count - 1) * step + 2)
        switch layout {
        case .indexed: convertIndexed(row, count, output, step)
        case .rgb8 where transparentColour == nil && step == 3:
            output.baseAddress!.update(from: row.baseAddress!, count: 3 * count)
        case .rgb8, .rgb16: convertRGB(row, count, output, step)
        case .gray16: convertGray16(row, count, output, step)
        case .grayAlpha8: convertAlpha(row, count, output, step, channels: 2, sampleBytes: 1)
        case .grayAlpha16: convertAlpha(row, count, output, step, channels: 2, sampleBytes: 2)
        case .rgba8: convertAlpha(row, count, output, step, channels: 4, sampleBytes: 1)
        case .rgba16: convertAlpha(row, count, output, step, channels: 4, sampleBytes: 2)
        }
    }

    private func convertIndexed(
        _ row: UnsafeBufferPointer<UInt8>, _ count: Int, _ output: UnsafeMutableBufferPointer<UInt8>, _ step: Int
    ) {
        table.withUnsafeBufferPointer { table in
            // Powers of two: 8, 4, 2 or 1 samples a byte.
            let byteShift = (8 / depth).trailingZeroBitCount
            let last = 8 / depth - 1
            let mask = UInt8(truncatingIfNeeded: 1 << depth - 1)
            var target = 0
            for x in 0..<count {
                let shift = (last - x & last) * depth
                let index = 3 * Int(row[x >> byteShift] >> UInt8(truncatingIfNeeded: shift) & mask)
                output[target] = table[index]
                output[target + 1] = table[index + 1]
                output[target + 2] = table[index + 2]
                target += step
            }
        }
    }

    private func convertGray16(
        _ row: UnsafeBufferPointer<UInt8>, _ count: Int, _ output: UnsafeMutableBufferPointer<UInt8>, _ step: Int
    ) {
        for x in 0..<count {
            let sample = UInt16(row[2 * x]) << 8 | UInt16(row[2 * x + 1])
            var light = clipsGray16 ? UInt8(min(sample, 255)) : row[2 * x]
            if let transparentColour, transparentColour[0] == sample { light = 255 }
            for channel in 0..<3 { output[x * step + channel] = light }
        }
    }

    private func convertRGB(
        _ row: UnsafeBufferPointer<UInt8>, _ count: Int, _ output: UnsafeMutableBufferPointer<UInt8>, _ step: Int
    ) {
        let sampleBytes = depth / 8
        for x in 0..<count {
            let pixel = 3 * sampleBytes * x
            var isTransparent = false
            if let transparentColour {
                isTransparent = (0..<3).allSatisfy { channel in
                    let at = pixel + channel * sampleBytes
                    let sample = sampleBytes == 1 ? UInt16(row[at]) : UInt16(row[at]) << 8 | UInt16(row[at + 1])
                    return sample == transparentColour[channel]
                }
            }
            for channel in 0..<3 {
                output[x * step + channel] = isTransparent ? 255 : row[pixel + channel * sampleBytes]
            }
        }
    }

    /// Grey or RGB with an alpha channel. Of 16 bits the high eight count.
    @inline(__always)
    private func convertAlpha(
        _ row: UnsafeBufferPointer<UInt8>, _ count: Int, _ output: UnsafeMutableBufferPointer<UInt8>, _ step: Int,
        channels: Int, sampleBytes: Int
    ) {
        let colourStep = channels == 4 ? sampleBytes : 0
        for x in 0..<count {
            let pixel = x * channels * sampleBytes
            let alpha = row[pixel + (channels - 1) * sampleBytes]
            for channel in 0..<3 {
                let sample = row[pixel + channel * colourStep]
                output[x * step + channel] = compositesOverWhite ? overWhite(sample, alpha) : sample
            }
        }
    }
}
