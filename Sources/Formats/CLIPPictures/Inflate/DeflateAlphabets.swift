/// The symbols of RFC 1951 sections 3.2.5 to 3.2.7 as table entries without their code bits.
enum DeflateAlphabets {
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
