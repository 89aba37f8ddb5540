/// One step of what happens to a text before it is cut into pieces.
enum NormalizationStep: Equatable {
    /// Small letters, each scalar by itself, as the tokenizers library makes them.
    case lowercase
    /// Small letters as Python makes them: a sigma at a word's end is another.
    case pythonLowercase
    /// Another text in place of each occurrence of one.
    case replaceText([UInt32], with: [UInt32])
    /// A text in place of each run of certain scalars.
    case replaceRuns(ScalarRun, with: [UInt32])
    /// White space at the ends is taken away.
    case strip(left: Bool, right: Bool, isPython: Bool)
    /// Normal form C.
    case compose
    /// A text that is put in front, unless there is nothing.
    case prepend([UInt32])
    /// The rules of the character map, applied to whole graphemes where they are short, as the tokenizers library does.
    case mapGraphemes
    /// SentencePiece's own normalisation, the character map included.
    case sentencePiece(SentencePieceSpaces)
    /// BERT's.
    case bert(BERTCleaning)
    /// Characters that are alike become one, HTML is un-escaped, as all of open_clip's tokenizers do.
    case repair
    /// A text in place of each match of an expression.
    case replaceMatches(ScalarPattern, with: [UInt32])
    /// Normal forms D, KD and KC.
    case decompose, decomposeCompatibly, composeCompatibly
    /// Marks that combine are taken away.
    case stripMarks
    /// Controls are dropped, other white space becomes spaces, as in neural machine translation (Nmt).
    case plainSpaces
    /// Each byte becomes the character that stands for it in a byte-level vocabulary.
    case bytes
}

/// What SentencePiece does with spaces (`normalizer_spec`).
struct SentencePieceSpaces: OptionSet {
    let rawValue: UInt32

    /// One is put in front of the text.
    static let addsPrefix = SentencePieceSpaces(rawValue: 1)
    /// Runs become one, those at the ends go.
    static let removesExtra = SentencePieceSpaces(rawValue: 2)
    /// They are written as U+2581.
    static let escapes = SentencePieceSpaces(rawValue: 4)
}

extension PipelineTable {
    typealias Element = CanonicalComposition.Element

    /// What SentencePiece writes for a space.
    static let spaceMark: UInt32 = 0x2581

    func apply(_ step: NormalizationStep, to text: inout [Element]) {
        switch step {
        case .lowercase: text = lowercased(text, LowerCase(knowsLatest: true), knowsFinalSigma: false)
        case .pythonLowercase: text = lowercased(text, LowerCase(knowsLatest: false), knowsFinalSigma: true)
        case .replaceText(let pattern, let content): replace(pattern, with: content, in: &text)
        case .replaceRuns(let run, let content): replace(run, with: content, in: &text)
        case .strip(let left, let right, let isPython):
            let run = ScalarRun(members: isPython ? .pythonSpace : .space)
            let classes = ScalarClasses()
            if right, let end = text.lastIndex(where: { !run.contains($0.scalar, classes) }) {
                text.removeSubrange((end + 1)...)
            } else if right {
                text = []
            }
            if left { text.removeFirst(text.prefix { run.contains($0.scalar, classes) }.count) }
        case .compose: text = CanonicalComposition(knowsNewer: false).normalize(text)
        case .prepend(let content):
            if let first = text.first { text.insert(contentsOf: elements(content, at: first), at: 0) }
        case .mapGraphemes: text = mappingGraphemes(text)
        case .sentencePiece(let spaces): text = sentencePieceForm(of: text, spaces)
        case .bert(let cleaning): text = cleaning.apply(to: text)
        case .repair: text = OpenAICleaning().repaired(text)
        case .replaceMatches(let pattern, let content):
            var result: [Element] = []
            var end = 0
            for match in pattern.matches(in: text[...]) {
                result += text[end..<match.lowerBound] + elements(content, at: text[match.lowerBound])
                end = match.upperBound
            }
            text = result + text[end...]
        case .decompose: text = CanonicalComposition(knowsNewer: false).decompose(text)
        case .decomposeCompatibly: text = CanonicalComposition(knowsNewer: false).decomposeCompatibly(text)
        case .composeCompatibly:
            let composition = CanonicalComposition(knowsNewer: false)
            text = composition.normalize(composition.decomposeCompatibly(text))
        case .stripMarks: text.removeAll { ScalarRanges.combiningMarks.contains($0.scalar) }
        case .plainSpaces: text = plainSpaces(text)
        case .bytes: text = ByteAlphabet.spell(text[...])
        }
    }

