/// The compiled form of a tokenizer: little-endian numbers, used where they lie, at any alignment.
///
///     header        16 × u32
///     merge slots   u64 × 2^slotBits: left << 43 | right << 22 | rank, or all ones; open addressing, linear probing
///     results       u32 × merges: the token that the merge of each rank makes
///     byte symbols  u32 × 512: the token of each byte within a word, then of each byte that ends one
///     piece offsets u32 × (pieces + 1), rising
///     added tokens  4 × u32 each: id, flags, offset and length of the content; in order, see `AddedToken`
///     piece bytes   UTF-8, as the vocabulary spells them
///     added bytes   UTF-8, what is looked for in the text
struct FlatLayout: Equatable {
    static let magic: UInt32 = 0x5442_4C43
    static let version: UInt32 = 1
    static let headerBytes = 64
    static let addedTokenBytes = 16
    /// Ids have 21 bits and ranks 22 bits of a merge slot.
    static let largestVocabulary = 1 << 21 - 1
    static let largestMergeCount = 1 << 22 - 1
    static let slotBits = 1...24

    var pieceCount = 0
    var mergeCount = 0
    var slotBits = FlatLayout.slotBits.lowerBound
    /// How far from its hash a merge may lie.
    var longestProbe = 0
    var hashAttempt = 0
    var startToken: UInt32 = 0
    var endToken: UInt32 = 0
    var cleaning = TextCleaning.transformers
    var addedTokenCount = 0
    var pieceByteCount = 0
    var addedByteCount = 0

    var slotsStart: Int { FlatLayout.headerBytes }
    var resultsStart: Int { slotsStart + 8 << slotBits }
    var byteSymbolsStart: Int { resultsStart + 4 * mergeCount }
    var pieceOffsetsStart: Int { byteSymbolsStart + 4 * 512 }
    var addedTokensStart: Int { pieceOffsetsStart + 4 * (pieceCount + 1) }
    var pieceBytesStart: Int { addedTokensStart + FlatLayout.addedTokenBytes * addedTokenCount }
    var addedBytesStart: Int { pieceBytesStart + pieceByteCount }
    var byteCount: Int { addedBytesStart + addedByteCount }

    init() {}

    /// - Throws: a message without the file's name, if this is no header or the sections don't fill the bytes exactly.
    init(reading bytes: UnsafeRawBufferPointer) throws(TokenizerError) {
        func fault(_ problem: String) -> TokenizerError {
            TokenizerError(file: "compiled tokenizer", problem: "\(problem), pack the model again")
        }
        guard bytes.count >= FlatLayout.headerBytes else {
            throw fault("has \(bytes.count) bytes, expected at least \(FlatLayout.headerBytes)")
        }
        let words = (0..<16).map { bytes.word(at: 4 * $0) }
        guard words[0] == FlatLayout.magic else { throw fault("byte 0: not a compiled tokenizer") }
        guard words[1] == FlatLayout.version else {
            throw fault("byte 4: has version \(words[1]), expected \(FlatLayout.version)")
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
        guard (1...FlatLayout.largestVocabulary).contains(pieceCount), mergeCount <= FlatLayout.largestMergeCount,
            FlatLayout.slotBits.contains(slotBits), longestProbe < 1 << slotBits, hashAttempt < MergeHash.attempts,
            addedTokenCount <= FlatLayout.largestVocabulary
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
            FlatLayout.magic, FlatLayout.version, UInt32(pieceCount), UInt32(mergeCount), UInt32(slotBits),
            UInt32(longestProbe), UInt32(hashAttempt), startToken, endToken, cleaning.rawValue,
            UInt32(addedTokenCount), UInt32(pieceByteCount), UInt32(addedByteCount), 0, 0, 0,
        ]
        for (index, word) in words.enumerated() { bytes.setWord(word, at: 4 * index) }
    }
}

extension UnsafeRawBufferPointer {
    func word(at offset: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

extension UnsafeMutableRawBufferPointer {
    func setWord(_ word: UInt32, at offset: Int) {
        storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt32.self)
    }
}
