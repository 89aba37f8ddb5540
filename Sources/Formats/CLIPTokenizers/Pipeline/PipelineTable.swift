internal import CLIPSystem

/// The tables of a `PipelineTokenizer` in one piece of memory, validated, kept alive by its owner.
final class PipelineTable: @unchecked Sendable {
    static let magic: UInt32 = 0x5450_5343
    static let version: UInt32 = 2
    /// What a number of `characters` says beside the scalar: that the piece goes on with a word, that it ends one.
    static let continues: UInt32 = 1 << 21
    static let ends: UInt32 = 1 << 22

    /// The sections, in the order in which they lie.
    enum Section: Int, CaseIterable {
        /// What `PipelineRules` writes, then the numbers of the merges' hash table.
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
    let rules: PipelineRules
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
    init(_ bytes: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(CLIPError) {
        let version: UInt32 = bytes.count >= 8 && bytes.word(at: 4) == 1 ? 1 : PipelineTable.version
        let sections = try FlatSections(
            bytes, magic: PipelineTable.magic, version: version, count: Section.allCases.count)
        func section(_ section: Section) -> UnsafeRawBufferPointer { sections[section.rawValue] }
        var reader = FlatReader(section(.rules))
        rules = try PipelineRules(reading: &reader, version: version)
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
        guard MergeTable.slotBits.contains(slotBits), slots.count == 8 << slotBits, longestProbe < 1 << slotBits,
            hashAttempt < MergeHash.attempts, let slotsStart = slots.baseAddress, let resultsStart = results.baseAddress
        else { throw PipelineTable.fault("the hash table of its merges") }
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
        return token == PipelineTable.noToken ? nil : token
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

extension PipelineTable {
    private static func fault(_ what: String) -> CLIPError {
        CLIPError(
            .model, path: "compiled tokenizer", "\(what) is not in order, the file is damaged: pack the model again")
    }

    private func validate(
        slots: UnsafeRawBufferPointer, results: UnsafeRawBufferPointer
    ) throws(CLIPError) {
        guard (1...MergeTable.largestVocabulary).contains(pieceCount), pieceOffsets.count == 4 * (pieceCount + 1),
            pieceOffsets[...].wordsRise(to: pieceBytes.count)
        else { throw PipelineTable.fault("the list of its pieces") }
        let ends = rules.startTokens + rules.endTokens + rules.addedTokens.map(\.id)
        guard (ends + [rules.unknown, rules.padding].compactMap { $0 }).allSatisfy({ $0 < pieceCount }) else {
            throw PipelineTable.fault("the list of its special tokens")
        }
        let added = rules.addedTokens
        guard added.allSatisfy({ !$0.content.isEmpty }),
            zip(added, added.dropFirst()).allSatisfy({ $0.isBefore($1) })
        else { throw PipelineTable.fault("the list of its added tokens") }
        guard results.count % 4 == 0, results[...].largestWord() < pieceCount,
            MergeTable.ranks(of: slots[...], areBelow: results.count / 4)
        else { throw PipelineTable.fault("the table of its merges") }
        guard characters.count % 8 == 0, characters[...].largestWord(every: 8, from: 4) < pieceCount,
            byteTokens.isEmpty || byteTokens.count == 4 * 256, byteTokensAreValid
        else { throw PipelineTable.fault("the table of its characters") }
        let needsScores = rules.algorithm == .unigram
        guard !rules.searchesPieces || trie.isValid(pieceCount: pieceCount),
            !needsScores || scores.count == 8 * pieceCount
        else { throw PipelineTable.fault("the tree of its pieces") }
        guard characterMap.units.count % 4 == 0 else { throw PipelineTable.fault("the map of its characters") }
    }

    private var byteTokensAreValid: Bool {
        stride(from: 0, to: byteTokens.count, by: 4).allSatisfy {
            let token = byteTokens.word(at: $0)
            return token < pieceCount || token == PipelineTable.noToken
        }
    }
}

/// Collects a vocabulary of any kind and writes it as the flat form that encoding works on.
struct PipelineTableBuilder {
    var rules = PipelineRules()
    var pieces = PieceList()
    /// By id; empty without the unigram algorithm.
    var scores: [Double] = []
    /// Ids of pieces that a text is cut into, without merges; user-defined ones are preferred to all others.
    var searched: [(id: Int, isUserDefined: Bool)] = []
    /// In order of rank.
    var merges: [Merge] = []
    /// The token of each byte, `PipelineTable.noToken` where there is none.
    var byteTokens: [UInt32] = []
    var characterMap: (units: ArraySlice<UInt8>, texts: ArraySlice<UInt8>)?
    /// What BERT's tokenizers end a text with.
    var separator: UInt32?

    /// - Throws: if the vocabulary is larger than the flat form can hold. `file` names its source.
    func build(file: String) throws(CLIPError) -> PipelineTable {
        guard (1...MergeTable.largestVocabulary).contains(pieces.count) else {
            throw CLIPError(.model, path: file, "\(pieces.count) pieces, expected 1 to \(MergeTable.largestVocabulary)")
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
        pieceBytes.reserveCapacity(pieces.bytes.count)
        for id in 0..<pieces.count {
            if let piece = pieces[id] { pieceBytes += piece }
            pieceOffsets.append(UInt32(truncatingIfNeeded: pieceBytes.count))
        }
        let trie = rules.searchesPieces ? PieceTrieBuilder(pieces, searched) : nil
        var sections = [FlatSections.Content](repeating: .init([UInt8]()), count: PipelineTable.Section.allCases.count)
        typealias Section = PipelineTable.Section
        func put(_ section: Section, _ numbers: [some BitwiseCopyable]) {
            sections[section.rawValue] = FlatSections.Content(numbers)
        }
        put(.rules, header.bytes)
        put(.mergeSlots, slots.slots)
        put(.mergeResults, merges.map(\.result))
        put(.characters, rules.algorithm == .bytePair ? characters : [])
        put(.byteTokens, byteTokens)
        if let trie {
            sections[Section.trieLabels.rawValue] = FlatSections.Content(zeros: trie.nodeCount)
            sections[Section.trieChildren.rawValue] = FlatSections.Content(zeros: 4 * (trie.nodeCount + 1))
            sections[Section.trieValues.rawValue] = FlatSections.Content(zeros: 4 * trie.nodeCount)
        }
        put(.scores, scores)
        put(.pieceOffsets, pieceOffsets)
        put(.pieceBytes, pieceBytes)
        put(.mapUnits, characterMap.map { Array($0.units) } ?? [])
        put(.mapTexts, characterMap.map { Array($0.texts) } ?? [])
        let (memory, places) = FlatSections.write(sections, magic: PipelineTable.magic, version: rules.version)
        trie?.write(
            labels: places[Section.trieLabels.rawValue], children: places[Section.trieChildren.rawValue],
            values: places[Section.trieValues.rawValue])
        return try PipelineTable(UnsafeRawBufferPointer(memory.mutableBytes), owner: memory)
    }

    /// Scalar and token of the pieces of one character, prefix and suffix aside.
    private var characters: [UInt32] {
        var found: [(key: UInt32, id: UInt32)] = []
        let (prefix, suffix) = (rules.continuingPrefix, rules.endOfWordSuffix)
        for id in 0..<pieces.count {
            guard let piece = pieces[id] else { continue }
            for (continues, ends) in [(false, false), (true, false), (false, true), (true, true)] {
                guard !continues || !prefix.isEmpty && piece.starts(with: prefix),
                    !ends || !suffix.isEmpty && piece.suffix(suffix.count).elementsEqual(suffix)
                else { continue }
                let rest = piece.dropFirst(continues ? prefix.count : 0).dropLast(ends ? suffix.count : 0)
                guard let lead = rest.first, rest.count <= 4, rest.count == UTF8.width(leading: lead) else { continue }
                let scalars = String(decoding: rest, as: UTF8.self).unicodeScalars
                guard scalars.count == 1, let scalar = scalars.first else { continue }
                let marks =
                    (continues ? PipelineTable.continues : 0) | (ends ? PipelineTable.ends : 0)
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

/// The pieces as a tree of bytes in flat memory, level by level: the children of a node stand together, in order of
/// their bytes.
struct PieceTrie {
    static let root = 0

    /// The byte that leads to each node.
    let labels: UnsafeRawBufferPointer
    /// The first child of each node, u32 each; one more, so that the children of a node end where the next one's begin.
    let children: UnsafeRawBufferPointer
    /// The piece that ends at each node, u32 each: twice its id + 1, or with one more if it is user-defined; 0 for none.
    let values: UnsafeRawBufferPointer

    var nodeCount: Int { labels.count }

    /// The node that `byte` leads to.
    @inline(__always)
    func child(of node: Int, _ byte: UInt8) -> Int? {
        var low = Int(children.word(at: 4 &* node))
        let end = Int(children.word(at: 4 &* node &+ 4))
        var high = end
        while low < high {
            let middle = (low &+ high) &>> 1
            if labels[middle] < byte { low = middle &+ 1 } else { high = middle }
        }
        return low < end && labels[low] == byte ? low : nil
    }

    /// The piece that ends at `node`.
    @inline(__always)
    func piece(at node: Int) -> (id: Int, isUserDefined: Bool)? {
        let value = values.word(at: 4 &* node)
        return value == 0 ? nil : (Int(value >> 1) &- 1, value & 1 == 1)
    }

    /// Whether no number leads out of its table.
    func isValid(pieceCount: Int) -> Bool {
        let count = nodeCount
        guard count > 0, children.count == 4 * (count + 1), values.count == 4 * count else { return false }
        var previous: UInt32 = 0
        var isValid = true
        for node in 0...count {
            let first = children.word(at: 4 &* node)
            isValid = isValid && first >= previous
            previous = first
        }
        for node in 0..<count { isValid = isValid && values.word(at: 4 &* node) >> 1 <= pieceCount }
        return isValid && previous <= count
    }
}

/// Puts pieces into the tree's order, and writes it.
private struct PieceTrieBuilder {
    /// A piece, in order the more of whose bytes the one before it has.
    private struct Entry {
        /// The first eight bytes, the first of them the highest: most comparisons need no more.
        var beginning: UInt64
        /// Where its bytes are.
        var start: UInt32
        var count: UInt32
        /// As the tree keeps it, which rises with the id.
        var value: UInt32
    }

    private var entries: [Entry] = []
    /// The pieces in their order, so that they are read from one end to the other.
    private var bytes: [UInt8] = []
    /// How many nodes each depth has.
    private var counts = [1]

    var nodeCount: Int { counts.reduce(0, +) }

    /// - Parameter searched: of two that are equal the last counts.
    init(_ pieces: PieceList, _ searched: [(id: Int, isUserDefined: Bool)]) {
        entries.reserveCapacity(searched.count)
        pieces.bytes.withUnsafeBufferPointer { bytes in
            for piece in searched {
                guard let range = pieces.range(piece.id), !range.isEmpty else { continue }
                var beginning: UInt64 = 0
                for place in 0..<min(range.count, 8) {
                    beginning |= UInt64(bytes[range.lowerBound + place]) << (56 - 8 * UInt64(place))
                }
                entries.append(
                    Entry(
                        beginning: beginning, start: UInt32(truncatingIfNeeded: range.lowerBound),
                        count: UInt32(truncatingIfNeeded: range.count),
                        value: (UInt32(piece.id) + 1) << 1 | (piece.isUserDefined ? 1 : 0)))
            }
            PieceTrieBuilder.sort(&entries, bytes)
            putInOrder(bytes)
        }
        count()
    }

    /// By the first eight bytes, eleven bits after another from the last on (Knuth, 5.2.5), then those of the same beginning.
    private static func sort(_ entries: inout [Entry], _ bytes: UnsafeBufferPointer<UInt8>) {
        var (source, target) = (entries, entries)
        var starts = [Int](repeating: 0, count: 1 << 11 + 1)
        for shift in stride(from: UInt64(0), to: 64, by: 11) {
            for value in starts.indices { starts[value] = 0 }
            source.withUnsafeBufferPointer { source in
                target.withUnsafeMutableBufferPointer { target in
                    starts.withUnsafeMutableBufferPointer { starts in
                        for entry in source { starts[Int(entry.beginning >> shift & 0x7FF) + 1] += 1 }
                        for value in 1..<starts.count { starts[value] += starts[value - 1] }
                        for entry in source {
                            let value = Int(entry.beginning >> shift & 0x7FF)
                            target[starts[value]] = entry
                            starts[value] += 1
                        }
                    }
                }
            }
            swap(&source, &target)
        }
        var start = 0
        while start < source.count {
            var end = start + 1
            while end < source.count, source[end].beginning == source[start].beginning { end += 1 }
            if end > start + 1 { source[start..<end].sort { precedes($0, $1, bytes) } }
            start = end
        }
        entries = source
    }

    /// Of two with the same beginning.
    private static func precedes(_ a: Entry, _ b: Entry, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        for place in UInt32(8)..<max(8, min(a.count, b.count)) {
            let (first, second) = (bytes[Int(a.start + place)], bytes[Int(b.start + place)])
            if first != second { return first < second }
        }
        return (a.count, a.value) < (b.count, b.value)
    }

    private mutating func putInOrder(_ source: UnsafeBufferPointer<UInt8>) {
        bytes.reserveCapacity(source.count)
        for index in entries.indices {
            let (start, count) = (Int(entries[index].start), Int(entries[index].count))
            entries[index].start = UInt32(truncatingIfNeeded: bytes.count)
            bytes.append(contentsOf: source[start..<start + count])
        }
    }

    /// How many bytes the entry at `index` shares with the one before it.
    @inline(__always)
    private func shared(_ index: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        guard index > 0 else { return 0 }
        let (a, b) = (entries[index - 1], entries[index])
        let limit = Int(min(a.count, b.count))
        var depth = min(limit, (a.beginning ^ b.beginning).leadingZeroBitCount / 8)
        if depth < 8 { return depth }
        while depth < limit, bytes[Int(a.start) + depth] == bytes[Int(b.start) + depth] { depth += 1 }
        return depth
    }

    /// Of neighbours the second adds the nodes of its bytes that the first doesn't have.
    private mutating func count() {
        counts += [Int](repeating: 0, count: Int(entries.map(\.count).max() ?? 0))
        bytes.withUnsafeBufferPointer { bytes in
            for index in entries.indices {
                for depth in shared(index, bytes)..<Int(entries[index].count) { counts[depth + 1] += 1 }
            }
        }
    }

    /// Each depth's nodes come in their order, so that how many there are of each says where the next one stands.
    /// - Parameters:
    ///   - labels, children, values: zeros for as many nodes as there are, and for one more of the children.
    func write(
        labels: UnsafeMutableRawBufferPointer, children: UnsafeMutableRawBufferPointer,
        values: UnsafeMutableRawBufferPointer
    ) {
        var next: [Int] = []
        var total = 0
        for count in counts + [0] {
            next.append(total)
            total += count
        }
        next[0] = 1
        children.setWord(1, at: 0)
        children.setWord(UInt32(truncatingIfNeeded: total), at: 4 * total)
        bytes.withUnsafeBufferPointer { bytes in
            next.withUnsafeMutableBufferPointer { next in
                for index in entries.indices {
                    let (start, count) = (Int(entries[index].start), Int(entries[index].count))
                    for depth in shared(index, bytes)..<count {
                        let node = next[depth + 1]
                        next[depth + 1] = node + 1
                        labels[node] = bytes[start + depth]
                        children.setWord(UInt32(truncatingIfNeeded: next[depth + 2]), at: 4 * node)
                    }
                    values.setWord(entries[index].value, at: 4 * (next[count] - 1))
                }
            }
        }
    }
}

/// The normalisation rules of a SentencePiece model (`precompiled_charsmap`): a double-array trie (Aoe, 1989) from
/// characters to the texts in their place.
///
/// Nothing in it is trusted: every step of a search stays in the table, and what it finds is decoded as it is.
struct CharacterMap {
    /// The trie's units, u32 each.
    let units: UnsafeRawBufferPointer
    /// The texts, each with a zero after it.
    let texts: UnsafeRawBufferPointer

    var isEmpty: Bool { units.isEmpty }

    /// The text in place of the longest start of `text` that has one, and the number of scalars that it replaces.
    func longestPrefix(of text: ArraySlice<CanonicalComposition.Element>) -> (scalars: [UInt32], count: Int)? {
        search(text, takesFirst: false).map { (scalars(at: $0.value), $0.count) }
    }

    /// The text in place of the shortest start of `text` that has one.
    func shortestPrefix(of text: ArraySlice<CanonicalComposition.Element>) -> [UInt32]? {
        search(text, takesFirst: true).map { scalars(at: $0.value) }
    }

    private func search(
        _ text: ArraySlice<CanonicalComposition.Element>, takesFirst: Bool
    ) -> (value: Int, count: Int)? {
        guard let root = unit(0) else { return nil }
        var found: (value: Int, count: Int)?
        var position = offset(root)
        for (count, element) in text.enumerated() {
            guard let scalar = Unicode.Scalar(element.scalar), let bytes = UTF8.encode(scalar) else { return found }
            for byte in bytes {
                position ^= Int(byte)
                guard let unit = unit(position), unit & (1 << 31 | 0xFF) == UInt32(byte) else { return found }
                position ^= offset(unit)
                guard unit >> 8 & 1 == 1, let leaf = self.unit(position) else { continue }
                found = (Int(leaf & (1 << 31 - 1)), count + 1)
                if takesFirst { return found }
            }
        }
        return found
    }

    private func unit(_ index: Int) -> UInt32? {
        index < units.count / 4 ? units.word(at: 4 * index) : nil
    }

    private func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }

    private func scalars(at start: Int) -> [UInt32] {
        guard start < texts.count else { return [] }
        let text = texts[start...].prefix { $0 != 0 }
        return String(decoding: text, as: UTF8.self).unicodeScalars.map(\.value)
    }
}

extension CharacterMap {
    /// The two parts of a map as models keep it: the size of the trie, the trie, the texts.
    static func split(_ blob: ArraySlice<UInt8>) -> (units: ArraySlice<UInt8>, texts: ArraySlice<UInt8>)? {
        guard blob.count > 4 else { return nil }
        let size = blob.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard size % 4 == 0, size < blob.count - 4 else { return nil }
        return (blob.dropFirst(4).prefix(size), blob.dropFirst(4 + size))
    }
}
