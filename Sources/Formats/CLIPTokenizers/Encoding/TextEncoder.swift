/// One text on its way to tokens: added tokens are taken out, the rest is cleaned, split into words and encoded.
struct TextEncoder {
    private(set) var ids: [Int32]
    private(set) var wordOffsets: [Int] = []

    private let table: FlatTable
    private let text: UnsafeBufferPointer<UInt8>
    private let splitter: WordSplitter
    private var merger: PairMerger
    private var cleaned = CleanedText()

    /// `text` must be valid UTF-8.
    init(_ table: FlatTable, _ text: UnsafeBufferPointer<UInt8>) {
        self.table = table
        self.text = text
        ids = [Int32(table.layout.startToken)]
        ids.reserveCapacity(text.count / 3 + 8)
        wordOffsets.reserveCapacity(text.count / 3 + 8)
        splitter = WordSplitter(
            knowsNewer: table.layout.cleaning != .transformers, ignoresCase: table.layout.cleaning.form == .whitespace)
        merger = PairMerger(table.merges)
    }

    mutating func encode() {
        if table.layout.cleaning == .transformers {
            encodeBetweenAddedTokens()
        } else {
            OpenAICleaning(table.layout.cleaning.form).clean(text, into: &cleaned)
            let cleaned = cleaned
            cleaned.bytes.withUnsafeBufferPointer { encodeWords($0, 0..<$0.count, cleaned) }
        }
        ids.append(Int32(table.layout.endToken))
    }

    private mutating func encodeBetweenAddedTokens() {
        let finder = AddedTokenFinder(table.addedTokens, normalized: false)
        var offset = 0
        for match in finder.matches(in: text, 0..<text.count) {
            encodePlain(offset..<max(offset, match.range.lowerBound))
            append(match.id, source: match.range.lowerBound)
            offset = match.range.upperBound
        }
        encodePlain(offset..<text.count)
    }

    private mutating func append(_ id: UInt32, source: Int) {
        ids.append(Int32(id))
        wordOffsets.append(source)
    }

    /// Encodes a part of the text in which no added token is that is looked for before the cleaning.
    private mutating func encodePlain(_ range: Range<Int>) {
        if range.isEmpty { return }
        TransformersCleaning().clean(text, range, into: &cleaned)
        let cleaned = cleaned
        cleaned.bytes.withUnsafeBufferPointer { bytes in
            var offset = 0
            for match in AddedTokenFinder(table.addedTokens, normalized: true).matches(in: bytes, 0..<bytes.count) {
                encodeWords(bytes, offset..<max(offset, match.range.lowerBound), cleaned)
                append(match.id, source: cleaned.source(of: match.range.lowerBound))
                offset = match.range.upperBound
            }
            encodeWords(bytes, offset..<bytes.count, cleaned)
        }
    }

    private mutating func encodeWords(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ cleaned: CleanedText
    ) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            if bytes[offset] == 0x20 {
                offset += 1
                continue
            }
            var end = range.upperBound
            if table.literals.mayStart[Int(bytes[offset])],
                let literal = SpecialLiteral(
                    table.literals.spellings, in: bytes, offset..<end,
                    ignoresCase: table.layout.cleaning != .transformers)
            {
                encodeLiteral(literal, bytes, offset, cleaned)
                end = offset + literal.count
            } else {
                end = splitter.endOfWord(in: bytes, from: offset, to: end)
                encodeWord(bytes, offset..<end, cleaned)
            }
            offset = end
        }
    }

    /// A special token that is spelled out in the cleaned text.
    private mutating func encodeLiteral(
        _ literal: SpecialLiteral, _ bytes: UnsafeBufferPointer<UInt8>, _ offset: Int, _ cleaned: CleanedText
    ) {
        let end = offset + literal.count
        if table.layout.cleaning == .transformers {
            // The token itself was found before, if it is one. What case alone makes the same is split by a second
            // pattern, which knows no tokens.
            encodeWord(bytes, offset..<offset + 2, cleaned)
            encodeWord(bytes, offset + 2..<end - 2, cleaned)
            encodeWord(bytes, end - 2..<end, cleaned)
        } else if let token = literal.token {
            append(token, source: cleaned.source(of: offset))
        } else {
            encodeWord(bytes, offset..<end, cleaned)
        }
    }

    private mutating func encodeWord(
        _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ cleaned: CleanedText
    ) {
        let last = range.count - 1
        merger.encode(range.count, into: &ids) { index in
            table.symbol(bytes[range.lowerBound &+ index], endsWord: index == last)
        }
        let source = cleaned.source(of: range.lowerBound)
        while wordOffsets.count < ids.count - 1 { wordOffsets.append(source) }
    }
}
