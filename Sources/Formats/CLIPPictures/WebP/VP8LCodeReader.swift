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
