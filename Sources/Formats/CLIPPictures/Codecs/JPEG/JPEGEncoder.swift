internal import CLIPSystem

/// Encodes a picture as a baseline JPEG file without subsampling (T.81): for the thumbnails of reports.
/// - Parameter quality: 1…100, on the scale of libjpeg.
package func encodeJPEG(_ bitmap: Bitmap, quality: Int = 80) -> [UInt8] {
    var encoder = JPEGEncoder(bitmap, quality: quality)
    return encoder.encode()
}

private struct JPEGEncoder {
    private let bitmap: Bitmap
    private let luminance: [UInt8]
    private let chrominance: [UInt8]
    private var file: [UInt8] = []
    private var bits: UInt32 = 0
    private var bitCount = 0

    init(_ bitmap: Bitmap, quality: Int) {
        self.bitmap = bitmap
        let quality = max(1, min(100, quality))
        let scale = quality < 50 ? 5000 / quality : 200 - 2 * quality
        func scaled(_ table: [Int]) -> [UInt8] { table.map { UInt8(max(1, min(255, ($0 * scale + 50) / 100))) } }
        luminance = scaled(JPEGEncoder.luminanceSteps)
        chrominance = scaled(JPEGEncoder.chrominanceSteps)
    }

    mutating func encode() -> [UInt8] {
        writeHeaders()
        let components = [0, 1, 2].map { component in
            (
                steps: component == 0 ? luminance : chrominance,
                dc: JPEGEncodingTable(component == 0 ? JPEGStandardCodes.luminanceDC : JPEGStandardCodes.chrominanceDC),
                ac: JPEGEncodingTable(component == 0 ? JPEGStandardCodes.luminanceAC : JPEGStandardCodes.chrominanceAC)
            )
        }
        var predictions = [0, 0, 0]
        for top in stride(from: 0, to: bitmap.height, by: 8) {
            for left in stride(from: 0, to: bitmap.width, by: 8) {
                let blocks = samples(left: left, top: top)
                for (index, component) in components.enumerated() {
                    let block = JPEGEncoder.transform(blocks[index])
                    let levels = (0..<64).map { position in
                        let natural = Int(JPEGZigzag.order[position])
                        return Int((block[natural] / Float(component.steps[natural])).rounded())
                    }
                    write(levels, prediction: &predictions[index], component.dc, component.ac)
                }
            }
        }
        if bitCount > 0 { put(0x7F, count: 7) }
        file += [0xFF, 0xD9]
        return file
    }

