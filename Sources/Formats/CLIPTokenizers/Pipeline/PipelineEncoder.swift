/// One text on its way to tokens: added tokens are taken out, the rest is normalised, split into words and encoded.
struct PipelineEncoder {
    typealias Element = PipelineTable.Element

    /// Without those of start and end.
    private(set) var ids: [Int32] = []
    /// For each of them, where in the text its word begins.
    private(set) var wordOffsets: [Int] = []

    private let cutter: Cutter
    private let table: PipelineTable
    private let text: UnsafeBufferPointer<UInt8>
    /// Where the text begins that is left after the first steps.
    private var firstOffset = 0

    /// `text` must be valid UTF-8.
    init(_ cutter: Cutter, _ text: UnsafeBufferPointer<UInt8>) {
        self.cutter = cutter
        table = cutter.table
        self.text = text
    }

    mutating func encode() {
        var elements = text.elements()
        for step in table.rules.textSteps { table.apply(step, to: &elements) }
        firstOffset = elements.first?.offset ?? 0
        forEachPart(of: elements, normalized: false) { encoder, part in encoder.encodePart(part) }
        if table.rules.endsOnce, let last = ids.last, last == table.rules.endTokens.last.map(Int32.init) {
            ids.removeLast()
            wordOffsets.removeLast()
        }
    }

    /// Calls `body` for what lies between added tokens, and appends those.
    private mutating func forEachPart(
        of elements: [Element], normalized: Bool, _ body: (inout PipelineEncoder, [Element]) -> Void
    ) {
        let finder = normalized ? cutter.normalizedTokens : cutter.rawTokens
        guard !finder.isEmpty else { return elements.isEmpty ? () : body(&self, elements) }
        var bytes = CleanedText()
        var starts: [Int] = []
        bytes.reset(source: 0)
        for element in elements {
            starts.append(bytes.bytes.count)
            bytes.append(element.scalar, source: element.offset)
        }
        let matches = bytes.bytes.withUnsafeBufferPointer { finder.matches(in: $0, 0..<$0.count) }
        guard !matches.isEmpty else { return elements.isEmpty ? () : body(&self, elements) }

        var next = 0
        for match in matches {
            let start = starts.partitioningIndex { $0 >= match.range.lowerBound }
            if next < start { body(&self, Array(elements[next..<start])) }
            append(match.id, source: elements[start].offset)
            next = starts.partitioningIndex { $0 >= match.range.upperBound }
        }
        if next < elements.count { body(&self, Array(elements[next...])) }
    }

    private mutating func append(_ id: UInt32, source: Int) {
        // A space that was put in front of a token alone.
        if table.rules.hidesPrefix, ids.count == 1, ids[0] == cutter.spaceToken {
            ids.removeAll()
            wordOffsets.removeAll()
        }
        ids.append(Int32(id))
        wordOffsets.append(source)
    }

    /// A part of the text in which no added token is that is looked for before it is normalised.
    private mutating func encodePart(_ part: [Element]) {
        var part = part
        for step in table.rules.partSteps { table.apply(step, to: &part) }
        let count = ids.count
        forEachPart(of: part, normalized: true) { encoder, plain in
            for word in encoder.table.words(of: plain, firstOffset: encoder.firstOffset) { encoder.encodeWord(word) }
        }
        if table.rules.hidesPrefix {
            let hidden = min(cutter.hiddenCount, ids.count - count)
            if hidden == cutter.hiddenCount {
                ids.removeSubrange(count..<count + hidden)
                wordOffsets.removeSubrange(count..<count + hidden)
            }
        }
    }