    private func plainSpaces(_ text: [Element]) -> [Element] {
        text.compactMap { element in
            switch element.scalar {
            case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: nil
            case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
                Element(scalar: 0x20, offset: element.offset)
            default: element
            }
        }
    }

    private func elements(_ scalars: [UInt32], at place: Element) -> [Element] {
        scalars.map { Element(scalar: $0, offset: place.offset) }
    }

    private func lowercased(_ text: [Element], _ lowerCase: LowerCase, knowsFinalSigma: Bool) -> [Element] {
        let classes = ScalarClasses()
        var result: [Element] = []
        result.reserveCapacity(text.count)
        for (index, element) in text.enumerated() {
            var small = element
            if knowsFinalSigma, element.scalar == FinalSigma.capital, FinalSigma.isFinal(in: text, at: index) {
                small.scalar = FinalSigma.small
            } else if element.scalar < 0x80 {
                if element.scalar &- 0x41 < 26 { small.scalar |= 0x20 }
            } else if classes[element.scalar].isCased {
                small.scalar = lowerCase(element.scalar)
            }
            result.append(small)
            if element.scalar == LowerCase.capitalIWithDot {
                result.append(Element(scalar: LowerCase.combiningDotAbove, offset: element.offset))
            }
        }
        return result
    }

    private func replace(_ pattern: [UInt32], with content: [UInt32], in text: inout [Element]) {
        guard let first = pattern.first, text.contains(where: { $0.scalar == first }) else { return }
        var result: [Element] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let candidate = text[index...].prefix(pattern.count)
            if candidate.count == pattern.count, zip(candidate, pattern).allSatisfy({ $0.scalar == $1 }) {
                result += elements(content, at: text[index])
                index += pattern.count
            } else {
                result.append(text[index])
                index += 1
            }
        }
        text = result
    }

    private func replace(_ run: ScalarRun, with content: [UInt32], in text: inout [Element]) {
        let classes = ScalarClasses()
        var result: [Element] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            var end = index
            while end < text.count, run.isGreedy || end - index < run.shortest, run.contains(text[end].scalar, classes)
            {
                end += 1
            }
            if end - index >= run.shortest {
                result += elements(content, at: text[index])
            } else {
                end = max(end, index + 1)
                result += text[index..<end]
            }
            index = end
        }
        text = result
    }

    /// The whole grapheme is looked up while it has fewer than six bytes, else each of its scalars.
    private func mappingGraphemes(_ text: [Element]) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(text.count)
        var string = String.UnicodeScalarView()
        for element in text { string.append(Unicode.Scalar(element.scalar) ?? "\u{FFFD}") }
        var index = 0
        for character in String(string) {
            let scalars = text[index..<index + character.unicodeScalars.count]
            index += scalars.count
            let isShort = character.utf8.count < 6
            if isShort, let first = scalars.first, let mapped = characterMap.shortestPrefix(of: scalars) {
                result += elements(mapped, at: first)
                continue
            }
            for element in scalars {
                if let mapped = characterMap.shortestPrefix(of: [element]) {
                    result += elements(mapped, at: element)
                } else {
                    result.append(element)
                }
            }
        }
        return result
    }

    /// Maps characters, then spaces: SentencePiece's `Normalizer`.
    private func sentencePieceForm(of text: [Element], _ spaces: SentencePieceSpaces) -> [Element] {
        guard let first = text.first else { return [] }
        let mark = spaces.contains(.escapes) ? PipelineTable.spaceMark : 0x20
        var result: [Element] = []
        result.reserveCapacity(text.count + 1)
        if spaces.contains(.addsPrefix) { result += elements([mark], at: first) }
        var followsSpace = spaces.contains(.removesExtra)
        var index = 0
        while index < text.count {
            let start = text[index]
            let (scalars, count) = mapped(text[index...])
            index += count
            let kept = scalars.drop { followsSpace && $0 == 0x20 }
            for scalar in kept {
                result.append(Element(scalar: scalar == 0x20 ? mark : scalar, offset: start.offset))
            }
            if let last = kept.last { followsSpace = spaces.contains(.removesExtra) && last == 0x20 }
        }
        if spaces.contains(.removesExtra) {
            result.removeLast(result.reversed().prefix { $0.scalar == mark }.count)
        }
        return result
    }

    /// What the start of a text becomes, and how many of its scalars that takes.
    private func mapped(_ text: ArraySlice<Element>) -> (scalars: [UInt32], count: Int) {
        if hasUserDefinedPieces, let count = longestUserDefinedPiece(text) {
            return (text.prefix(count).map(\.scalar), count)
        }
        return characterMap.longestPrefix(of: text) ?? ([text[text.startIndex].scalar], 1)
    }
}
