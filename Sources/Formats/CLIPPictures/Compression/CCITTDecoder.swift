/// Decodes fax pictures: one bit a pixel, black set (ITU-T T.4 and T.6, as TIFF 6.0 stores them).
struct CCITTDecoder {
    enum Scheme {
        /// Runs alone; every row begins with a byte.
        case runs
        /// Group 3: rows between end-of-line codes, of runs or, where a bit says so, of differences to the row above.
        case group3(isTwoDimensional: Bool)
        /// Group 4: differences to the row above alone.
        case group4
    }

    private let width: Int
    private var bits: CCITTBitReader
    /// Where the colour changes in the row above and in the row under way, from white on; rising, at most `width`.
    private var above: [Int] = []
    private var changes: [Int] = []

    private init(_ data: [UInt8], width: Int) {
        self.width = width
        bits = CCITTBitReader(data)
    }

    /// - Returns: up to `rows` rows of `(width + 7) / 8` bytes: those before the data ends or makes no sense.
    static func decode(_ data: [UInt8], width: Int, rows: Int, scheme: Scheme) -> [UInt8] {
        var decoder = CCITTDecoder(data, width: width)
        var output: [UInt8] = []
        for _ in 0..<rows {
            guard decoder.readRow(scheme) else { break }
            decoder.append(to: &output)
            swap(&decoder.above, &decoder.changes)
        }
        return output
    }

    private mutating func readRow(_ scheme: Scheme) -> Bool {
        changes.removeAll(keepingCapacity: true)
        switch scheme {
        case .runs:
            bits.alignToByte()
            return readRuns()
        case .group3(let isTwoDimensional):
            let lineEnds = skipLineEnds(isTwoDimensional)
            // Two and more without a row between them end the picture.
            guard lineEnds.count < 2 else { return false }
            return lineEnds.isNextOfRuns ? readRuns() : readDifferences()
        case .group4:
            return readDifferences()
        }
    }

    private mutating func skipLineEnds(_ isTwoDimensional: Bool) -> (count: Int, isNextOfRuns: Bool) {
        var (count, isNextOfRuns) = (0, true)
        while bits.skipLineEnd() {
            count += 1
            if isTwoDimensional { isNextOfRuns = bits.take(1) == 1 }
        }
        return (count, isNextOfRuns)
    }

    private mutating func readRuns() -> Bool {
        var position = 0
        var isBlack = false
        repeat {
            guard let run = readRun(isBlack: isBlack), position + run <= width else { return false }
            position += run
            changes.append(position)
            isBlack.toggle()
        } while position < width
        return true
    }

    /// A run: any number of make-up codes, then a terminating code.
    private mutating func readRun(isBlack: Bool) -> Int? {
        let codes = isBlack ? CCITTCodes.black : CCITTCodes.white
        var run = 0
        while true {
            guard !bits.isPastEnd, let code = codes.run(bits.peek(CCITTCodes.longest)) else { return nil }
            bits.drop(code.bitCount)
            run += code.length
            if code.length < 64 { return bits.isPastEnd ? nil : run }
        }
    }

    /// T.6, 2.2: each change is told by its distance to the nearest change above, or by runs.
    private mutating func readDifferences() -> Bool {
        var position = -1
        var isBlack = false
        // The first change above that may be the one wanted.
        var next = 0
        while position < width {
            // To the right of where we are, and from this colour to the other.
            if next & 1 != (isBlack ? 1 : 0) { next += next > 0 ? -1 : 1 }
            while next < above.count, above[next] <= position { next += 2 }
            let change = next < above.count ? above[next] : width
            guard !bits.isPastEnd, let mode = Mode.next(&bits) else { return false }
            switch mode {
            case .pass:
                position = next + 1 < above.count ? above[next + 1] : width
            case .horizontal:
                guard let first = readRun(isBlack: isBlack), let second = readRun(isBlack: !isBlack) else {
                    return false
                }
                let start = max(position, 0) + first
                position = start + second
                guard position <= width else { return false }
                changes.append(start)
                changes.append(position)
            case .vertical(let distance):
                guard (max(position, 0)...width).contains(change + distance) else { return false }
                position = change + distance
                changes.append(position)
                isBlack.toggle()
            }
        }
        return !bits.isPastEnd
    }

    private enum Mode {
        case pass
        case horizontal
        case vertical(Int)

        /// nil for what is none: the end of the picture, an extension, damage.
        static func next(_ bits: inout CCITTBitReader) -> Mode? {
            let code = bits.peek(7)
            let (mode, count): (Mode, Int)
            switch code {
            case 0b1000000...: (mode, count) = (.vertical(0), 1)
            case 0b0110000...: (mode, count) = (.vertical(1), 3)
            case 0b0100000...: (mode, count) = (.vertical(-1), 3)
            case 0b0010000...: (mode, count) = (.horizontal, 3)
            case 0b0001000...: (mode, count) = (.pass, 4)
            case 0b0000110...: (mode, count) = (.vertical(2), 6)
            case 0b0000100...: (mode, count) = (.vertical(-2), 6)
            case 0b0000011: (mode, count) = (.vertical(3), 7)
            case 0b0000010: (mode, count) = (.vertical(-3), 7)
            default: return nil
            }
            bits.drop(count)
            return mode
        }
    }

