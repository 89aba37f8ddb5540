/// One text on its way to tokens: added tokens are taken out, the rest is cleaned, split into words and encoded.
struct BytePairEncoder {
    private(set) var ids: [Int32]
    private(set) var wordOffsets: [Int] = []

    private let table: BytePairTable
    private let text: UnsafeBufferPointer<UInt8>
    private let splitter: WordSplitter
    private var merger: PairMerger
    private var cleaned = CleanedText()

    /// `text` must be valid UTF-8.
    init(_ table: BytePairTable, _ text: UnsafeBufferPointer<UInt8>) {
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

/// Splits cleaned text into the words that are encoded one by one: contractions ('s 't 're 've 'm 'll 'd), runs of
/// letters, single numbers, runs of anything else that is no white space.
private struct WordSplitter {
    /// Whether letters and numbers that Unicode got lately are such.
    let knowsNewer: Bool
    /// Whether contractions may be in capitals.
    let ignoresCase: Bool
    private let classes = ScalarClasses()

    init(knowsNewer: Bool, ignoresCase: Bool = false) {
        self.knowsNewer = knowsNewer
        self.ignoresCase = ignoresCase
    }

    @inline(__always)
    func kind(of scalar: UInt32) -> ScalarClass.Kind { classes[scalar].kind(knowsNewer: knowsNewer) }

    /// The end of the word that starts at `start`, which must not be white space.
    @inline(__always)
    func endOfWord(in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int {
        if let length = contraction(in: text, from: start, to: end) { return start + length }
        var offset = start
        let first = kind(of: text.scalar(at: &offset))
        if first == .number { return offset }
        while offset < end {
            var next = offset
            if kind(of: text.scalar(at: &next)) != first { break }
            offset = next
        }
        return offset
    }

    /// The length of the contraction that starts here.
    private func contraction(in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int? {
        guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
        // Of bytes of ASCII letters alone this makes others that count.
        let mask: UInt8 = ignoresCase ? 0x20 : 0
        func letter(_ offset: Int) -> UInt8 { text[offset] < 0x80 ? text[offset] | mask : text[offset] }
        switch letter(start + 1) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"):
            return start + 2 < end && letter(start + 2) == UInt8(ascii: "e") ? 3 : nil
        case UInt8(ascii: "l"): return start + 2 < end && letter(start + 2) == UInt8(ascii: "l") ? 3 : nil
        // The long s is a small letter already, and an s to a pattern that ignores case.
        case 0xC5: return knowsNewer && start + 2 < end && text[start + 2] == 0xBF ? 3 : nil
        default: return nil
        }
    }
}

/// The start or end token, or one that open_clip has beside them, spelled out in cleaned text: the reference's pattern
/// takes it for one word.
struct SpecialLiteral: Sendable {
    /// In bytes.
    let count: Int
    /// Nil if case differs, or a long s stands for an s: the pattern ignores case, the vocabulary doesn't.
    let token: UInt32?

    /// A token and how texts spell it.
    struct Spelling: Sendable {
        var bytes: [UInt8]
        var token: UInt32
    }

    /// Those that a tokenizer knows, in the order in which its pattern tries them.
    static func spellings(_ layout: BytePairLayout, _ addedTokens: [AddedToken]) -> [Spelling] {
        let isOpenCLIP = layout.cleaning != .transformers && layout.cleaning != .openAI
        let names = isOpenCLIP ? ["<start_of_text>", "<end_of_text>"] : ["<|startoftext|>", "<|endoftext|>"]
        let own = zip(names, [layout.startToken, layout.endToken]).map { Spelling(bytes: Array($0.utf8), token: $1) }
        guard isOpenCLIP else { return own }
        return own
            + addedTokens.filter { $0.id > layout.endToken }.sorted { $0.id < $1.id }
            .map { Spelling(bytes: $0.content, token: $0.id) }
    }

    /// Nil if none starts at the start of `range`.
    /// - Parameter ignoresCase: whether the pattern does.
    init?(
        _ spellings: [Spelling], in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, ignoresCase: Bool
    ) {
        for spelling in spellings {
            guard let (count, isExact) = SpecialLiteral.match(spelling.bytes, text, range, ignoresCase) else {
                continue
            }
            self.count = count
            token = isExact ? spelling.token : nil
            return
        }
        return nil
    }

    private static func match(
        _ spelling: [UInt8], _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ ignoresCase: Bool
    ) -> (count: Int, isExact: Bool)? {
        var offset = range.lowerBound
        var isExact = true
        for expected in spelling {
            guard offset < range.upperBound else { return nil }
            if text[offset] == expected {
                offset += 1
                continue
            }
            guard ignoresCase, case let letter = expected | 0x20, letter &- 0x61 < 26 else { return nil }
            isExact = false
            let rest = UnsafeBufferPointer(rebasing: text[offset..<range.upperBound])
            if text[offset] | 0x20 == letter {
                offset += 1
            } else if letter == UInt8(ascii: "s"), rest.starts(with: [0xC5, 0xBF]) {
                offset += 2
            } else if letter == UInt8(ascii: "k"), rest.starts(with: [0xE2, 0x84, 0xAA]) {
                offset += 3
            } else {
                return nil
            }
        }
        return (offset - range.lowerBound, isExact)
    }
}
