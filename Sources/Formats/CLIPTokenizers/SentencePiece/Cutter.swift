extension SentencePieceEncoder {
    /// Cuts words into tokens. What it needs beside the table is found once.
    struct Cutter: Sendable {
        struct Token {
            var id: UInt32
            /// Where in the word it begins.
            var start: Int
        }

        let table: SentencePieceTable
        let rawTokens: AddedTokenFinder
        let normalizedTokens: AddedTokenFinder
        /// The token of a space alone.
        private(set) var spaceToken: Int32?
        /// How many tokens at the start of each part stand for the prefix that is hidden.
        private(set) var hiddenCount = 0
        /// Where in the tree the pieces hang that go on with a word, of WordPiece's.
        let continuationRoot: Int?

        init(_ table: SentencePieceTable) {
            self.table = table
            rawTokens = AddedTokenFinder(table.rules.addedTokens, normalized: false)
            normalizedTokens = AddedTokenFinder(table.rules.addedTokens, normalized: true)
            continuationRoot =
                table.rules.algorithm == .wordPiece
                ? Cutter.continuationRoot(in: table.trie, after: table.rules.continuingPrefix) : nil
            let mark = Array(String(Unicode.Scalar(SentencePieceTable.spaceMark) ?? " ").utf8)
            spaceToken = mark.withUnsafeBufferPointer { cut($0) }.first.map { Int32($0.id) }
            guard table.rules.hidesPrefix else { return }
            var prefix: [SentencePieceTable.Element] = []
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

extension SentencePieceEncoder.Cutter {
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
            if start > 0, !table.rules.continuingPrefix.isEmpty { key |= SentencePieceTable.continues }
            if offset == word.count, !table.rules.endOfWordSuffix.isEmpty { key |= SentencePieceTable.ends }
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
