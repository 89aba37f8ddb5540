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

/// Reads the prefix codes of a lossless WebP stream (WebP lossless specification, section 6.2).
struct VP8LCodeReader {
    private static let codeLengthOrder = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
    private static let alphabetSizes = [256 + 24, 256, 256, 256, 40]

    private(set) var tables = VP8LPrefixTables()
    private var lengths = [UInt8](repeating: 0, count: 256 + 24 + 1 << 11)

    /// Reads the five codes of a group.
    /// - Returns: nil for what is not a prefix code.
    mutating func readGroup(_ bits: inout VP8LBitReader, cacheSize: Int) -> VP8LCodeGroup? {
        var group = VP8LCodeGroup()
        let codes: [WritableKeyPath<VP8LCodeGroup, VP8LPrefixCode>] = [\.green, \.red, \.blue, \.alpha, \.distance]
        for (code, size) in zip(codes, VP8LCodeReader.alphabetSizes) {
            let alphabetSize = size == 280 ? size + cacheSize : size
            guard let read = readCode(&bits, alphabetSize: alphabetSize) else { return nil }
            group[keyPath: code] = read
        }
        if let red = tables.onlySymbol(group.red), let blue = tables.onlySymbol(group.blue),
            let alpha = tables.onlySymbol(group.alpha)
        {
            group.constantColour = UInt32(alpha) << 24 | UInt32(red) << 16 | UInt32(blue)
        }
        return group
    }

    /// Reads a group that no region uses: it only has to be well-formed.
    mutating func skipGroup(_ bits: inout VP8LBitReader, cacheSize: Int) -> Bool {
        let start = tables.entries.count
        defer { tables.removeAll(from: start) }
        return readGroup(&bits, cacheSize: cacheSize) != nil
    }

    private mutating func readCode(_ bits: inout VP8LBitReader, alphabetSize: Int) -> VP8LPrefixCode? {
        for symbol in 0..<alphabetSize { lengths[symbol] = 0 }
        if bits.read(1) == 1 {
            let hasTwoSymbols = bits.read(1) == 1
            let first = bits.read(bits.read(1) == 1 ? 8 : 1)
            lengths[first] = 1
            if hasTwoSymbols { lengths[bits.read(8)] = 1 }
        } else {
            guard readLengths(&bits, alphabetSize: alphabetSize) else { return nil }
        }
        return bits.isPastEnd ? nil : tables.add(lengths: lengths[..<alphabetSize])
    }

    private mutating func readLengths(_ bits: inout VP8LBitReader, alphabetSize: Int) -> Bool {
        var lengthLengths = [UInt8](repeating: 0, count: 19)
        for index in 0..<bits.read(4) + 4 {
            lengthLengths[VP8LCodeReader.codeLengthOrder[index]] = UInt8(bits.read(3))
        }
        var lengthTables = VP8LPrefixTables()
        guard let lengthCode = lengthTables.add(lengths: lengthLengths[...]) else { return false }

        var remaining = alphabetSize
        if bits.read(1) == 1 {
            let size = 2 + 2 * bits.read(3)
            remaining = 2 + bits.read(size)
            guard remaining <= alphabetSize else { return false }
        }
        var symbol = 0
        var previous: UInt8 = 8
        while symbol < alphabetSize, remaining > 0 {
            remaining -= 1
            bits.refill()
            let length = lengthTables.entries.withUnsafeBufferPointer { bits.symbol(lengthCode, $0) }
            if length < 16 {
                lengths[symbol] = UInt8(length)
                symbol += 1
                if length > 0 { previous = UInt8(length) }
                continue
            }
            let count = length == 16 ? bits.read(2) + 3 : length == 17 ? bits.read(3) + 3 : bits.read(7) + 11
            guard symbol + count <= alphabetSize else { return false }
            let repeated = length == 16 ? previous : 0
            for _ in 0..<count {
                lengths[symbol] = repeated
                symbol += 1
            }
        }
        return true
    }
}

/// Bits of a lossless WebP stream, least significant first. Past the end come zeros, and `isPastEnd` turns true.
struct VP8LBitReader {
    private let input: UnsafeBufferPointer<UInt8>
    /// Where the next byte to be taken into `buffer` stands.
    private(set) var position = 0
    private var buffer: UInt64 = 0
    /// Bits in `buffer` that are not used; negative when more were used than there are.
    private var count = 0

    init(_ input: UnsafeBufferPointer<UInt8>) { self.input = input }

    @inline(__always) var isPastEnd: Bool { count < 0 }

    /// Takes in whole bytes until at least 56 bits are there, or the input ends.
    @inline(__always)
    mutating func refill() {
        if position &+ 8 <= input.count {
            let word = UnsafeRawPointer(input.baseAddress!).loadUnaligned(fromByteOffset: position, as: UInt64.self)
            buffer |= UInt64(littleEndian: word) &<< UInt64(truncatingIfNeeded: count)
            position &+= (63 &- count) &>> 3
            count |= 56
        } else {
            refillNearEnd()
        }
    }

    @inline(never)
    private mutating func refillNearEnd() {
        guard count >= 0 else { return }
        buffer &= count >= 64 ? .max : 1 << UInt64(count) - 1
        while count <= 56, position < input.count {
            buffer |= UInt64(input[position]) << UInt64(count)
            position += 1
            count += 8
        }
    }

    /// The next bits, of which the lowest 32 may count. Not refilled.
    @inline(__always) var next: Int { Int(truncatingIfNeeded: buffer & 0xFFFF_FFFF) }

    @inline(__always)
    mutating func consume(_ bits: Int) {
        buffer = buffer &>> UInt64(truncatingIfNeeded: bits)
        count = count &- bits
    }

    /// At most 24 bits as a number.
    @inline(__always)
    mutating func read(_ bits: Int) -> Int {
        refill()
        let value = next & (1 &<< bits &- 1)
        consume(bits)
        return value
    }
}
