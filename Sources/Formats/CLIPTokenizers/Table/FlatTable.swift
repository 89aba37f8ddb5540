/// A tokenizer's tables in one piece of memory, validated, kept alive by its owner.
final class FlatTable: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    let layout: FlatLayout
    let merges: MergeTable
    /// Those that are looked for before the cleaning, then the others, each in order of the content.
    let addedTokens: [AddedToken]
    /// The special tokens as texts spell them, and the bytes that they begin with.
    let literals: (spellings: [SpecialLiteral.Spelling], mayStart: [Bool])
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - bytes: valid and unchanged for as long as `owner` lives.
    /// - Throws: if any number in it leads out of its table.
    init(_ bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(TokenizerError) {
        layout = try FlatLayout(reading: bytes)
        self.bytes = bytes
        self.owner = owner
        let start = bytes.baseAddress.unsafelyUnwrapped
        merges = MergeTable(
            slots: start + layout.slotsStart, results: start + layout.resultsStart, slotBits: layout.slotBits,
            hashAttempt: layout.hashAttempt, longestProbe: layout.longestProbe)
        try FlatTable.validate(bytes, layout)
        addedTokens = try FlatTable.readAddedTokens(bytes, layout)
        let spellings = SpecialLiteral.spellings(layout, addedTokens)
        var mayStart = [Bool](repeating: false, count: 256)
        for first in spellings.map({ $0.bytes[0] }) {
            mayStart[Int(first)] = true
            guard (first | 0x20) &- 0x61 < 26 else { continue }
            // In the other case, or as the long s and the sign of kelvins.
            for other in [first ^ 0x20, 0xC5, 0xE2] { mayStart[Int(other)] = true }
        }
        literals = (spellings, mayStart)
    }

    /// The token of `byte` within a word, or at its end.
    @inline(__always)
    func symbol(_ byte: UInt8, endsWord: Bool) -> UInt32 {
        bytes.word(at: layout.byteSymbolsStart &+ 4 &* (Int(byte) &+ (endsWord ? 256 : 0)))
    }

    /// The UTF-8 of a token as the vocabulary spells it; empty where the vocabulary has a hole.
    func piece(_ id: Int) -> UnsafeRawBufferPointer {
        guard id >= 0, id < layout.pieceCount else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let start = Int(bytes.word(at: layout.pieceOffsetsStart + 4 * id))
        let end = Int(bytes.word(at: layout.pieceOffsetsStart + 4 * (id + 1)))
        return UnsafeRawBufferPointer(rebasing: bytes[layout.pieceBytesStart + start..<layout.pieceBytesStart + end])
    }
}

extension FlatTable {
    private static func fault(_ problem: String) -> TokenizerError {
        TokenizerError(file: "compiled tokenizer", problem: "\(problem), the file is damaged: pack the model again")
    }

    private static func validate(_ bytes: UnsafeRawBufferPointer, _ layout: FlatLayout) throws(TokenizerError) {
        let limit = UInt32(layout.pieceCount)
        let ids = layout.resultsStart..<layout.pieceOffsetsStart
        guard largest(bytes, ids) < limit else {
            throw fault("bytes \(ids.lowerBound) to \(ids.upperBound) name a token that is not below \(limit)")
        }
        guard offsetsRise(bytes, layout) else {
            throw fault("byte \(layout.pieceOffsetsStart): the offsets of the pieces don't rise to their size")
        }
        guard ranksHaveResults(bytes, layout) else {
            throw fault("byte \(layout.slotsStart): a merge has a rank that is not below \(layout.mergeCount)")
        }
    }

    private static func largest(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt32 {
        var largest: UInt32 = 0
        for offset in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
            largest = max(largest, bytes.word(at: offset))
        }
        return largest
    }

    private static func offsetsRise(_ bytes: UnsafeRawBufferPointer, _ layout: FlatLayout) -> Bool {
        var previous = bytes.word(at: layout.pieceOffsetsStart)
        var rises = previous == 0
        for index in 1...layout.pieceCount {
            let next = bytes.word(at: layout.pieceOffsetsStart &+ 4 &* index)
            rises = rises && next >= previous
            previous = next
        }
        return rises && previous == layout.pieceByteCount
    }

    private static func ranksHaveResults(_ bytes: UnsafeRawBufferPointer, _ layout: FlatLayout) -> Bool {
        var isValid = true
        for offset in stride(from: layout.slotsStart, to: layout.resultsStart, by: 8) {
            let slot = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            isValid = isValid && (slot == MergeTable.empty || slot & MergeTable.rankMask < layout.mergeCount)
        }
        return isValid
    }

    private static func readAddedTokens(
        _ bytes: UnsafeRawBufferPointer, _ layout: FlatLayout
    ) throws(TokenizerError) -> [AddedToken] {
        var tokens: [AddedToken] = []
        for index in 0..<layout.addedTokenCount {
            let record = layout.addedTokensStart + FlatLayout.addedTokenBytes * index
            let id = bytes.word(at: record)
            let start = Int(bytes.word(at: record + 8))
            let count = Int(bytes.word(at: record + 12))
            guard id < layout.pieceCount, count > 0, start + count <= layout.addedByteCount else {
                throw fault("byte \(record): added token \(index) leads out of its table")
            }
            let content = bytes[layout.addedBytesStart + start..<layout.addedBytesStart + start + count]
            tokens.append(
                AddedToken(id: id, content: Array(content), options: .init(rawValue: bytes.word(at: record + 4))))
        }
        guard zip(tokens, tokens.dropFirst()).allSatisfy({ $0.isBefore($1) }) else {
            throw fault("byte \(layout.addedTokensStart): the added tokens are not in order")
        }
        return tokens
    }
}
