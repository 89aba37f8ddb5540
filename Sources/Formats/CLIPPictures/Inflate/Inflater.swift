/// Why a deflate stream can't be read on.
enum InflateError: Error, Equatable {
    /// The stream contradicts RFC 1951 or 1950.
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

    var bits: BitReader
    private var state = State.betweenBlocks
    private var isLastBlock = false
    private var literals = HuffmanTable(rootBits: 11)
    private var distances = HuffmanTable(rootBits: 8)
    private var codeLengthTable = HuffmanTable(rootBits: 7)

    /// - Parameter position: where in the input the stream begins.
    init(position: Int) { bits = BitReader(position: position) }

    var isFinished: Bool { if case .finished = state { true } else { false } }

    /// Writes to `output` from `written` on until fewer than `slack` bytes are left or the stream ends.
    ///
    /// `output[..<written]` is what was decompressed before: matches reach back into it.
    /// On an error `written` still counts the bytes that are good.
    mutating func inflate(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>, written: inout Int
    ) throws(InflateError) {
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

    private mutating func read(_ count: UInt64, _ input: UnsafeBufferPointer<UInt8>) throws(InflateError) -> Int {
        bits.refill(input)
        guard bits.count >= count else { throw .endsEarly }
        defer { bits.consume(count) }
        return Int(bits.peek(count))
    }

    private mutating func beginBlock(_ input: UnsafeBufferPointer<UInt8>) throws(InflateError) {
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
    private mutating func readDynamicTables(_ input: UnsafeBufferPointer<UInt8>) throws(InflateError) {
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
    ) throws(InflateError) -> Bool {
        var reader = bits
        var position = written
        let limit = output.count - Inflater.slack
        let target = output.baseAddress!
        let literalBits = UInt64(literals.rootBits)
        let distanceBits = UInt64(distances.rootBits)
        let result = literals.entries.withUnsafeBufferPointer { literalTable in
            distances.entries.withUnsafeBufferPointer { distanceTable -> Result<Bool, InflateError> in
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
    fileprivate func failure(_ problem: String, _ input: UnsafeBufferPointer<UInt8>) -> InflateError {
        position >= input.count && count < 16 ? .endsEarly : .corrupt("a block uses " + problem)
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
