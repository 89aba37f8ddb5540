/// A token that is looked for in the text itself, before it is split into words.
struct AddedToken: Sendable, Equatable {
    struct Options: OptionSet, Sendable {
        let rawValue: UInt32

        /// Looked for after the cleaning, not before.
        static let normalized = Options(rawValue: 1)
        /// Takes the white space before it.
        static let stripsLeft = Options(rawValue: 2)
        /// Takes the white space after it.
        static let stripsRight = Options(rawValue: 4)
        /// Not found inside a longer word.
        static let singleWord = Options(rawValue: 8)
    }

    var id: UInt32
    /// UTF-8, never empty; cleaned already if the token is normalized.
    var content: [UInt8]
    var options: Options

    /// The order in the table: those that are looked for before the cleaning come first, then by content.
    func isBefore(_ other: AddedToken) -> Bool {
        let kinds = (options.contains(.normalized), other.options.contains(.normalized))
        return kinds.0 == kinds.1 ? content.lexicographicallyPrecedes(other.content) : kinds.1
    }
}

/// Finds added tokens in a text: at each place the longest, from left to right.
struct AddedTokenFinder: Sendable {
    struct Match {
        var id: UInt32
        /// What it takes from the text, stripped white space included.
        var range: Range<Int>
    }

    /// In order of the content.
    private let tokens: ArraySlice<AddedToken>
    private var firstBytes = [Bool](repeating: false, count: 256)

    /// Those of `tokens`, in the table's order, that are looked for before the cleaning, or after it.
    init(_ tokens: [AddedToken], normalized: Bool) {
        let split = tokens.firstIndex { $0.options.contains(.normalized) } ?? tokens.count
        self.tokens = normalized ? tokens[split...] : tokens[..<split]
        for token in self.tokens { firstBytes[Int(token.content[0])] = true }
    }

    var isEmpty: Bool { tokens.isEmpty }

    func matches(in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> [Match] {
        var matches: [Match] = []
        if tokens.isEmpty { return matches }
        var taken = range.lowerBound
        var offset = range.lowerBound
        while offset < range.upperBound {
            guard firstBytes[Int(text[offset])], let token = longest(in: text, offset..<range.upperBound) else {
                offset += 1
                continue
            }
            var found = offset..<offset + token.content.count
            offset = found.upperBound
            if token.options.contains(.singleWord), isInsideWord(text, found, range) { continue }
            if token.options.contains(.stripsLeft) {
                let start = UnicodeText.startOfSpace(in: text, before: found.lowerBound, downTo: range.lowerBound)
                found = min(max(start, taken), found.upperBound)..<found.upperBound
            }
            if token.options.contains(.stripsRight) {
                found = found.lowerBound..<UnicodeText.endOfSpace(in: text, found.upperBound..<range.upperBound)
            }
            matches.append(Match(id: token.id, range: found))
            taken = found.upperBound
        }
        return matches
    }

    /// The longest token that the text begins with. Narrows the sorted tokens byte by byte.
    private func longest(in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> AddedToken? {
        var candidates = tokens
        var best: AddedToken?
        for (place, offset) in range.enumerated() {
            let byte = text[offset]
            // Those that end before this place are sorted first, so one past them has a byte here.
            let low = candidates.partitioningIndex { $0.content.count > place && $0.content[place] >= byte }
            let high = candidates.partitioningIndex { $0.content.count > place && $0.content[place] > byte }
            candidates = candidates[low..<high]
            guard let first = candidates.first else { break }
            if first.content.count == place + 1 { best = first }
        }
        return best
    }

    private func isInsideWord(
        _ text: UnsafeBufferPointer<UInt8>, _ found: Range<Int>, _ range: Range<Int>
    ) -> Bool {
        UnicodeText.endsInWord(text, range.lowerBound..<found.lowerBound)
            || UnicodeText.startsWithWord(text, found.upperBound..<range.upperBound)
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first index whose element meets a condition that holds from some element on.
    func partitioningIndex(where isAfter: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
