/// One prefix code: where its table lies in `VP8LPrefixTables`.
struct VP8LPrefixCode {
    var start: Int32 = 0
    /// Lookup index bits as a mask; 0 for a code of one symbol, which takes no bits.
    var mask: Int32 = 0
}

/// The five codes of a region of the picture (WebP lossless specification, section 6.2).
struct VP8LCodeGroup {
    /// Green, a length, or an index into the colour cache.
    var green = VP8LPrefixCode()
    var red = VP8LPrefixCode()
    var blue = VP8LPrefixCode()
    var alpha = VP8LPrefixCode()
    var distance = VP8LPrefixCode()
    /// The colour but for green when red, blue and alpha have one value each.
    var constantColour: UInt32?
}

/// Lookup tables of all prefix codes of a picture.
struct VP8LPrefixTables {
    /// The first lookup takes at most this many bits; longer codes go on in a second table.
    private static let rootBits = 8
    static let linkFlag: UInt32 = 1 << 4

    /// Of each entry: bits 0…3 the code's bits (of this level), bit 4 whether it links to a second table, bits 5…8 the
    /// index bits of that table, bits 16…31 the symbol, or where the second table begins after the first.
    private(set) var entries: [UInt32] = []

    /// Adds the table of a code.
    /// - Parameter lengths: of each symbol's code, 0 for none, at most 15.
    /// - Returns: nil unless the code is complete, or has one symbol alone.
    mutating func add(lengths: ArraySlice<UInt8>) -> VP8LPrefixCode? {
        var counts = [Int](repeating: 0, count: 16)
        for length in lengths { counts[Int(length)] += 1 }
        let used = lengths.count - counts[0]
        counts[0] = 0
        guard used > 0, let longest = counts.lastIndex(where: { $0 > 0 }) else { return nil }
        let start = entries.count
        if used == 1 {
            let symbol = lengths.firstIndex { $0 > 0 }! - lengths.startIndex
            entries.append(UInt32(symbol) << 16)
            return VP8LPrefixCode(start: Int32(start), mask: 0)
        }
        let filled = (1...15).reduce(0) { $0 + counts[$1] << (15 - $1) }
        guard filled == 1 << 15 else { return nil }

        let root = min(longest, VP8LPrefixTables.rootBits)
        var nextCode = [Int](repeating: 0, count: 17)
        for length in 1...15 { nextCode[length + 1] = (nextCode[length] + counts[length]) << 1 }
        entries.append(contentsOf: repeatElement(0, count: 1 << root))
        if longest > root { addSecondTables(lengths, nextCode, start, root) }

        for (symbol, length) in lengths.enumerated() where length > 0 {
            let bits = Int(length)
            let code = Int(UInt16(truncatingIfNeeded: nextCode[bits] << (16 - bits)).bitReversed)
            nextCode[bits] += 1
            let isShort = bits <= root
            let link = entries[start + code & (1 << root - 1)]
            let base = isShort ? start : start + Int(link >> 16)
            let size = isShort ? 1 << root : 1 << Int(link >> 5 & 15)
            let rest = isShort ? bits : bits - root
            for index in stride(from: isShort ? code : code >> root, to: size, by: 1 << rest) {
                entries[base + index] = UInt32(symbol) << 16 | UInt32(rest)
            }
        }
        return VP8LPrefixCode(start: Int32(start), mask: Int32(1 << root - 1))
    }

    /// Makes room for the codes longer than `root` bits and links to it.
    private mutating func addSecondTables(_ lengths: ArraySlice<UInt8>, _ firstCodes: [Int], _ start: Int, _ root: Int)
    {
        var nextCode = firstCodes
        var bitsNeeded = [Int](repeating: 0, count: 1 << root)
        for length in lengths where length > 0 {
            let bits = Int(length)
            let code = Int(UInt16(truncatingIfNeeded: nextCode[bits] << (16 - bits)).bitReversed)
            nextCode[bits] += 1
            if bits > root {
                let prefix = code & (1 << root - 1)
                bitsNeeded[prefix] = max(bitsNeeded[prefix], bits - root)
            }
        }
        for (prefix, bits) in bitsNeeded.enumerated() where bits > 0 {
            let offset = UInt32(entries.count - start)
            entries[start + prefix] = offset << 16 | UInt32(bits) << 5 | VP8LPrefixTables.linkFlag | UInt32(root)
            entries.append(contentsOf: repeatElement(0, count: 1 << bits))
        }
    }

    /// The only symbol of a code that takes no bits.
    func onlySymbol(_ code: VP8LPrefixCode) -> Int? {
        code.mask == 0 ? Int(entries[Int(code.start)] >> 16) : nil
    }

    /// Forgets the tables from `code` on.
    mutating func removeAll(from start: Int) { entries.removeLast(entries.count - start) }
}

extension VP8LBitReader {
    /// Reads a symbol. At least 15 bits have to be there.
    @inline(__always)
    mutating func symbol(_ code: VP8LPrefixCode, _ tables: UnsafeBufferPointer<UInt32>) -> Int {
        let start = Int(code.start)
        var entry = tables[start &+ next & Int(code.mask)]
        if entry & VP8LPrefixTables.linkFlag != 0 {
            consume(Int(entry & 15))
            let mask = 1 &<< Int(entry >> 5 & 15) &- 1
            entry = tables[start &+ Int(entry >> 16) &+ next & mask]
        }
        consume(Int(entry & 15))
        return Int(entry >> 16)
    }
}
