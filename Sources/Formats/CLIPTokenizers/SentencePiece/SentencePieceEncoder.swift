/// One text on its way to tokens: added tokens are taken out, the rest is normalised, split into words and encoded.
struct SentencePieceEncoder {
    typealias Element = SentencePieceTable.Element

    /// Without those of start and end.
    private(set) var ids: [Int32] = []
    /// For each of them, where in the text its word begins.
    private(set) var wordOffsets: [Int] = []

    private let cutter: Cutter
    private let table: SentencePieceTable
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
        var elements: [Element] = []
        elements.reserveCapacity(text.count)
        var offset = 0
        while offset < text.count {
            let start = offset
            elements.append(Element(scalar: text.scalar(at: &offset), offset: start))
        }
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
        of elements: [Element], normalized: Bool, _ body: (inout SentencePieceEncoder, [Element]) -> Void
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
