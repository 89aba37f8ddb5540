/// What happens to a text before it is split into words.
package enum TextCleaning: UInt32, Sendable, CaseIterable {
    /// As transformers' CLIPTokenizer: added tokens are found first, then NFC, white space to single spaces, lower-case.
    /// Nothing is un-escaped or repaired.
    case transformers = 0
    /// As OpenAI's tokenizer: quotes, ligatures and widths become plain, HTML is un-escaped, NFC, white space collapses,
    /// lower-case; `<|startoftext|>` and `<|endoftext|>` in the text are the tokens themselves, added tokens aren't found.
    case openAI = 1
    /// As open_clip's tokenizer: the same, but the tokens are spelled `<start_of_text>` and `<end_of_text>`.
    case openCLIP = 2
    /// The same with capitals as they are (`clean` "whitespace").
    case openCLIPWhitespace = 3
    /// The same without ASCII punctuation, low lines as spaces (`clean` "canonicalize").
    case openCLIPCanonical = 4

    /// What happens to a text after its characters are repaired.
    var form: OpenCLIPCleaning {
        switch self {
        case .transformers, .openAI, .openCLIP: .lower
        case .openCLIPWhitespace: .whitespace
        case .openCLIPCanonical: .canonicalize
        }
    }
}

/// What open_clip does to a text before a tokenizer sees it. Raw values are open_clip's names.
package enum OpenCLIPCleaning: String, Sendable, CaseIterable {
    /// Characters are repaired, HTML is un-escaped, white space collapses.
    case whitespace
    /// The same, then small letters.
    case lower
    /// The same without ASCII punctuation, low lines as spaces.
    case canonicalize
}

/// UTF-8 that is ready to be split into words, with the way back to the text it was made from.
struct CleanedText {
    private(set) var bytes: [UInt8] = []
    /// Where the distance between a byte and its source changes: from `cleaned` on, source − cleaned is constant.
    private var breaks: [(cleaned: Int, source: Int)] = []
    private var distance = 0
    private var endsInSpace = false

    /// Empties the text, for one that starts at `source`.
    mutating func reset(source: Int) {
        bytes.removeAll(keepingCapacity: true)
        breaks.removeAll(keepingCapacity: true)
        distance = source
        endsInSpace = false
    }

    /// The offset in the source of a byte of the cleaned text, or of its end.
    func source(of offset: Int) -> Int {
        var low = 0
        var high = breaks.count
        while low < high {
            let middle = (low + high) / 2
            if breaks[middle].cleaned <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return breaks.first.map { $0.source - $0.cleaned + offset } ?? offset + distance }
        return breaks[low - 1].source + offset - breaks[low - 1].cleaned
    }

    /// Appends a scalar that is no white space.
    @inline(__always)
    mutating func append(_ scalar: UInt32, source: Int) {
        endsInSpace = false
        mark(source)
        switch scalar {
        case 0..<0x80: bytes.append(UInt8(truncatingIfNeeded: scalar))
        case 0x80..<0x800:
            bytes.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        case 0x800..<0x10000:
            bytes.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        default:
            bytes.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        }
    }

    /// Appends white space, of which only the first of a run counts.
    @inline(__always)
    mutating func appendSpace(source: Int) {
        if endsInSpace { return }
        endsInSpace = true
        mark(source)
        bytes.append(0x20)
    }

    @inline(__always)
    private mutating func mark(_ source: Int) {
        if source &- bytes.count != distance {
            if breaks.isEmpty, !bytes.isEmpty { breaks.append((0, distance)) }
            breaks.append((bytes.count, source))
            distance = source &- bytes.count
        }
    }
}

/// Normal form C, white space as single spaces, small letters: in this order, as transformers does it.
struct TransformersCleaning {
    private let classes = ScalarClasses()
    private let lowerCase = LowerCase(knowsLatest: true)
    private let composition = CanonicalComposition(knowsNewer: false)

    /// Puts the clean form of `text[range]`, valid UTF-8, in `cleaned`.
    func clean(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, into cleaned: inout CleanedText) {
        cleaned.reset(source: range.lowerBound)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let start = offset
            let scalar = text.scalar(at: &offset)
            if scalar >= 0x300, classes[scalar].isUnnormalized { return cleanNormalizing(text, range, into: &cleaned) }
            append(scalar, source: start, to: &cleaned)
        }
    }

    /// The same for the few texts that may not be in normal form.
    private func cleanNormalizing(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, into cleaned: inout CleanedText
    ) {
        cleaned.reset(source: range.lowerBound)
        for element in composition.normalize(text.elements(in: range)) {
            append(element.scalar, source: element.offset, to: &cleaned)
        }
    }

    @inline(__always)
    private func append(_ scalar: UInt32, source: Int, to cleaned: inout CleanedText) {
        if scalar < 0x80 {
            if scalar == 0x20 || scalar &- 9 < 5 {
                cleaned.appendSpace(source: source)
            } else {
                cleaned.append(scalar &- 0x41 < 26 ? scalar | 0x20 : scalar, source: source)
            }
            return
        }
        let scalarClass = classes[scalar]
        if scalarClass.kind(knowsNewer: false) == .space { return cleaned.appendSpace(source: source) }
        cleaned.append(scalarClass.isCased ? lowerCase(scalar) : scalar, source: source)
        if scalar == LowerCase.capitalIWithDot { cleaned.append(LowerCase.combiningDotAbove, source: source) }
    }
}

extension TransformersCleaning {
    /// The clean form of `text`, valid UTF-8.
    static func clean(_ text: [UInt8]) -> [UInt8] {
        var cleaned = CleanedText()
        text.withUnsafeBufferPointer { TransformersCleaning().clean($0, 0..<text.count, into: &cleaned) }
        return cleaned.bytes
    }
}
