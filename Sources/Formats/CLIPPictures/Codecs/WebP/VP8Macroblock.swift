/// How a block is predicted from its neighbours (RFC 6386, section 12). The first four serve whole macroblocks too.
enum VP8Mode: UInt8 {
    /// The mean of the neighbours.
    case dc = 0
    /// Left plus above minus corner, "true motion".
    case trueMotion, vertical, horizontal
    /// Along a diagonal; named by the direction in which the block continues its neighbours.
    case downRight, verticalRight, downLeft, verticalLeft, horizontalDown, horizontalUp
}

/// What the first partition says of one macroblock.
struct VP8Macroblock {
    var segment = 0
    /// Marked as having no coefficients.
    var isSkipped = false
    /// Whether luma is predicted in sixteen subblocks; else by `luma` as a whole.
    var hasSubblocks = false
    var luma = VP8Mode.dc
    /// Of the sixteen subblocks, row by row.
    var subblocks = SIMD16<UInt8>(repeating: 0)
    var chroma = VP8Mode.dc
}

/// Reads the modes of macroblock after macroblock, row by row (RFC 6386, sections 10 and 11).
struct VP8ModeReader {
    private let header: VP8FrameHeader
    /// Modes of the subblocks just above, for the whole row, and just to the left.
    private var above: [UInt8]
    private var left: SIMD4<UInt8> = .zero

    init(_ header: VP8FrameHeader, macroblocksAcross: Int) {
        self.header = header
        above = [UInt8](repeating: VP8Mode.dc.rawValue, count: 4 * macroblocksAcross)
    }

    mutating func beginRow() { left = .zero }

    mutating func next(_ bits: inout VP8BoolDecoder, column: Int) -> VP8Macroblock {
        var macroblock = VP8Macroblock()
        if header.hasSegmentMap {
            let probabilities = header.segmentProbabilities
            let isUpper = bits.bit(probabilities[0])
            macroblock.segment = (isUpper ? 2 : 0) + (bits.bit(probabilities[isUpper ? 2 : 1]) ? 1 : 0)
        }
        if let probability = header.skipProbability { macroblock.isSkipped = bits.bit(probability) }
        macroblock.hasSubblocks = !bits.bit(145)
        if macroblock.hasSubblocks {
            readSubblocks(&bits, column, &macroblock)
        } else {
            let mode: VP8Mode =
                bits.bit(156) ? (bits.bit(128) ? .trueMotion : .horizontal) : (bits.bit(163) ? .vertical : .dc)
            macroblock.luma = mode
            left = SIMD4(repeating: mode.rawValue)
            for x in 0..<4 { above[4 * column + x] = mode.rawValue }
        }
        macroblock.chroma =
            !bits.bit(142) ? .dc : !bits.bit(114) ? .vertical : bits.bit(183) ? .trueMotion : .horizontal
        return macroblock
    }

    private mutating func readSubblocks(_ bits: inout VP8BoolDecoder, _ column: Int, _ macroblock: inout VP8Macroblock)
    {
        VP8Tables.subblockModes.withUnsafeBufferPointer { table in
            for y in 0..<4 {
                var mode = left[y]
                for x in 0..<4 {
                    let start = (Int(above[4 * column + x]) * 10 + Int(mode)) * 9
                    let probabilities = UnsafeBufferPointer(rebasing: table[start..<start + 9])
                    mode = VP8ModeReader.subblockMode(&bits, probabilities).rawValue
                    above[4 * column + x] = mode
                    macroblock.subblocks[4 * y + x] = mode
                }
                left[y] = mode
            }
        }
    }

    /// The tree of section 11.2.
    private static func subblockMode(_ bits: inout VP8BoolDecoder, _ p: UnsafeBufferPointer<UInt8>) -> VP8Mode {
        if !bits.bit(p[0]) { return .dc }
        if !bits.bit(p[1]) { return .trueMotion }
        if !bits.bit(p[2]) { return .vertical }
        if !bits.bit(p[3]) {
            if !bits.bit(p[4]) { return .horizontal }
            return bits.bit(p[5]) ? .verticalRight : .downRight
        }
        if !bits.bit(p[6]) { return .downLeft }
        if !bits.bit(p[7]) { return .verticalLeft }
        return bits.bit(p[8]) ? .horizontalUp : .horizontalDown
    }
}

/// Reads the coefficients of macroblocks from their partition (RFC 6386, section 13).
struct VP8CoefficientReader {
    /// What follows a block of coefficients, in the order of the probability tables.
    private enum BlockType {
        static let lumaAfterMeans = 0
        static let means = 1
        static let chroma = 2
        static let luma = 3
    }

    /// Whether the blocks at the edge of the macroblock have coefficients: four of luma, two of each chroma plane, one
    /// of means.
    private struct Edge {
        var luma = SIMD4<UInt8>.zero
        var chroma = SIMD4<UInt8>.zero
        var means = 0
    }

    private let probabilities: [UInt8]
    private var above: [Edge]
    private var left = Edge()

    init(_ header: VP8FrameHeader, macroblocksAcross: Int) {
        probabilities = header.coefficients
        above = [Edge](repeating: Edge(), count: macroblocksAcross)
    }

    mutating func beginRow() { left = Edge() }

    /// Takes note of a macroblock without coefficients.
    mutating func skip(column: Int, hasSubblocks: Bool) {
        let (means, meansAbove) = (left.means, above[column].means)
        left = Edge()
        above[column] = Edge()
        // Macroblocks of subblocks have no means, and do not change what comes next to one that has.
        if hasSubblocks {
            left.means = means
            above[column].means = meansAbove
        }
    }

