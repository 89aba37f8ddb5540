import CLIPTestSupport

@testable import CLIPPictures

/// Makes JPEG files of any size from random coefficients: one picture in each of the codings that a decoder treats apart.
struct JPEGBuilder {
    enum Coding {
        /// One scan of all components.
        case interleaved
        /// A scan for each component.
        case separate
        /// Progressive: one scan of all DC coefficients, then one of AC for each component.
        case progressive
    }

    let width: Int
    let height: Int
    /// Horizontal and vertical sampling factors of each component.
    let sampling: [(Int, Int)]
    var restartInterval = 0
    private var components: [Component] = []

    private struct Component {
        let horizontal: Int
        let vertical: Int
        /// Of the picture, and with those that fill the last MCUs.
        let blocksPerRow: Int
        let blockRows: Int
        let paddedBlocksPerRow: Int
        /// `[block, 64]` in zigzag order; DC coefficients as they are.
        var levels: [Int8]
    }

    init(width: Int, height: Int, sampling: [(Int, Int)], restartInterval: Int = 0, seed: UInt64 = 1) {
        (self.width, self.height, self.sampling) = (width, height, sampling)
        self.restartInterval = restartInterval
        var random = SeededGenerator(seed: seed)
        func rounded(_ value: Int, _ divisor: Int) -> Int { (value + divisor - 1) / divisor }
        let (widest, tallest) = (sampling.map(\.0).max()!, sampling.map(\.1).max()!)
        mcusPerRow = rounded(width, 8 * widest)
        mcuRows = rounded(height, 8 * tallest)
        for (horizontal, vertical) in sampling {
            let blocks = mcusPerRow * horizontal * mcuRows * vertical
            var levels = [Int8](repeating: 0, count: 64 * blocks)
            for block in 0..<blocks {
                let bits = random.next()
                levels[64 * block] = Int8(truncatingIfNeeded: bits & 63) - 32
                // A quarter of the blocks are flat, the others have one to three coefficients.
                for index in 0..<Int(bits >> 6 & 3) {
                    let place = bits >> UInt64(8 + 10 * index)
                    levels[64 * block + 1 + Int(place & 63) % 63] = Int8(truncatingIfNeeded: place >> 6 & 15) - 7
                }
            }
            components.append(
                Component(
                    horizontal: horizontal, vertical: vertical, blocksPerRow: rounded(width * horizontal, 8 * widest),
                    blockRows: rounded(height * vertical, 8 * tallest), paddedBlocksPerRow: mcusPerRow * horizontal,
                    levels: levels))
        }
    }

    private let mcusPerRow: Int
    private let mcuRows: Int

