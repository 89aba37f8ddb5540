/// Why a compressed stream can't be read on. Whoever reads it knows the format that it stands in and its place in the file, and
/// what of its contents is worth keeping.
enum StreamFault: Error, Equatable {
    /// The stream contradicts its definition.
    case corrupt(String)
    /// The input ends inside the stream.
    case endsEarly
}

/// Decompresses a deflate stream (RFC 1951) piece by piece into a window that the caller owns.
///
/// The output is bounded by the caller's window alone: nothing is allocated for what a stream claims to hold.
struct Inflater {
    private enum State {
        case betweenBlocks
        case stored(remaining: Int)
        case compressed
        case finished
    }

    /// How far past the last byte written a fast copy may scribble, and the longest match: room kept in the window.
    static let slack = 258 + 16

    private var bits: BitReader
    private var state = State.betweenBlocks
    private var isLastBlock = false
    private var literals = HuffmanTable(rootBits: 11)
    private var distances = HuffmanTable(rootBits: 8)
    private var codeLengthTable = HuffmanTable(rootBits: 7)

    /// - Parameter position: where in the input the stream begins.
    init(position: Int) { bits = BitReader(position: position) }

    /// Where in the input the reading stands.
    var position: Int { bits.position }

    var isFinished: Bool { if case .finished = state { true } else { false } }

    /// Writes to `output` from `written` on until fewer than `slack` bytes are left or the stream ends.
    ///
    /// `output[..<written]` is what was decompressed before: matches reach back into it.
    /// On an error `written` still counts the bytes that are good.
    mutating func inflate(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>, written: inout Int
    ) throws(StreamFault) {
        while written + Inflater.slack <= output.count {
            switch state {
            case .betweenBlocks:
                if isLastBlock {
                    bits.alignToByte()
                    state = .finished
                } else {
                    try beginBlock(input)
                }
            case .stored(let remaining):
                let count = min(remaining, output.count - Inflater.slack + 1 - written, input.count - bits.position)
                guard count > 0 || remaining == 0 else { throw .endsEarly }
                if count > 0 {
                    (output.baseAddress! + written).update(from: input.baseAddress! + bits.position, count: count)
                }
                written += count
                bits.position += count
                state = remaining == count ? .betweenBlocks : .stored(remaining: remaining - count)
            case .compressed:
                if try decodeSymbols(input, output, &written) { state = .betweenBlocks }
            case .finished:
                return
            }
        }
    }

    private mutating func read(_ count: UInt64, _ input: UnsafeBufferPointer<UInt8>) throws(StreamFault) -> Int {
        bits.refill(input)
        guard bits.count >= count else { throw .endsEarly }
        defer { bits.consume(count) }
        return Int(bits.peek(count))
    }

    private mutating func beginBlock(_ input: UnsafeBufferPointer<UInt8>) throws(StreamFault) {
        isLastBlock = try read(1, input) == 1
        switch try read(2, input) {
        case 0:
            bits.alignToByte()
            let length = try read(16, input)
            let complement = try read(16, input)
            guard length == complement ^ 0xFFFF else {
                throw .corrupt("a stored block's length does not match its complement")
            }
            bits.alignToByte()
            state = .stored(remaining: length)
        case 1:
            _ = literals.build(
                lengths: DeflateAlphabets.fixedLiteralLengths[...], symbolEntries: DeflateAlphabets.literalsAndLengths)
            _ = distances.build(
                lengths: DeflateAlphabets.fixedDistanceLengths[...], symbolEntries: DeflateAlphabets.distances)
            state = .compressed
        case 2:
            try readDynamicTables(input)
            state = .compressed
        default:
            throw .corrupt("block type 3 does not exist")
        }
    }

