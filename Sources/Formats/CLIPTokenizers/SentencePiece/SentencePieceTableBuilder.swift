/// Collects a vocabulary of SentencePiece's kind and writes it as the flat form that encoding works on.
struct SentencePieceTableBuilder {
    var rules = SentencePieceRules()
    /// By id; nil where the vocabulary has a hole.
    var pieces: [ArraySlice<UInt8>?] = []
    /// By id; empty without the unigram algorithm.
    var scores: [Double] = []
    /// Ids of pieces that a text is cut into, without merges; user-defined ones are preferred to all others.
    var searched: [(id: Int, isUserDefined: Bool)] = []
    /// In order of rank.
    var merges: [Merge] = []
    /// The token of each byte, `SentencePieceTable.noToken` where there is none.
    var byteTokens: [UInt32] = []
    var characterMap: (units: ArraySlice<UInt8>, texts: ArraySlice<UInt8>)?
    /// What BERT's tokenizers end a text with.
    var separator: UInt32?

    /// - Throws: if the vocabulary is larger than the flat form can hold. `file` names its source.
    func build(file: String) throws(TokenizerError) -> SentencePieceTable {
        guard (1...FlatLayout.largestVocabulary).contains(pieces.count) else {
            throw TokenizerError(
                file: file, problem: "\(pieces.count) pieces, expected 1 to \(FlatLayout.largestVocabulary)")
        }
        let slots = try MergeSlots(merges, file: file)
        var header = FlatWriter()
        var rules = rules
        rules.addedTokens.sort { $0.isBefore($1) }
        rules.write(to: &header)
        for number in [slots.bits, slots.hashAttempt, slots.longestProbe] { header.put(UInt32(number)) }

        var pieceBytes: [UInt8] = []
        var pieceOffsets: [UInt32] = [0]
        pieceOffsets.reserveCapacity(pieces.count + 1)
        for piece in pieces {
            if let piece { pieceBytes += piece }
            pieceOffsets.append(UInt32(truncatingIfNeeded: pieceBytes.count))
        }
        let trie = rules.searchesPieces ? PieceTrieBuilder(searchedPieces) : nil
        var sections = [[UInt8]](repeating: [], count: SentencePieceTable.Section.allCases.count)
        func put(_ section: SentencePieceTable.Section, _ numbers: [some BitwiseCopyable]) {
            sections[section.rawValue] = numbers.withUnsafeBytes(Array.init)
        }
        put(.rules, header.bytes)
        put(.mergeSlots, slots.slots)
        put(.mergeResults, merges.map(\.result))
        put(.characters, rules.algorithm == .bytePair ? characters : [])
        put(.byteTokens, byteTokens)
        put(.trieLabels, trie?.labels ?? [])
        put(.trieChildren, trie?.children ?? [])
        put(.trieValues, trie?.values ?? [])
        put(.scores, scores)
        put(.pieceOffsets, pieceOffsets)
        put(.pieceBytes, pieceBytes)
        put(.mapUnits, characterMap.map { Array($0.units) } ?? [])
        put(.mapTexts, characterMap.map { Array($0.texts) } ?? [])
        let memory = FlatSections.write(sections, magic: SentencePieceTable.magic, version: rules.version)
        return try SentencePieceTable(UnsafeRawBufferPointer(memory.mutableBytes), owner: memory)
    }

    private var searchedPieces: [(bytes: ArraySlice<UInt8>, id: UInt32, isUserDefined: Bool)] {
        searched.compactMap { id, isUserDefined in pieces[id].map { ($0, UInt32(id), isUserDefined) } }
    }

    /// Scalar and token of the pieces of one character, prefix and suffix aside.
    private var characters: [UInt32] {
        var found: [(key: UInt32, id: UInt32)] = []
        let (prefix, suffix) = (rules.continuingPrefix, rules.endOfWordSuffix)
        for (id, piece) in pieces.enumerated() {
            guard let piece else { continue }
            for (continues, ends) in [(false, false), (true, false), (false, true), (true, true)] {
                guard !continues || !prefix.isEmpty && piece.starts(with: prefix),
                    !ends || !suffix.isEmpty && piece.suffix(suffix.count).elementsEqual(suffix)
                else { continue }
                let rest = piece.dropFirst(continues ? prefix.count : 0).dropLast(ends ? suffix.count : 0)
                guard let lead = rest.first, rest.count <= 4, rest.count == UTF8.width(leading: lead) else { continue }
                let scalars = String(decoding: rest, as: UTF8.self).unicodeScalars
                guard scalars.count == 1, let scalar = scalars.first else { continue }
                let marks =
                    (continues ? SentencePieceTable.continues : 0) | (ends ? SentencePieceTable.ends : 0)
                found.append((scalar.value | marks, UInt32(id)))
            }
        }
        return found.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.id] }
    }
}

extension UTF8 {
    /// The number of bytes of a character that begins with `lead`; 0 for a byte that begins none.
    fileprivate static func width(leading lead: UInt8) -> Int {
        switch lead {
        case 0..<0x80: 1
        case 0xC0..<0xE0: 2
        case 0xE0..<0xF0: 3
        case 0xF0..<0xF8: 4
        default: 0
        }
    }
}
