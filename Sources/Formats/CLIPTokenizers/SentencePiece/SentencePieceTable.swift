/// The tables of a SentencePiece-like tokenizer in one piece of memory, validated, kept alive by its owner.
final class SentencePieceTable: @unchecked Sendable {
    static let magic: UInt32 = 0x5450_5343
    static let version: UInt32 = 2
    /// What a number of `characters` says beside the scalar: that the piece goes on with a word, that it ends one.
    static let continues: UInt32 = 1 << 21
    static let ends: UInt32 = 1 << 22

    /// The sections, in the order in which they lie.
    enum Section: Int, CaseIterable {
        /// What `SentencePieceRules` writes, then the numbers of the merges' hash table.
        case rules
        /// u64 each, see `MergeTable`; then the token that the merge of each rank makes, u32.
        case mergeSlots, mergeResults
        /// Of each piece of one character, without prefix and suffix, its scalar with `continues` and `ends`, and its
        /// token, u32 each, in order.
        case characters
        /// The token of each byte, u32 each, all ones where there is none; nothing without byte fallback.
        case byteTokens
        /// See `PieceTrie`.
        case trieLabels, trieChildren, trieValues
        /// The score of each piece, doubles.
        case scores
        /// Where each piece begins, u32 each, one more than pieces; the pieces in UTF-8.
        case pieceOffsets, pieceBytes
        /// See `CharacterMap`.
        case mapUnits, mapTexts
    }

    static let noToken = UInt32.max

    let bytes: UnsafeRawBufferPointer
    let rules: SentencePieceRules
    let pieceCount: Int
    let merges: MergeTable
    let trie: PieceTrie
    let characterMap: CharacterMap
    let hasUserDefinedPieces: Bool
    private let characters: UnsafeRawBufferPointer
    private let byteTokens: UnsafeRawBufferPointer
    private let scores: UnsafeRawBufferPointer
    private let pieceOffsets: UnsafeRawBufferPointer
    private let pieceBytes: UnsafeRawBufferPointer
    private let owner: any AnyObject & Sendable