    func file(_ coding: Coding) -> [UInt8] {
        var file: [UInt8] = [0xFF, 0xD8]
        func segment(_ marker: UInt8, _ content: [UInt8]) {
            file += [0xFF, marker, UInt8((content.count + 2) >> 8), UInt8((content.count + 2) & 255)] + content
        }
        segment(0xDB, [0] + [UInt8](repeating: 12, count: 64))
        if restartInterval > 0 { segment(0xDD, [UInt8(restartInterval >> 8), UInt8(restartInterval & 255)]) }
        var frame = [8, UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255)]
        frame.append(UInt8(sampling.count))
        for (index, factors) in sampling.enumerated() { frame += [UInt8(index), UInt8(factors.0 << 4 | factors.1), 0] }
        segment(coding == .progressive ? 0xC2 : 0xC0, frame)
        func scan(_ members: [Int], _ range: ClosedRange<Int>) {
            let last: UInt8 = coding == .progressive ? UInt8(range.upperBound) : 63
            let start: UInt8 = coding == .progressive ? UInt8(range.lowerBound) : 0
            segment(0xDA, [UInt8(members.count)] + members.flatMap { [UInt8($0), 0] } + [start, last, 0])
            file += data(members, range)
        }
        let all = Array(components.indices)
        switch coding {
        case .interleaved: scan(all, 0...63)
        case .separate: for index in all { scan([index], 0...63) }
        case .progressive:
            scan(all, 0...0)
            for index in all { scan([index], 1...63) }
        }
        return file + [0xFF, 0xD9]
    }

    /// The entropy-coded data of a scan of some coefficients, with the standard codes for luminance.
    private func data(_ members: [Int], _ range: ClosedRange<Int>) -> [UInt8] {
        var writer = BitWriter()
        var predictions = [Int](repeating: 0, count: components.count)
        var units = 0
        func beginUnit() {
            if restartInterval > 0, units > 0, units % restartInterval == 0 {
                writer.putMarker(0xD0 + UInt8((units / restartInterval - 1) & 7))
                predictions = [Int](repeating: 0, count: components.count)
            }
            units += 1
        }
        func write(_ index: Int, _ block: Int) {
            let levels = components[index].levels[64 * block..<64 * block + 64]
            var zeros = 0
            for position in range {
                var level = Int(levels[levels.startIndex + position])
                if position == 0 {
                    (level, predictions[index]) = (level - predictions[index], level)
                    writer.put(Self.dc, symbol: Self.size(level), level)
                } else if level == 0 {
                    zeros += 1
                } else {
                    while zeros > 15 {
                        writer.put(Self.ac, symbol: 0xF0, 0)
                        zeros -= 16
                    }
                    writer.put(Self.ac, symbol: zeros << 4 | Self.size(level), level)
                    zeros = 0
                }
            }
            if zeros > 0 { writer.put(Self.ac, symbol: 0, 0) }
        }
        if members.count == 1 {
            let component = components[members[0]]
            for row in 0..<component.blockRows {
                for column in 0..<component.blocksPerRow {
                    beginUnit()
                    write(members[0], row * component.paddedBlocksPerRow + column)
                }
            }
        } else {
            for mcu in 0..<mcusPerRow * mcuRows {
                beginUnit()
                let (mcuRow, mcuColumn) = (mcu / mcusPerRow, mcu % mcusPerRow)
                for index in members {
                    let component = components[index]
                    for y in 0..<component.vertical {
                        for x in 0..<component.horizontal {
                            let row = mcuRow * component.vertical + y
                            write(index, row * component.paddedBlocksPerRow + mcuColumn * component.horizontal + x)
                        }
                    }
                }
            }
        }
        writer.fillByte()
        return writer.bytes
    }

    private static func size(_ value: Int) -> Int { Int.bitWidth - abs(value).leadingZeroBitCount }
    private static let dc = codeWords(JPEGStandardCodes.luminanceDC)
    private static let ac = codeWords(JPEGStandardCodes.luminanceAC)

    /// Code and length by symbol (T.81, annex C).
    private static func codeWords(_ code: JPEGHuffmanCode) -> [(word: Int, length: Int)] {
        var words = [(word: Int, length: Int)](repeating: (0, 0), count: 256)
        var word = 0
        var next = 0
        for (index, count) in code.counts.enumerated() {
            for _ in 0..<count {
                words[Int(code.symbols[next])] = (word, index + 1)
                word += 1
                next += 1
            }
            word <<= 1
        }
        return words
    }

    private struct BitWriter {
        private(set) var bytes: [UInt8] = []
        private var bits = 0
        private var count = 0

        mutating func put(_ code: [(word: Int, length: Int)], symbol: Int, _ value: Int) {
            put(code[symbol].word, code[symbol].length)
            let size = symbol & 15
            put((value < 0 ? value - 1 : value) & (1 << size - 1), size)
        }

        private mutating func put(_ word: Int, _ length: Int) {
            bits = bits << length | word
            count += length
            while count >= 8 {
                count -= 8
                let byte = UInt8(truncatingIfNeeded: bits >> count)
                bytes.append(byte)
                if byte == 0xFF { bytes.append(0) }
                bits &= 1 << count - 1
            }
        }

        mutating func fillByte() { if count > 0 { put(1 << (8 - count) - 1, 8 - count) } }

        mutating func putMarker(_ code: UInt8) {
            fillByte()
            bytes += [0xFF, code]
        }
    }
}