    /// RFC 1951 section 3.2.7.
    private mutating func readDynamicTables(_ input: UnsafeBufferPointer<UInt8>) throws(StreamFault) {
        let literalCount = try read(5, input) + 257
        let distanceCount = try read(5, input) + 1
        let codeLengthCount = try read(4, input) + 4
        guard literalCount <= 286, distanceCount <= 30 else { throw .corrupt("too many symbols in a block's code") }

        var codeLengths = [UInt8](repeating: 0, count: 19)
        for index in 0..<codeLengthCount {
            codeLengths[DeflateAlphabets.codeLengthOrder[index]] = UInt8(try read(3, input))
        }
        guard codeLengthTable.build(lengths: codeLengths[...], symbolEntries: DeflateAlphabets.codeLengths) else {
            throw .corrupt("a block's code-length code is not a prefix code")
        }

        var lengths: [UInt8] = []
        lengths.reserveCapacity(320)
        while lengths.count < literalCount + distanceCount {
            bits.refill(input)
            let entry = codeLengthTable.entries[Int(bits.peek(7))]
            guard entry & .specialFlag == 0 else { throw .corrupt("a block uses an undefined code-length code") }
            guard bits.count >= entry.codeBits else { throw .endsEarly }
            bits.consume(entry.codeBits)
            switch entry.value {
            case 16:
                guard let last = lengths.last else { throw .corrupt("a block repeats a code length before the first") }
                lengths.append(contentsOf: repeatElement(last, count: try read(2, input) + 3))
            case 17: lengths.append(contentsOf: repeatElement(0, count: try read(3, input) + 3))
            case 18: lengths.append(contentsOf: repeatElement(0, count: try read(7, input) + 11))
            case let length: lengths.append(UInt8(length))
            }
        }
        guard lengths.count == literalCount + distanceCount else {
            throw .corrupt("a block's code lengths run past their number")
        }
        guard lengths[256] > 0 else { throw .corrupt("a block has no code for its end") }
        guard
            literals.build(lengths: lengths[..<literalCount], symbolEntries: DeflateAlphabets.literalsAndLengths),
            distances.build(lengths: lengths[literalCount...], symbolEntries: DeflateAlphabets.distances)
        else { throw .corrupt("a block's code is not a prefix code") }
    }

    /// Decodes symbols of a compressed block.
    /// - Returns: true at the end of the block, false when the window is full.
    private mutating func decodeSymbols(
        _ input: UnsafeBufferPointer<UInt8>, _ output: UnsafeMutableBufferPointer<UInt8>, _ written: inout Int
    ) throws(StreamFault) -> Bool {
        var reader = bits
        var position = written
        let limit = output.count - Inflater.slack
        let target = output.baseAddress!
        let literalBits = UInt64(literals.rootBits)
        let distanceBits = UInt64(distances.rootBits)
        let result = literals.entries.withUnsafeBufferPointer { literalTable in
            distances.entries.withUnsafeBufferPointer { distanceTable -> Result<Bool, StreamFault> in
                while position <= limit {
                    reader.refill(input)
                    var entry = literalTable[Int(reader.peek(literalBits))]
                    // Three literals of one level (33 bits at most) fit what a refill provides.
                    for _ in 0..<3 where entry & .literalFlag != 0 && entry.codeBits <= reader.count {
                        reader.consume(entry.codeBits)
                        target[position] = UInt8(truncatingIfNeeded: entry >> 16)
                        position &+= 1
                        entry = literalTable[Int(reader.peek(literalBits))]
                    }
                    reader.refill(input)
                    if entry & .specialFlag != 0 {
                        if entry & .linkFlag != 0 {
                            reader.consumeIfPresent(entry.codeBits)
                            entry = literalTable[entry.value &+ Int(reader.peek(entry.extraBits))]
                        }
                        guard entry.codeBits <= reader.count else { return .failure(.endsEarly) }
                        if entry & .endOfBlockFlag != 0 {
                            reader.consume(entry.codeBits)
                            return .success(true)
                        }
                        if entry & .specialFlag != 0 {
                            return .failure(reader.failure("an undefined literal or length code", input))
                        }
                    }
                    guard entry.codeBits &+ entry.extraBits <= reader.count else { return .failure(.endsEarly) }
                    reader.consume(entry.codeBits)
                    if entry & .literalFlag != 0 {
                        target[position] = UInt8(truncatingIfNeeded: entry >> 16)
                        position &+= 1
                        continue
                    }
                    let length = (entry.value & 0x1FF) &+ Int(truncatingIfNeeded: reader.peek(entry.extraBits))
                    reader.consume(entry.extraBits)

                    var far = distanceTable[Int(reader.peek(distanceBits))]
                    if far & .linkFlag != 0, far & .specialFlag != 0 {
                        reader.consumeIfPresent(far.codeBits)
                        far = distanceTable[far.value &+ Int(reader.peek(far.extraBits))]
                    }
                    if far & .specialFlag != 0 { return .failure(reader.failure("an undefined distance code", input)) }
                    guard far.codeBits &+ far.extraBits <= reader.count else { return .failure(.endsEarly) }
                    reader.consume(far.codeBits)
                    let distance = far.value &+ Int(truncatingIfNeeded: reader.peek(far.extraBits))
                    reader.consume(far.extraBits)
                    guard distance <= position else {
                        return .failure(.corrupt("a match reaches back before the first byte"))
                    }
                    copyMatch(target + position, distance: distance, length: length)
                    position &+= length
                }
                return .success(false)
            }
        }
        bits = reader
        written = position
        return try result.get()
    }
}