    /// - Parameters:
    ///   - bytes: valid and unchanged for as long as `owner` lives.
    /// - Throws: if any number in it leads out of its table.
    init(_ bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(TokenizerError) {
        let version: UInt32 = bytes.count >= 8 && bytes.word(at: 4) == 1 ? 1 : SentencePieceTable.version
        let sections = try FlatSections(
            bytes, magic: SentencePieceTable.magic, version: version, count: Section.allCases.count)
        func section(_ section: Section) -> UnsafeRawBufferPointer { sections[section.rawValue] }
        var reader = FlatReader(section(.rules))
        rules = try SentencePieceRules(reading: &reader, version: version)
        let slotBits = Int(try reader.word())
        let hashAttempt = Int(try reader.word())
        let longestProbe = Int(try reader.word())
        try reader.end()

        self.bytes = bytes
        self.owner = owner
        characters = section(.characters)
        byteTokens = section(.byteTokens)
        scores = section(.scores)
        pieceOffsets = section(.pieceOffsets)
        pieceBytes = section(.pieceBytes)
        pieceCount = pieceOffsets.count / 4 - 1
        characterMap = CharacterMap(units: section(.mapUnits), texts: section(.mapTexts))
        trie = PieceTrie(
            labels: section(.trieLabels), children: section(.trieChildren), values: section(.trieValues))
        let (slots, results) = (section(.mergeSlots), section(.mergeResults))
        guard FlatLayout.slotBits.contains(slotBits), slots.count == 8 << slotBits, longestProbe < 1 << slotBits,
            hashAttempt < MergeHash.attempts, let slotsStart = slots.baseAddress, let resultsStart = results.baseAddress
        else { throw SentencePieceTable.fault("the hash table of its merges") }
        merges = MergeTable(
            slots: slotsStart, results: resultsStart, slotBits: slotBits, hashAttempt: hashAttempt,
            longestProbe: longestProbe)
        var hasUserDefinedPieces = false
        for node in 0..<trie.nodeCount where trie.values.count == 4 * trie.nodeCount {
            hasUserDefinedPieces = hasUserDefinedPieces || trie.values.word(at: 4 &* node) & 1 == 1
        }
        self.hasUserDefinedPieces = hasUserDefinedPieces
        try validate(slots: slots, results: results)
    }

    /// The UTF-8 of a token as the vocabulary spells it; empty where the vocabulary has a hole.
    func piece(_ id: Int) -> UnsafeRawBufferPointer {
        guard id >= 0, id < pieceCount else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let range = Int(pieceOffsets.word(at: 4 * id))..<Int(pieceOffsets.word(at: 4 * id + 4))
        return UnsafeRawBufferPointer(rebasing: pieceBytes[range])
    }

    @inline(__always)
    func score(_ id: Int) -> Double {
        Double(bitPattern: UInt64(littleEndian: scores.loadUnaligned(fromByteOffset: 8 &* id, as: UInt64.self)))
    }

    /// The token of a byte that no piece has; nil if there is none.
    func token(ofByte byte: UInt8) -> UInt32? {
        guard !byteTokens.isEmpty else { return nil }
        let token = byteTokens.word(at: 4 * Int(byte))
        return token == SentencePieceTable.noToken ? nil : token
    }

    /// The token of the piece that is this word; nil if there is none.
    func token(ofWord word: UnsafeBufferPointer<UInt8>) -> UInt32? {
        var node = PieceTrie.root
        for byte in word {
            guard let child = trie.child(of: node, byte) else { return nil }
            node = child
        }
        return trie.piece(at: node).map { UInt32($0.id) }
    }

    /// The token of the piece that is this one character; nil if there is none.
    func token(ofCharacter scalar: UInt32) -> UInt32? {
        var low = 0
        var high = characters.count / 8
        while low < high {
            let middle = (low + high) / 2
            let found = characters.word(at: 8 &* middle)
            if found == scalar { return characters.word(at: 8 &* middle &+ 4) }
            if found < scalar { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// How many scalars of `text` the longest user-defined piece takes that it begins with.
    func longestUserDefinedPiece(_ text: ArraySlice<Element>) -> Int? {
        var node = PieceTrie.root
        var longest: Int?
        for (count, element) in text.enumerated() {
            guard let scalar = Unicode.Scalar(element.scalar), let bytes = UTF8.encode(scalar) else { break }
            for byte in bytes {
                guard let next = trie.child(of: node, byte) else { return longest }
                node = next
            }
            if let piece = trie.piece(at: node), piece.isUserDefined { longest = count + 1 }
        }
        return longest
    }
}

extension SentencePieceTable {
    private static func fault(_ what: String) -> TokenizerError {
        TokenizerError(
            file: "compiled tokenizer", problem: "\(what) is not in order, the file is damaged: pack the model again")
    }

    private func validate(
        slots: UnsafeRawBufferPointer, results: UnsafeRawBufferPointer
    ) throws(TokenizerError) {
        guard (1...FlatLayout.largestVocabulary).contains(pieceCount), pieceOffsets.count == 4 * (pieceCount + 1),
            offsetsRise
        else { throw SentencePieceTable.fault("the list of its pieces") }
        let ends = rules.startTokens + rules.endTokens + rules.addedTokens.map(\.id)
        guard (ends + [rules.unknown, rules.padding].compactMap { $0 }).allSatisfy({ $0 < pieceCount }) else {
            throw SentencePieceTable.fault("the list of its special tokens")
        }
        let added = rules.addedTokens
        guard added.allSatisfy({ !$0.content.isEmpty }),
            zip(added, added.dropFirst()).allSatisfy({ $0.isBefore($1) })
        else { throw SentencePieceTable.fault("the list of its added tokens") }
        guard results.count % 4 == 0, largest(results, every: 4, from: 0) < pieceCount,
            ranks(of: slots, areBelow: results.count / 4)
        else { throw SentencePieceTable.fault("the table of its merges") }
        guard characters.count % 8 == 0, largest(characters, every: 8, from: 4) < pieceCount,
            byteTokens.isEmpty || byteTokens.count == 4 * 256, byteTokensAreValid
        else { throw SentencePieceTable.fault("the table of its characters") }
        let needsScores = rules.algorithm == .unigram
        guard !rules.searchesPieces || trie.isValid(pieceCount: pieceCount),
            !needsScores || scores.count == 8 * pieceCount
        else { throw SentencePieceTable.fault("the tree of its pieces") }
        guard characterMap.units.count % 4 == 0 else { throw SentencePieceTable.fault("the map of its characters") }
    }

    private var offsetsRise: Bool {
        var previous: UInt32 = 0
        var rises = pieceOffsets.word(at: 0) == 0
        for index in 0...pieceCount {
            let next = pieceOffsets.word(at: 4 &* index)
            rises = rises && next >= previous
            previous = next
        }
        return rises && previous == pieceBytes.count
    }

    private var byteTokensAreValid: Bool {
        stride(from: 0, to: byteTokens.count, by: 4).allSatisfy {
            let token = byteTokens.word(at: $0)
            return token < pieceCount || token == SentencePieceTable.noToken
        }
    }

    private func largest(_ bytes: UnsafeRawBufferPointer, every step: Int, from start: Int) -> Int {
        var largest: UInt32 = 0
        for offset in stride(from: start, to: bytes.count, by: step) { largest = max(largest, bytes.word(at: offset)) }
        return Int(largest)
    }

    private func ranks(of slots: UnsafeRawBufferPointer, areBelow count: Int) -> Bool {
        var areBelow = true
        for offset in stride(from: 0, to: slots.count, by: 8) {
            let slot = UInt64(littleEndian: slots.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            areBelow = areBelow && (slot == MergeTable.empty || slot & MergeTable.rankMask < count)
        }
        return areBelow
    }
}