    /// Reads one macroblock.
    /// - Parameters:
    ///   - output: 25 blocks of 16, zeros; sixteen of luma, four of each chroma plane, and room for the means.
    ///   - ends: of each of the 24 blocks how far its coefficients go, 0 for none.
    /// - Returns: whether there is any coefficient.
    mutating func read(
        _ bits: inout VP8BoolDecoder, column: Int, hasSubblocks: Bool, _ quantiser: VP8FrameHeader.Quantiser,
        into output: UnsafeMutablePointer<Int16>, ends: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        var reader = bits
        defer { bits = reader }
        var up = above[column]
        defer { above[column] = up }
        return probabilities.withUnsafeBufferPointer { probabilities in
            let table = probabilities.baseAddress!
            var hasAny = false
            var first = 0
            var type = BlockType.luma
            if !hasSubblocks {
                let means = output + 384
                let end = block(
                    &reader, table + BlockType.means * VP8CoefficientReader.typeSize, up.means + left.means, 0,
                    quantiser.lumaMeans, means)
                up.means = end > 0 ? 1 : 0
                left.means = up.means
                if end > 0 { VP8InverseTransform.spreadMeans(means, to: output) }
                first = 1
                type = BlockType.lumaAfterMeans
            }
            for y in 0..<4 {
                for x in 0..<4 {
                    let index = 4 * y + x
                    let end = block(
                        &reader, table + type * VP8CoefficientReader.typeSize, Int(up.luma[x] &+ left.luma[y]), first,
                        quantiser.luma, output + 16 * index)
                    let isCoded: UInt8 = end > first ? 1 : 0
                    up.luma[x] = isCoded
                    left.luma[y] = isCoded
                    ends[index] = UInt8(truncatingIfNeeded: end > 1 ? end : output[16 * index] != 0 ? 1 : 0)
                    hasAny = hasAny || ends[index] > 0
                }
            }
            for plane in 0..<2 {
                for place in 0..<4 {
                    let (x, y) = (2 * plane + place & 1, 2 * plane + place >> 1)
                    let index = 16 + 4 * plane + place
                    let end = block(
                        &reader, table + BlockType.chroma * VP8CoefficientReader.typeSize,
                        Int(up.chroma[x] &+ left.chroma[y]), 0, quantiser.chroma, output + 16 * index)
                    let isCoded: UInt8 = end > 0 ? 1 : 0
                    up.chroma[x] = isCoded
                    left.chroma[y] = isCoded
                    ends[index] = UInt8(truncatingIfNeeded: end > 1 ? end : output[16 * index] != 0 ? 1 : 0)
                    hasAny = hasAny || ends[index] > 0
                }
            }
            return hasAny
        }
    }

    /// Probabilities of one block type: 17 places of three contexts.
    private static let typeSize = 17 * placeSize
    private static let placeSize = 3 * 11

    /// Reads one block.
    /// - Returns: the place after the last coefficient.
    @inline(__always)
    private func block(
        _ bits: inout VP8BoolDecoder, _ type: UnsafePointer<UInt8>, _ context: Int, _ first: Int,
        _ steps: (dc: Int32, ac: Int32), _ output: UnsafeMutablePointer<Int16>
    ) -> Int {
        let placeSize = VP8CoefficientReader.placeSize
        var place = first
        var p = type + (place &* placeSize &+ context &* 11)
        while place < 16 {
            guard bits.bit(p[0]) else { return place }
            while !bits.bit(p[1]) {
                place &+= 1
                if place == 16 { return 16 }
                p = type + place &* placeSize
            }
            let next = type + (place &+ 1) &* placeSize
            var value: Int32 = 1
            if bits.bit(p[2]) {
                value = VP8CoefficientReader.largeValue(&bits, p)
                p = next + 22
            } else {
                p = next + 11
            }
            if bits.bit(128) { value = 0 &- value }
            let step = place > 0 ? steps.ac : steps.dc
            let target = Int(truncatingIfNeeded: VP8CoefficientReader.zigzag &>> UInt64(4 &* place) & 15)
            output[target] = Int16(truncatingIfNeeded: value &* step)
            place &+= 1
        }
        return 16
    }

    /// Where the coefficients of a block come to stand (section 13.3), four bits each, the first lowest.
    private static let zigzag: UInt64 = 0xFEB7_ADC9_6325_8410

    /// The tree of values from 2 on (section 13.2).
    private static func largeValue(_ bits: inout VP8BoolDecoder, _ p: UnsafePointer<UInt8>) -> Int32 {
        if !bits.bit(p[3]) {
            if !bits.bit(p[4]) { return 2 }
            return bits.bit(p[5]) ? 4 : 3
        }
        if !bits.bit(p[6]) {
            if !bits.bit(p[7]) { return bits.bit(159) ? 6 : 5 }
            return 7 + (bits.bit(165) ? 2 : 0) + (bits.bit(145) ? 1 : 0)
        }
        let isUpper = bits.bit(p[8])
        let category = (isUpper ? 2 : 0) + (bits.bit(p[isUpper ? 10 : 9]) ? 1 : 0)
        var extra: Int32 = 0
        for probability in VP8Tables.largeValueBits[category] { extra = extra << 1 | (bits.bit(probability) ? 1 : 0) }
        return 3 + 8 << Int32(category) + extra
    }
}
