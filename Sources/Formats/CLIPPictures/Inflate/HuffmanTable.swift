/// What one lookup in a `HuffmanTable` answers, packed into 32 bits.
///
///     bits 0…7    code bits to consume (of this level)
///     bits 8…12   extra bits after the code; for a link, the index bits of the second level
///     bit 14      end of block
///     bit 15      none of literal, length or distance: look closer
///     bits 16…30  the literal, the base length or distance, or where the second level begins
///     bit 31      a literal
typealias HuffmanEntry = UInt32

extension HuffmanEntry {
    static let literalFlag: HuffmanEntry = 1 << 31
    static let specialFlag: HuffmanEntry = 1 << 15
    static let endOfBlockFlag: HuffmanEntry = 1 << 14
    static let linkFlag: HuffmanEntry = 1 << 13

    /// A code that the block never defines.
    static let undefined: HuffmanEntry = specialFlag

    @inline(__always) var codeBits: UInt64 { UInt64(truncatingIfNeeded: self & 0xFF) }
    @inline(__always) var extraBits: UInt64 { UInt64(truncatingIfNeeded: self >> 8 & 0x1F) }
    @inline(__always) var value: Int { Int(truncatingIfNeeded: self >> 16 & 0x7FFF) }
}

/// Decodes canonical Huffman codes of up to 15 bits by looking up `rootBits` bits at once; longer codes go through a
/// second level of tables that stands after the first in the same array.
struct HuffmanTable {
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