/// Copies `length` bytes from `distance` before `target`; the two may overlap, which repeats a pattern.
/// Up to 15 bytes past the match are overwritten.
@inline(__always)
private func copyMatch(_ target: UnsafeMutablePointer<UInt8>, distance: Int, length: Int) {
    let to = UnsafeMutableRawPointer(target)
    let from = UnsafeRawPointer(target - distance)
    if distance >= 8 {
        var offset = 0
        repeat {
            to.storeBytes(
                of: from.loadUnaligned(fromByteOffset: offset, as: UInt64.self), toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        } while offset < length
    } else if distance == 1 {
        target.update(repeating: (target - 1).pointee, count: length)
    } else {
        for offset in 0..<length { target[offset] = (target - distance)[offset] }
    }
}

/// Decodes canonical Huffman codes of up to 15 bits by looking up `rootBits` bits at once; longer codes go through a
/// second level of tables that stands after the first in the same array.
private struct HuffmanTable {
    let rootBits: Int
    private(set) var entries: [HuffmanEntry] = []

    init(rootBits: Int) {
        self.rootBits = rootBits
        entries.reserveCapacity(2048 + 512)
    }

    /// Builds the table of a code, RFC 1951 section 3.2.2.
    /// - Parameters:
    ///   - lengths: code length of each symbol, 0 for a symbol without a code, at most 15.
    ///   - symbolEntries: what each symbol means, without its code bits.
    /// - Returns: false for an over-subscribed code, or an incomplete one of more than one symbol.
    mutating func build(lengths: ArraySlice<UInt8>, symbolEntries: [HuffmanEntry]) -> Bool {
        var countOfLength = [Int](repeating: 0, count: 16)
        for length in lengths { countOfLength[Int(length)] += 1 }
        let longest = countOfLength.lastIndex { $0 > 0 } ?? 0
        let used = lengths.count - countOfLength[0]
        countOfLength[0] = 0

        var nextCode = [Int](repeating: 0, count: 16)
        var code = 0
        for length in 1...15 {
            code = (code + countOfLength[length - 1]) << 1
            nextCode[length] = code
        }
        let filled = (1...15).reduce(0) { $0 + countOfLength[$1] << (15 - $1) }
        guard filled <= 1 << 15, filled == 1 << 15 || used == 0 || (used == 1 && longest == 1) else { return false }

        entries.removeAll(keepingCapacity: true)
        entries.append(contentsOf: repeatElement(.undefined, count: 1 << rootBits))
        // In canonical order the codes that share their first `rootBits` bits follow one another, but symbols come in
        // any order: the size of each second level is what the longest code under its link needs.
        var secondLevelBits = [Int](repeating: 0, count: longest > rootBits ? 1 << rootBits : 0)
        var reversedCodes = [Int](repeating: 0, count: lengths.count)
        for (symbol, length) in lengths.enumerated() where length > 0 {
            let bits = Int(length)
            let reversed = HuffmanTable.reversed(nextCode[bits], bits: bits)
            nextCode[bits] += 1
            reversedCodes[symbol] = reversed
            if bits > rootBits {
                let root = reversed & (1 << rootBits - 1)
                secondLevelBits[root] = max(secondLevelBits[root], bits - rootBits)
            }
        }
        for (root, bits) in secondLevelBits.enumerated() where bits > 0 {
            let start = HuffmanEntry(entries.count)
            entries[root] =
                .specialFlag | .linkFlag | start << 16 | HuffmanEntry(bits) << 8 | HuffmanEntry(rootBits)
            entries.append(contentsOf: repeatElement(.undefined, count: 1 << bits))
        }
        for (symbol, length) in lengths.enumerated() where length > 0 {
            fill(code: reversedCodes[symbol], bits: Int(length), entry: symbolEntries[symbol])
        }
        return true
    }

    /// Writes an entry wherever the bits that follow the code may be anything.
    private mutating func fill(code: Int, bits: Int, entry: HuffmanEntry) {
        if bits <= rootBits {
            for index in stride(from: code, to: 1 << rootBits, by: 1 << bits) {
                entries[index] = entry | HuffmanEntry(bits)
            }
        } else {
            let link = entries[code & (1 << rootBits - 1)]
            let rest = bits - rootBits
            for index in stride(from: code >> rootBits, to: 1 << Int(link.extraBits), by: 1 << rest) {
                entries[link.value + index] = entry | HuffmanEntry(rest)
            }
        }
    }

    private static func reversed(_ code: Int, bits: Int) -> Int {
        Int(UInt16(truncatingIfNeeded: code << (16 - bits)).bitReversed)
    }
}

/// What one lookup in a `HuffmanTable` answers, packed into 32 bits.
///
///     bits 0…7    code bits to consume (of this level)
///     bits 8…12   extra bits after the code; for a link, the index bits of the second level
///     bit 14      end of block
///     bit 15      none of literal, length or distance: look closer
///     bits 16…30  the literal, the base length or distance, or where the second level begins
///     bit 31      a literal
private typealias HuffmanEntry = UInt32

extension HuffmanEntry {
    fileprivate static let literalFlag: HuffmanEntry = 1 << 31
    fileprivate static let specialFlag: HuffmanEntry = 1 << 15
    fileprivate static let endOfBlockFlag: HuffmanEntry = 1 << 14
    fileprivate static let linkFlag: HuffmanEntry = 1 << 13

    /// A code that the block never defines.
    fileprivate static let undefined: HuffmanEntry = specialFlag

    @inline(__always) fileprivate var codeBits: UInt64 { UInt64(truncatingIfNeeded: self & 0xFF) }
    @inline(__always) fileprivate var extraBits: UInt64 { UInt64(truncatingIfNeeded: self >> 8 & 0x1F) }
    @inline(__always) fileprivate var value: Int { Int(truncatingIfNeeded: self >> 16 & 0x7FFF) }
}

/// The symbols of RFC 1951 sections 3.2.5 to 3.2.7 as table entries without their code bits.
private enum DeflateAlphabets {
    /// 288 symbols: 256 literals, the end of a block, 29 lengths, two that must not occur.
    static let literalsAndLengths: [HuffmanEntry] = {
        var entries = (0..<256).map { HuffmanEntry.literalFlag | HuffmanEntry($0) << 16 }
        entries.append(.specialFlag | .endOfBlockFlag)
        var base: HuffmanEntry = 3
        for symbol in 0..<28 {
            let extra: HuffmanEntry = symbol < 8 ? 0 : HuffmanEntry(symbol / 4 - 1)
            entries.append(base << 16 | extra << 8)
            base += 1 << extra
        }
        entries.append(258 << 16)
        return entries + [.undefined, .undefined]
    }()

    /// 32 symbols, the last two of which must not occur.
    static let distances: [HuffmanEntry] = {
        var entries: [HuffmanEntry] = []
        var base: HuffmanEntry = 1
        for symbol in 0..<30 {
            let extra: HuffmanEntry = symbol < 4 ? 0 : HuffmanEntry(symbol / 2 - 1)
            entries.append(base << 16 | extra << 8)
            base += 1 << extra
        }
        return entries + [.undefined, .undefined]
    }()

    /// 19 symbols: lengths 0…15 and three kinds of repetition.
    static let codeLengths: [HuffmanEntry] = (0..<19).map { HuffmanEntry($0) << 16 }

    /// The order in which a dynamic block states the lengths of the code-length code.
    static let codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    /// The code of fixed blocks.
    static let fixedLiteralLengths: [UInt8] =
        [UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112)
        + [UInt8](repeating: 7, count: 24) + [UInt8](repeating: 8, count: 8)
    static let fixedDistanceLengths = [UInt8](repeating: 5, count: 32)
}

/// Bits of a byte stream, least significant first.
private struct BitReader {
    /// Where the next byte to be taken into `buffer` stands.
    var position: Int
    /// Unread bits, the next one lowest. Bits above `count` are either zero or what `position` holds.
    var buffer: UInt64 = 0
    var count: UInt64 = 0

    init(position: Int) { self.position = position }

    /// Takes in whole bytes until at least 56 bits are there, or the input ends.
    @inline(__always)
    mutating func refill(_ input: UnsafeBufferPointer<UInt8>) {
        if position &+ 8 <= input.count {
            let word = UnsafeRawPointer(input.baseAddress!).loadUnaligned(fromByteOffset: position, as: UInt64.self)
            buffer |= UInt64(littleEndian: word) &<< count
            position &+= Int(truncatingIfNeeded: (63 &- count) &>> 3)
            count |= 56
        } else {
            refillNearEnd(input)
        }
    }

    @inline(never)
    private mutating func refillNearEnd(_ input: UnsafeBufferPointer<UInt8>) {
        buffer &= count >= 64 ? .max : 1 << count - 1
        while count <= 56, position < input.count {
            buffer |= UInt64(input[position]) << count
            position += 1
            count += 8
        }
    }

    /// The lowest `bits` bits, which the caller knows to be there. At most 32.
    @inline(__always)
    func peek(_ bits: UInt64) -> UInt64 { buffer & (1 &<< bits &- 1) }

    @inline(__always)
    mutating func consume(_ bits: UInt64) {
        buffer = buffer &>> bits
        count = count &- bits
    }

    /// Goes to the next whole byte and gives back the bytes taken in but not read.
    mutating func alignToByte() {
        position -= Int(count / 8)
        buffer = 0
        count = 0
    }
}

extension BitReader {
    /// Consumes, or empties the buffer at the end of the input, so that what follows sees that nothing is left.
    @inline(__always)
    fileprivate mutating func consumeIfPresent(_ bits: UInt64) {
        if bits <= count {
            consume(bits)
        } else {
            buffer = 0
            count = 0
        }
    }

    /// An undefined code close to the end of the input is more likely a cut file.
    fileprivate func failure(_ problem: String, _ input: UnsafeBufferPointer<UInt8>) -> StreamFault {
        position >= input.count && count < 16 ? .endsEarly : .corrupt("a block uses " + problem)
    }
}
