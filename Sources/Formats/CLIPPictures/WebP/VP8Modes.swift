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
