internal import CLIPSystem

/// The tables of a `BytePairTokenizer` in one piece of memory, validated, kept alive by its owner.
final class BytePairTable: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    let layout: BytePairLayout
    let merges: MergeTable
    /// Those that are looked for before the cleaning, then the others, each in order of the content.
    let addedTokens: [AddedToken]
    /// The special tokens as texts spell them, and the bytes that they begin with.
    let literals: (spellings: [SpecialLiteral.Spelling], mayStart: [Bool])
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - bytes: valid and unchanged for as long as `owner` lives.
    /// - Throws: if any number in it leads out of its table.
    init(_ bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(CLIPError) {
        layout = try BytePairLayout(reading: bytes)
        self.bytes = bytes
        self.owner = owner
        let start = bytes.baseAddress.unsafelyUnwrapped
        merges = MergeTable(
            slots: start + layout.slotsStart, results: start + layout.resultsStart, slotBits: layout.slotBits,
            hashAttempt: layout.hashAttempt, longestProbe: layout.longestProbe)
        try BytePairTable.validate(bytes, layout)
        addedTokens = try BytePairTable.readAddedTokens(bytes, layout)
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

extension BytePairTable {
    private static func fault(_ problem: String) -> CLIPError {
        CLIPError(.model, path: "compiled tokenizer", "\(problem), the file is damaged: pack the model again")
    }

    private static func validate(_ bytes: UnsafeRawBufferPointer, _ layout: BytePairLayout) throws(CLIPError) {
        let limit = UInt32(layout.pieceCount)
        let ids = layout.resultsStart..<layout.pieceOffsetsStart
        guard bytes[ids].largestWord() < limit else {
            throw fault("bytes \(ids.lowerBound) to \(ids.upperBound) name a token that is not below \(limit)")
        }
        guard bytes[layout.pieceOffsetsStart..<layout.addedTokensStart].wordsRise(to: layout.pieceByteCount) else {
            throw fault("byte \(layout.pieceOffsetsStart): the offsets of the pieces don't rise to their size")
        }
        guard
            MergeTable.ranks(of: bytes[layout.slotsStart..<layout.resultsStart], areBelow: layout.mergeCount)
        else {
            throw fault("byte \(layout.slotsStart): a merge has a rank that is not below \(layout.mergeCount)")
        }
    }

    private static func readAddedTokens(
        _ bytes: UnsafeRawBufferPointer, _ layout: BytePairLayout
    ) throws(CLIPError) -> [AddedToken] {
        var tokens: [AddedToken] = []
        for index in 0..<layout.addedTokenCount {
            let record = layout.addedTokensStart + BytePairLayout.addedTokenBytes * index
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

/// The compiled form of a `BytePairTokenizer`: little-endian numbers, used where they lie, at any alignment.
///
///     header        16 × u32
///     merge slots   u64 × 2^slotBits: left << 43 | right << 22 | rank, or all ones; open addressing, linear probing
///     results       u32 × merges: the token that the merge of each rank makes
///     byte symbols  u32 × 512: the token of each byte within a word, then of each byte that ends one
///     piece offsets u32 × (pieces + 1), rising
///     added tokens  4 × u32 each: id, flags, offset and length of the content; in order, see `AddedToken`
///     piece bytes   UTF-8, as the vocabulary spells them
///     added bytes   UTF-8, what is looked for in the text
struct BytePairLayout: Equatable {
    static let magic: UInt32 = 0x5442_4C43
    static let version: UInt32 = 1
    static let headerBytes = 64
    static let addedTokenBytes = 16

    var pieceCount = 0
    var mergeCount = 0
    var slotBits = MergeTable.slotBits.lowerBound
    /// How far from its hash a merge may lie.
    var longestProbe = 0
    var hashAttempt = 0
    var startToken: UInt32 = 0
    var endToken: UInt32 = 0
    var cleaning = TextCleaning.transformers
    var addedTokenCount = 0
    var pieceByteCount = 0
    var addedByteCount = 0

    var slotsStart: Int { BytePairLayout.headerBytes }
    var resultsStart: Int { slotsStart + 8 << slotBits }
    var byteSymbolsStart: Int { resultsStart + 4 * mergeCount }
    var pieceOffsetsStart: Int { byteSymbolsStart + 4 * 512 }
    var addedTokensStart: Int { pieceOffsetsStart + 4 * (pieceCount + 1) }
    var pieceBytesStart: Int { addedTokensStart + BytePairLayout.addedTokenBytes * addedTokenCount }
    var addedBytesStart: Int { pieceBytesStart + pieceByteCount }
    var byteCount: Int { addedBytesStart + addedByteCount }

    init() {}

    /// - Throws: a message without the file's name, if this is no header or the sections don't fill the bytes exactly.
    init(reading bytes: UnsafeRawBufferPointer) throws(CLIPError) {
        func fault(_ problem: String) -> CLIPError {
            CLIPError(.model, path: "compiled tokenizer", "\(problem), pack the model again")
        }
        guard bytes.count >= BytePairLayout.headerBytes else {
            throw fault("has \(bytes.count) bytes, expected at least \(BytePairLayout.headerBytes)")
        }
        let words = (0..<16).map { bytes.word(at: 4 * $0) }
        guard words[0] == BytePairLayout.magic else { throw fault("byte 0: not a compiled tokenizer") }
        guard words[1] == BytePairLayout.version else {
            throw fault("byte 4: has version \(words[1]), expected \(BytePairLayout.version)")
        }
        pieceCount = Int(words[2])
        mergeCount = Int(words[3])
        slotBits = Int(words[4])
        longestProbe = Int(words[5])
        hashAttempt = Int(words[6])
        startToken = words[7]
        endToken = words[8]
        addedTokenCount = Int(words[10])
        pieceByteCount = Int(words[11])
        addedByteCount = Int(words[12])
        guard (1...MergeTable.largestVocabulary).contains(pieceCount), mergeCount <= MergeTable.largestCount,
            MergeTable.slotBits.contains(slotBits), longestProbe < 1 << slotBits, hashAttempt < MergeHash.attempts,
            addedTokenCount <= MergeTable.largestVocabulary
        else { throw fault("byte 8: the sizes in the header are out of range") }
        guard startToken < pieceCount, endToken < pieceCount else {
            throw fault("byte 28: start token \(startToken) or end token \(endToken) is not below \(pieceCount)")
        }
        guard let cleaning = TextCleaning(rawValue: words[9]) else {
            throw fault("byte 36: unknown text cleaning \(words[9])")
        }
        self.cleaning = cleaning
        guard words[13...].allSatisfy({ $0 == 0 }) else { throw fault("byte 52: expected zeros") }
        guard byteCount == bytes.count else {
            throw fault("the header describes \(byteCount) bytes, found \(bytes.count)")
        }
    }

    func write(to bytes: UnsafeMutableRawBufferPointer) {
        let words: [UInt32] = [
            BytePairLayout.magic, BytePairLayout.version, UInt32(pieceCount), UInt32(mergeCount), UInt32(slotBits),
            UInt32(longestProbe), UInt32(hashAttempt), startToken, endToken, cleaning.rawValue,
            UInt32(addedTokenCount), UInt32(pieceByteCount), UInt32(addedByteCount), 0, 0, 0,
        ]
        for (index, word) in words.enumerated() { bytes.setWord(word, at: 4 * index) }
    }
}

/// Collects a vocabulary from any source and writes it as the flat form that encoding works on.
struct BytePairTableBuilder {
    /// The pieces one after the other, and where each begins; one more offset than pieces.
    var pieceBytes: [UInt8] = []
    var pieceOffsets: [UInt32] = [0]
    /// In order of rank. Of a pair that is there twice the last one counts, as in the reference.
    var merges: [Merge] = []
    /// The token of each byte within a word, then of each byte that ends one.
    var byteSymbols = [UInt32](repeating: 0, count: 512)
    var addedTokens: [AddedToken] = []
    var startToken: UInt32 = 0
    var endToken: UInt32 = 0
    var cleaning = TextCleaning.transformers

    /// - Throws: if the vocabulary is larger than the flat form can hold. `file` names its source.
    func build(file: String) throws(CLIPError) -> BytePairTable {
        var layout = BytePairLayout()
        layout.pieceCount = pieceOffsets.count - 1
        layout.mergeCount = merges.count
        layout.startToken = startToken
        layout.endToken = endToken
        layout.cleaning = cleaning
        layout.pieceByteCount = pieceBytes.count
        layout.addedTokenCount = addedTokens.count
        layout.addedByteCount = addedTokens.reduce(0) { $0 + $1.content.count }
        guard layout.pieceCount <= MergeTable.largestVocabulary else {
            throw CLIPError(
                .model, path: file, "\(layout.pieceCount) tokens, expected at most \(MergeTable.largestVocabulary)")
        }
        let merged = try MergeSlots(merges, file: file)
        layout.slotBits = merged.bits
        layout.hashAttempt = merged.hashAttempt
        layout.longestProbe = merged.longestProbe

        let memory = OwnedBytes(count: layout.byteCount)
        let bytes = memory.mutableBytes
        layout.write(to: bytes)
        bytes.copy(merged.slots, to: layout.slotsStart)
        for (rank, merge) in merges.enumerated() { bytes.setWord(merge.result, at: layout.resultsStart + 4 * rank) }
        bytes.copy(byteSymbols, to: layout.byteSymbolsStart)
        bytes.copy(pieceOffsets, to: layout.pieceOffsetsStart)
        bytes.copy(pieceBytes, to: layout.pieceBytesStart)
        var start = 0
        let sorted = addedTokens.sorted { $0.isBefore($1) }
        for (index, token) in sorted.enumerated() {
            let record = layout.addedTokensStart + BytePairLayout.addedTokenBytes * index
            bytes.setWord(token.id, at: record)
            bytes.setWord(token.options.rawValue, at: record + 4)
            bytes.setWord(UInt32(start), at: record + 8)
            bytes.setWord(UInt32(token.content.count), at: record + 12)
            bytes.copy(token.content, to: layout.addedBytesStart + start)
            start += token.content.count
        }
        return try BytePairTable(UnsafeRawBufferPointer(bytes), owner: memory)
    }
}
