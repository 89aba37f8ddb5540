extension PipelineTable {
    /// Splits normalised text into the words that are encoded one by one.
    /// - Parameter firstOffset: where the text begins that this is a part of.
    func words(of text: [Element], firstOffset: Int) -> [ArraySlice<Element>] {
        var words = [text[...]]
        for step in rules.splitting {
            words = words.flatMap { split($0, step, firstOffset: firstOffset) }.filter { !$0.isEmpty }
        }
        return words.filter { !$0.isEmpty }
    }

    private func split(
        _ word: ArraySlice<Element>, _ step: SplittingStep, firstOffset: Int
    ) -> [ArraySlice<Element>] {
        let classes = ScalarClasses()
        switch step {
        case .metaspace(let mark, let prefix, let splits):
            var marked = word.map { Element(scalar: $0.scalar == 0x20 ? mark : $0.scalar, offset: $0.offset) }
            if let first = marked.first, first.scalar != mark,
                prefix == .always || prefix == .first && first.offset == firstOffset
            {
                marked.insert(Element(scalar: mark, offset: first.offset), at: 0)
            }
            return splits ? split(marked[...], .delimiter([mark], .withNext), firstOffset: firstOffset) : [marked[...]]
        case .whiteSpace: return word.split { classes[$0.scalar].kind(knowsNewer: false) == .space }
        case .delimiter(let text, let place):
            return Parts(word, ScalarPattern(text: text).matches(in: word)).placed(place)
        case .punctuation: return Parts(word) { BERTScalars.isPunctuation($0) }.placed(.alone)
        case .matches(let pattern, let place, let isInverted):
            var parts = Parts(word, pattern.matches(in: word))
            if isInverted { parts.invert() }
            return parts.placed(place)
        case .scalars(.numeral, let place): return Parts(word) { ScalarRanges.numerals.contains($0) }.placed(place)
        case .scalars(.punctuation, let place): return Parts(word) { BERTScalars.isPunctuation($0) }.placed(place)
        case .words: return wordsAndSigns(in: word)
        case .spaceInFront:
            guard let first = word.first, first.scalar != 0x20 else { return [word] }
            return [[Element(scalar: 0x20, offset: first.offset)] + word]
        case .bytes: return [ByteAlphabet.spell(word)[...]]
        case .length(let count):
            return stride(from: word.startIndex, to: word.endIndex, by: count).map {
                word[$0..<min($0 + count, word.endIndex)]
            }
        }
    }

    private func wordsAndSigns(in text: ArraySlice<Element>) -> [ArraySlice<Element>] {
        let classes = ScalarClasses()
        var words: [ArraySlice<Element>] = []
        var start = text.startIndex
        while start < text.endIndex {
            func kind(_ element: Element) -> Int {
                if ScalarRanges.word.contains(element.scalar) { return 1 }
                return classes[element.scalar].kind(knowsNewer: false) == .space ? 0 : 2
            }
            let first = kind(text[start])
            let end = text[start...].firstIndex { kind($0) != first } ?? text.endIndex
            if first != 0 { words.append(text[start..<end]) }
            start = end
        }
        return words
    }
}

/// A text in parts that are delimiters or lie between them.
private struct Parts {
    private typealias Element = PipelineTable.Element

    private let text: ArraySlice<Element>
    private var parts: [(range: Range<Int>, isDelimiter: Bool)] = []

    init(_ text: ArraySlice<PipelineTable.Element>, _ matches: [Range<Int>]) {
        self.text = text
        var end = text.startIndex
        for match in matches {
            if end < match.lowerBound { parts.append((end..<match.lowerBound, false)) }
            parts.append((match, true))
            end = match.upperBound
        }
        if end < text.endIndex { parts.append((end..<text.endIndex, false)) }
    }

    /// Each scalar of a kind is a delimiter by itself.
    init(_ text: ArraySlice<PipelineTable.Element>, _ isDelimiter: (UInt32) -> Bool) {
        self.init(text, text.indices.filter { isDelimiter(text[$0].scalar) }.map { $0..<$0 + 1 })
    }

    mutating func invert() {
        for index in parts.indices { parts[index].isDelimiter.toggle() }
    }

    func placed(_ place: DelimiterPlace) -> [ArraySlice<PipelineTable.Element>] {
        var ranges: [Range<Int>] = []
        switch place {
        case .dropped: ranges = parts.filter { !$0.isDelimiter }.map(\.range)
        case .alone: ranges = parts.map(\.range)
        case .inRuns:
            var previous = false
            for (range, isDelimiter) in parts {
                if isDelimiter == previous, let last = ranges.popLast() {
                    ranges.append(last.lowerBound..<range.upperBound)
                } else {
                    ranges.append(range)
                }
                previous = isDelimiter
            }
        case .withPrevious:
            var previous = false
            for (range, isDelimiter) in parts {
                if isDelimiter, !previous, let last = ranges.popLast() {
                    ranges.append(last.lowerBound..<range.upperBound)
                } else {
                    ranges.append(range)
                }
                previous = isDelimiter
            }
        case .withNext:
            var previous = false
            for (range, isDelimiter) in parts.reversed() {
                if isDelimiter, !previous, let last = ranges.popLast() {
                    ranges.append(range.lowerBound..<last.upperBound)
                } else {
                    ranges.append(range)
                }
                previous = isDelimiter
            }
            ranges.reverse()
        }
        return ranges.map { text[$0] }
    }
}