    private mutating func encodeWord(_ word: ArraySlice<Element>) {
        var bytes = CleanedText()
        bytes.reset(source: 0)
        for element in word { bytes.append(element.scalar, source: element.offset) }
        let cleaned = bytes
        cleaned.bytes.withUnsafeBufferPointer { buffer in
            var wordStart = 0
            for token in cutter.cut(buffer) {
                if buffer.hasSpaceMark(at: token.start) { wordStart = token.start }
                ids.append(Int32(token.id))
                wordOffsets.append(cleaned.source(of: wordStart))
            }
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    fileprivate func hasSpaceMark(at start: Int) -> Bool {
        start + 2 < count && self[start] == 0xE2 && self[start + 1] == 0x96 && self[start + 2] == 0x81
    }
}

extension PipelineEncoder {
    /// Cuts words into tokens. What it needs beside the table is found once.
    struct Cutter: Sendable {
        struct Token {
            var id: UInt32
            /// Where in the word it begins.
            var start: Int
        }

        let table: PipelineTable
        let rawTokens: AddedTokenFinder
        let normalizedTokens: AddedTokenFinder
        /// The token of a space alone.
        private(set) var spaceToken: Int32?
        /// How many tokens at the start of each part stand for the prefix that is hidden.
        private(set) var hiddenCount = 0
        /// Where in the tree the pieces hang that go on with a word, of WordPiece's.
        let continuationRoot: Int?

        init(_ table: PipelineTable) {
            self.table = table
            rawTokens = AddedTokenFinder(table.rules.addedTokens, normalized: false)
            normalizedTokens = AddedTokenFinder(table.rules.addedTokens, normalized: true)
            continuationRoot =
                table.rules.algorithm == .wordPiece
                ? Cutter.continuationRoot(in: table.trie, after: table.rules.continuingPrefix) : nil
            let mark = Array(String(Unicode.Scalar(PipelineTable.spaceMark) ?? " ").utf8)
            spaceToken = mark.withUnsafeBufferPointer { cut($0) }.first.map { Int32($0.id) }
            guard table.rules.hidesPrefix else { return }
            var prefix: [PipelineTable.Element] = []
            for step in table.rules.partSteps {
                if case .prepend(let scalars) = step { prefix = scalars.map { .init(scalar: $0, offset: 0) } }
                if case .sentencePiece = step { table.apply(step, to: &prefix) }
            }
            var bytes = CleanedText()
            bytes.reset(source: 0)
            for element in prefix { bytes.append(element.scalar, source: 0) }
            hiddenCount = bytes.bytes.withUnsafeBufferPointer { cut($0) }.count
        }

        /// The tokens of a word, valid UTF-8.
        func cut(_ word: UnsafeBufferPointer<UInt8>) -> [Token] {
            switch table.rules.algorithm {
            case .unigram: cutByScores(word)
            case .bytePair:
                if table.rules.takesWholeWords, let id = table.token(ofWord: word) {
                    [Token(id: id, start: 0)]
                } else {
                    cutByMerges(word)
                }
            case .wordPiece: cutByLength(word)
            case .wordLevel: (table.token(ofWord: word) ?? table.rules.unknown).map { [Token(id: $0, start: 0)] } ?? []
            }
        }
    }
}

extension PipelineEncoder.Cutter {
    /// What a piece that isn't there costs, beyond the worst that is.
    private static let unknownPenalty = 10.0

    /// The best way to reach an offset in the word.
    private struct Arrival {
        var score = 0.0
        /// Where its last piece begins; less than 0 if there is no way yet.
        var start = -1
        /// Less than 0 for a character that has no piece.
        var id = -1
    }

    /// Viterbi's algorithm: offset by offset the best way to get there.
    private func cutByScores(_ word: UnsafeBufferPointer<UInt8>) -> [Token] {
        let rules = table.rules
        let unknownScore = rounded(rules.lowestScore - Self.unknownPenalty)
        var arrivals = [Arrival](repeating: Arrival(), count: word.count + 1)
        var start = 0
        while start < word.count {
            var next = start
            _ = word.scalar(at: &next)
            let score = arrivals[start].score
            var isKnown = false
            var node = PieceTrie.root
            var end = start
            while end < word.count, let child = table.trie.child(of: node, word[end]) {
                node = child
                end += 1
                guard let piece = table.trie.piece(at: node) else { continue }
                let own =
                    piece.isUserDefined
                    ? rounded(Double(end - start) * rules.highestScore) - 0.1 : table.score(piece.id)
                improve(&arrivals[end], by: own + score, start: start, id: piece.id)
                if end == next { isKnown = true }
            }
            if !isKnown { improve(&arrivals[next], by: unknownScore + score, start: start, id: -1) }
            start = next
        }
        return tokens(along: arrivals, of: word)
    }

    @inline(__always)
    private func improve(_ arrival: inout Arrival, by score: Double, start: Int, id: Int) {
        // Rounded before it is compared: of two ways that are as good the first stays.
        let score = rounded(score)
        if arrival.start < 0 || score > arrival.score { arrival = Arrival(score: score, start: start, id: id) }
    }

    @inline(__always)
    private func rounded(_ score: Double) -> Double { table.rules.roundsScores ? Double(Float(score)) : score }

    private func tokens(along arrivals: [Arrival], of word: UnsafeBufferPointer<UInt8>) -> [Token] {
        var path: [(id: Int, range: Range<Int>)] = []
        var end = word.count
        while end > 0 {
            let arrival = arrivals[end]
            guard arrival.start >= 0 else { break }
            path.append((arrival.id, arrival.start..<end))
            end = arrival.start
        }
        var unknown = UnknownRun()
        var tokens: [Token] = []
        tokens.reserveCapacity(path.count)
        for (id, range) in path.reversed() {
            if id < 0 {
                appendUnknown(word, range, &unknown, to: &tokens)
            } else {
                unknown.end(&tokens)
                tokens.append(Token(id: UInt32(id), start: range.lowerBound))
            }
        }
        unknown.end(&tokens)
        return tokens
    }

    private func cutByMerges(_ word: UnsafeBufferPointer<UInt8>) -> [Token] {
        var symbols: [Token] = []
        symbols.reserveCapacity(word.count)
        var unknown = UnknownRun()
        var offset = 0
        while offset < word.count {
            let start = offset
            var key = word.scalar(at: &offset)
            if start > 0, !table.rules.continuingPrefix.isEmpty { key |= PipelineTable.continues }
            if offset == word.count, !table.rules.endOfWordSuffix.isEmpty { key |= PipelineTable.ends }
            if let id = table.token(ofCharacter: key) {
                unknown.end(&symbols)
                symbols.append(Token(id: id, start: start))
            } else {
                appendUnknown(word, start..<offset, &unknown, to: &symbols)
            }
        }
        unknown.end(&symbols)
        guard !symbols.isEmpty else { return [] }
        var ids: [Int32] = []
        var merger = PairMerger(table.merges)
        merger.encode(symbols.count, into: &ids) { symbols[$0].id }
        return placed(ids, symbols, count: word.count)
    }

    /// Each merged token with where it begins. A merge makes one token of two, so that the bytes of its piece tell.
    private func placed(_ ids: [Int32], _ symbols: [Token], count: Int) -> [Token] {
        var tokens: [Token] = []
        tokens.reserveCapacity(ids.count)
        var symbol = 0
        for id in ids {
            guard symbol < symbols.count else { break }
            let start = symbols[symbol].start
            tokens.append(Token(id: UInt32(id), start: start))
            if symbols[symbol].id == UInt32(id) {
                symbol += 1
            } else {
                let end = start + table.piece(Int(id)).count - (start > 0 ? table.rules.continuingPrefix.count : 0)
                repeat { symbol += 1 } while symbol < symbols.count && symbols[symbol].start < end
            }
        }
        return tokens
    }

    /// Characters in a row that have no piece.
    private struct UnknownRun {
        var token: Token?

        /// Appends what stands for them.
        mutating func end(_ tokens: inout [Token]) {
            if let token { tokens.append(token) }
            token = nil
        }
    }

    /// A character that has no piece: its bytes if they all have tokens, else the unknown token.
    private func appendUnknown(
        _ word: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ unknown: inout UnknownRun, to tokens: inout [Token]
    ) {
        var spelled = Array(word[range])
        if range.lowerBound > 0 { spelled = table.rules.continuingPrefix + spelled }
        if range.upperBound == word.count { spelled += table.rules.endOfWordSuffix }
        let bytes = spelled.compactMap(table.token(ofByte:))
        if bytes.count == spelled.count {
            tokens += bytes.enumerated().map { Token(id: $1, start: min(range.lowerBound + $0, range.upperBound - 1)) }
        } else if let id = table.rules.unknown {
            if unknown.token == nil || !table.rules.fusesUnknown {
                unknown.end(&tokens)
                unknown.token = Token(id: id, start: range.lowerBound)
            }
        }
    }
}

extension PipelineEncoder.Cutter {
    /// From the start the longest piece, then the longest that goes on, and so forth; a word that can't be cut so to its
    /// end is unknown as a whole (WordPiece; Wu et al., 2016).
    func cutByLength(_ word: UnsafeBufferPointer<UInt8>) -> [Token] {
        let unknown = [Token(id: table.rules.unknown ?? 0, start: 0)]
        guard word.reduce(0, { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }) <= table.rules.longestWord else { return unknown }
        var tokens: [Token] = []
        var start = 0
        while start < word.count {
            guard var node = start == 0 ? PieceTrie.root : continuationRoot else { return unknown }
            var longest: (id: Int, end: Int)?
            var end = start
            while end < word.count, let child = table.trie.child(of: node, word[end]) {
                node = child
                end += 1
                if let piece = table.trie.piece(at: node) { longest = (piece.id, end) }
            }
            guard let longest else { return unknown }
            tokens.append(Token(id: UInt32(longest.id), start: start))
            start = longest.end
        }
        return tokens
    }

    /// Where in the tree the pieces hang that go on with a word.
    static func continuationRoot(in trie: PieceTrie, after prefix: [UInt8]) -> Int? {
        var node = PieceTrie.root
        for byte in prefix {
            guard let child = trie.child(of: node, byte) else { return nil }
            node = child
        }
        return node
    }
}