    /// Appends the row that `changes` describe.
    private func append(to output: inout [UInt8]) {
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: (width + 7) / 8))
        for index in stride(from: 0, to: changes.count, by: 2) {
            let end = index + 1 < changes.count ? changes[index + 1] : width
            var x = changes[index]
            while x < end {
                if x & 7 == 0, end - x >= 8 {
                    output[start + x >> 3] = 0xFF
                    x += 8
                } else {
                    output[start + x >> 3] |= 0x80 >> UInt8(x & 7)
                    x += 1
                }
            }
        }
    }
}

/// Bits, the highest of a byte first; zeros after the end.
private struct CCITTBitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Whether bits were taken that are not there.
    var isPastEnd: Bool { position > 8 * bytes.count }

    /// The next `count` bits, at most 16.
    @inline(__always)
    func peek(_ count: Int) -> Int {
        let first = position >> 3
        var word = 0
        for index in first..<first + 3 { word = word << 8 | (index < bytes.count ? Int(bytes[index]) : 0) }
        return word >> (24 - position & 7 - count) & (1 << count - 1)
    }

    mutating func drop(_ count: Int) { position += count }

    mutating func take(_ count: Int) -> Int {
        defer { position += count }
        return peek(count)
    }

    mutating func alignToByte() { position = (position + 7) & ~7 }

    /// Steps over an end-of-line code, eleven zeros or more and a one, if that is what comes next.
    mutating func skipLineEnd() -> Bool {
        guard peek(11) == 0 else { return false }
        var end = position + 11
        while end < 8 * bytes.count {
            if end & 7 == 0, bytes[end >> 3] == 0 {
                end += 8
            } else if bytes[end >> 3] & 0x80 >> UInt8(end & 7) == 0 {
                end += 1
            } else {
                position = end + 1
                return true
            }
        }
        return false
    }
}

/// The run lengths' codes of fax pictures (ITU-T T.4, tables 2 and 3), first bit first.
private struct CCITTCodes {
    /// The longest code.
    static let longest = 13

    /// By the next 13 bits: the run above the four bits of the code's length; 0 where there is no code.
    private let table: [UInt16]

    static let white = CCITTCodes(terminating: whiteTerminating, makeUp: whiteMakeUp)
    static let black = CCITTCodes(terminating: blackTerminating, makeUp: blackMakeUp)

    private init(terminating: String, makeUp: String) {
        var table = [UInt16](repeating: 0, count: 1 << Self.longest)
        func add(_ words: String, first: Int, step: Int) {
            for (index, word) in words.split(whereSeparator: \.isWhitespace).enumerated() {
                let unused = Self.longest - word.count
                let start = Int(word, radix: 2)! << unused
                for entry in start..<start + 1 << unused {
                    table[entry] = UInt16((first + index * step) << 4 | word.count)
                }
            }
        }
        add(terminating, first: 0, step: 1)
        add(makeUp + " " + Self.longMakeUp, first: 64, step: 64)
        self.table = table
    }

    /// The run that a code stands for and the code's length, given 13 bits that begin with it; nil if none begins so.
    @inline(__always)
    func run(_ bits: Int) -> (length: Int, bitCount: Int)? {
        let entry = Int(table[bits])
        return entry == 0 ? nil : (entry >> 4, entry & 15)
    }

    /// Runs of 0 to 63.
    private static let whiteTerminating = """
        00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 110101
        101010 101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100 0011000
        00000010 00000011 00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111 00101000 00101001
        00101010 00101011 00101100 00101101 00000100 00000101 00001010 00001011 01010010 01010011 01010100 01010101
        00100100 00100101 01011000 01011001 01011010 01011011 01001010 01001011 00110010 00110011 00110100
        """
    /// Runs of 64, 128 to 1728, which a terminating code follows.
    private static let whiteMakeUp = """
        11011 10010 010111 0110111 00110110 00110111 01100100 01100101 01101000 01100111 011001100 011001101 011010010
        011010011 011010100 011010101 011010110 011010111 011011000 011011001 011011010 011011011 010011000 010011001
        010011010 011000 010011011
        """
    private static let blackTerminating = """
        0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111 000011000
        0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 00000101000 00000010111
        00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 000001101001 000001101010
        000001101011 000011010010 000011010011 000011010100 000011010101 000011010110 000011010111 000001101100
        000001101101 000011011010 000011011011 000001010100 000001010101 000001010110 000001010111 000001100100
        000001100101 000001010010 000001010011 000000100100 000000110111 000000111000 000000100111 000000101000
        000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111
        """
    private static let blackMakeUp = """
        0000001111 000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100
        0000001101101 0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011
        0000001110100 0000001110101 0000001110110 0000001110111 0000001010010 0000001010011 0000001010100
        0000001010101 0000001011010 0000001011011 0000001100100 0000001100101
        """
    /// Of both colours: 1792, 1856 to 2560.
    private static let longMakeUp = """
        00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 000000010110 000000010111
        000000011100 000000011101 000000011110 000000011111
        """
}
