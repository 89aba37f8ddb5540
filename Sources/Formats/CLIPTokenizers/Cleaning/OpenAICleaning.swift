/// The cleaning of OpenAI's and open_clip's tokenizers: text that was decoded with the wrong encoding (`â€™`) is decoded
/// again, characters that are alike become one, HTML is un-escaped, white space collapses, lower-case.
struct OpenAICleaning {
    private typealias Element = CanonicalComposition.Element

    /// How often a text that was escaped over and over is un-escaped before it is taken as it is.
    private static let mostPasses = 16
    private static let combiningIota: UInt32 = 0x345

    /// What happens to the text after its characters are repaired.
    private let form: OpenCLIPCleaning
    private let classes = ScalarClasses()
    private let lowerCase = LowerCase(knowsLatest: false)
    private let composition = CanonicalComposition(knowsNewer: true)
    private let repairs = ScalarRepairs()
    private let mojibake = Mojibake()

    init(_ form: OpenCLIPCleaning = .lower) { self.form = form }

    /// Puts the clean form of `text`, valid UTF-8, in `cleaned`.
    func clean(_ text: UnsafeBufferPointer<UInt8>, into cleaned: inout CleanedText) {
        cleaned.reset(source: 0)
        var offset = 0
        var mayBeMojibake = false
        var previous: UInt32 = 0
        while offset < text.count {
            let start = offset
            let scalar = text.scalar(at: &offset)
            if scalar >= 0x80, !mayBeMojibake { mayBeMojibake = mojibake.mayTell(scalar, after: previous) }
            previous = scalar
            if needsCare(scalar) { return cleanCarefully(text, into: &cleaned) }
            append(scalar, source: start, to: &cleaned)
        }
        if mayBeMojibake, isLikelyMojibake(text) { cleanCarefully(text, into: &cleaned) }
    }

    private func isLikelyMojibake(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        lines(of: text.elements()).contains { mojibake.isLikely(in: $0) }
    }

    /// Each with the line feed at its end.
    private func lines(of text: [Element]) -> [ArraySlice<Element>] {
        var lines: [ArraySlice<Element>] = []
        var start = 0
        for index in text.indices where text[index].scalar == 0x0A {
            lines.append(text[start...index])
            start = index + 1
        }
        return start < text.count ? lines + [text[start...]] : lines
    }

    /// Whether a scalar could be more than a letter, number or sign by itself.
    @inline(__always)
    private func needsCare(_ scalar: UInt32) -> Bool {
        scalar == 0x26 || scalar == FinalSigma.capital || classes[scalar].isUnnormalized || classes[scalar].isRepaired
    }

    private func cleanCarefully(_ text: UnsafeBufferPointer<UInt8>, into cleaned: inout CleanedText) {
        cleaned.reset(source: 0)
        var elements = repaired(text.elements())
        if form == .canonicalize {
            let signs = ScalarRun.punctuation
            elements.removeAll { $0.scalar != 0x5F && signs.contains($0.scalar, classes) }
        }
        for (index, element) in elements.enumerated() {
            if form != .whitespace, element.scalar == FinalSigma.capital, FinalSigma.isFinal(in: elements, at: index) {
                cleaned.append(FinalSigma.small, source: element.offset)
            } else {
                append(element.scalar, source: element.offset, to: &cleaned)
            }
        }
    }

    /// The text with its characters repaired and its HTML un-escaped, white space and case as they were.
    func repaired(_ elements: [CanonicalComposition.Element]) -> [CanonicalComposition.Element] {
        guard elements.contains(where: { $0.scalar >= 0x80 || needsCare($0.scalar) }) else { return elements }
        var isPlain = true
        var elements = lines(of: elements).flatMap { line in
            // A text with a tag in it is HTML already, from the line of its first tag on.
            if line.contains(where: { $0.scalar == 0x3C }) { isPlain = false }
            return repair(Array(line), unescaping: isPlain)
        }
        for _ in 0..<2 { elements = HTMLUnescaping(.standard).unescape(elements) }
        return elements
    }

    /// Un-escapes, decodes again, replaces and normalizes one line until nothing changes.
    private func repair(_ text: [Element], unescaping: Bool) -> [Element] {
        var text = text
        for _ in 0..<OpenAICleaning.mostPasses {
            var next = unescaping ? HTMLUnescaping(.cautious).unescape(text) : text
            next = mojibake.repaired(next)
            if next.contains(where: { classes[$0.scalar].isRepaired }) { next = replaceScalars(next) }
            if next.contains(where: { classes[$0.scalar].isUnnormalized }) { next = composition.normalize(next) }
            if next.elementsEqual(text, by: { $0.scalar == $1.scalar }) { break }
            text = next
        }
        return text
    }

    private func replaceScalars(_ text: [Element]) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let element = text[index]
            if element.scalar == 0x1B, let end = endOfTerminalEscape(text, from: index) {
                index = end
                continue
            }
            if classes[element.scalar].isRepaired, let scalars = repairs[element.scalar] {
                result += scalars.map { Element(scalar: $0, offset: element.offset) }
            } else {
                result.append(element)
            }
            index += 1
        }
        return result
    }

    /// The end of an escape sequence that colours a terminal's text: ESC [ 1;31 m.
    private func endOfTerminalEscape(_ text: [Element], from start: Int) -> Int? {
        guard start + 1 < text.count, text[start + 1].scalar == 0x5B else { return nil }
        var index = start + 2
        while index < text.count, text[index].scalar &- 0x30 < 10 || text[index].scalar == 0x3B { index += 1 }
        guard index < text.count, text[index].scalar < 0x80, (text[index].scalar | 0x20) &- 0x61 < 26 else {
            return nil
        }
        return index + 1
    }

    @inline(__always)
    private func append(_ scalar: UInt32, source: Int, to cleaned: inout CleanedText) {
        if form == .canonicalize, scalar < 0x80 {
            if scalar == 0x5F { return cleaned.appendSpace(source: source) }
            if ScalarRun.punctuation.contains(scalar, classes) { return }
        }
        let scalarClass = classes[scalar]
        // The pattern ignores case, and to it this mark is both a letter and not one: it matches nothing.
        let isLost = scalar == OpenAICleaning.combiningIota
        if isLost || scalarClass.kind(knowsNewer: true) == .space { return cleaned.appendSpace(source: source) }
        cleaned.append(scalarClass.isCased && form != .whitespace ? lowerCase(scalar) : scalar, source: source)
        if scalar == LowerCase.capitalIWithDot, form != .whitespace {
            cleaned.append(LowerCase.combiningDotAbove, source: source)
        }
    }
}