    private mutating func writeHeaders() {
        file = [0xFF, 0xD8]
        func order(_ table: [UInt8]) -> [UInt8] { (0..<64).map { table[Int(JPEGZigzag.order[$0])] } }
        segment(0xDB, [0] + order(luminance) + [1] + order(chrominance))
        let (width, height) = (bitmap.width, bitmap.height)
        segment(
            0xC0,
            [8, UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255), 3]
                + [1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1])
        let codes: [(UInt8, JPEGHuffmanCode)] = [
            (0x00, JPEGStandardCodes.luminanceDC), (0x10, JPEGStandardCodes.luminanceAC),
            (0x01, JPEGStandardCodes.chrominanceDC), (0x11, JPEGStandardCodes.chrominanceAC),
        ]
        for (place, code) in codes {
            segment(0xC4, [place] + code.counts + code.symbols.prefix(code.counts.reduce(0) { $0 + Int($1) }))
        }
        segment(0xDA, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0])
    }

    private mutating func segment(_ marker: UInt8, _ content: [UInt8]) {
        file += [0xFF, marker, UInt8((content.count + 2) >> 8), UInt8((content.count + 2) & 255)] + content
    }

    /// The block at a place as Y, Cb and Cr (JFIF), less 128; the last row and column repeat beyond the edges.
    private func samples(left: Int, top: Int) -> [[Float]] {
        var blocks = [[Float]](repeating: [Float](repeating: 0, count: 64), count: 3)
        for y in 0..<8 {
            for x in 0..<8 {
                let row = min(top + y, bitmap.height - 1)
                let start = 3 * (row * bitmap.width + min(left + x, bitmap.width - 1))
                let (red, green, blue) = (
                    Float(bitmap.pixels[start]), Float(bitmap.pixels[start + 1]), Float(bitmap.pixels[start + 2])
                )
                blocks[0][8 * y + x] = 0.299 * red + 0.587 * green + 0.114 * blue - 128
                blocks[1][8 * y + x] = -0.168736 * red - 0.331264 * green + 0.5 * blue
                blocks[2][8 * y + x] = 0.5 * red - 0.418688 * green - 0.081312 * blue
            }
        }
        return blocks
    }

    /// The forward DCT (T.81, A.3.3), columns after rows.
    private static func transform(_ block: [Float]) -> [Float] {
        var rows = [Float](repeating: 0, count: 64)
        for y in 0..<8 {
            for u in 0..<8 {
                for x in 0..<8 { rows[8 * y + u] += block[8 * y + x] * cosines[8 * u + x] }
            }
        }
        var result = [Float](repeating: 0, count: 64)
        for v in 0..<8 {
            for u in 0..<8 {
                for y in 0..<8 { result[8 * v + u] += rows[8 * y + u] * cosines[8 * v + y] }
            }
        }
        return result
    }

    /// c(u) / 2 · cos((2x + 1)uπ / 16), `[u, x]`.
    private static let cosines: [Float] = (0..<64).map { index in
        let (u, x) = (index / 8, index % 8)
        return Float((u == 0 ? 0.5.squareRoot() : 1) / 2 * cos(Double((2 * x + 1) * u) * Double.pi / 16))
    }

    private mutating func write(
        _ levels: [Int], prediction: inout Int, _ dc: JPEGEncodingTable, _ ac: JPEGEncodingTable
    ) {
        let difference = levels[0] - prediction
        prediction = levels[0]
        put(dc, symbol: UInt8(JPEGEncoder.size(difference)), difference)
        var zeros = 0
        for level in levels[1...] {
            if level == 0 {
                zeros += 1
                continue
            }
            while zeros > 15 {
                put(ac, symbol: 0xF0, 0)
                zeros -= 16
            }
            put(ac, symbol: UInt8(zeros << 4 | JPEGEncoder.size(level)), level)
            zeros = 0
        }
        if zeros > 0 { put(ac, symbol: 0, 0) }
    }

    /// The number of bits of a magnitude.
    private static func size(_ value: Int) -> Int { Int.bitWidth - abs(value).leadingZeroBitCount }

    private mutating func put(_ table: JPEGEncodingTable, symbol: UInt8, _ value: Int) {
        put(table.codes[Int(symbol)], count: table.lengths[Int(symbol)])
        let size = Int(symbol & 15)
        guard size > 0 else { return }
        put(UInt32(truncatingIfNeeded: value < 0 ? value + (1 << size) - 1 : value), count: size)
    }

    private mutating func put(_ code: UInt32, count: Int) {
        bits = bits << UInt32(count) | code
        bitCount += count
        while bitCount >= 8 {
            let byte = UInt8(truncatingIfNeeded: bits >> UInt32(bitCount - 8))
            file.append(byte)
            if byte == 0xFF { file.append(0) }
            bitCount -= 8
        }
    }

    /// Typical steps for luminance (T.81, table K.1).
    private static let luminanceSteps = [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29,
        51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121,
        120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ]
    /// Typical steps for chrominance (T.81, table K.2).
    private static let chrominanceSteps = [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
    ]
}

/// The code words of a Huffman code (T.81, annex C), by symbol.
private struct JPEGEncodingTable {
    private(set) var codes = [UInt32](repeating: 0, count: 256)
    private(set) var lengths = [Int](repeating: 0, count: 256)

    init(_ code: JPEGHuffmanCode) {
        var word: UInt32 = 0
        var next = 0
        for (index, count) in code.counts.enumerated() {
            for _ in 0..<count {
                codes[Int(code.symbols[next])] = word
                lengths[Int(code.symbols[next])] = index + 1
                word += 1
                next += 1
            }
            word <<= 1
        }
    }
}
