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
        var elements: [CanonicalComposition.Element] = []
        elements.reserveCapacity(range.count)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let start = offset
            elements.append(.init(scalar: text.scalar(at: &offset), offset: start))
        }
        for element in composition.normalize(elements) {
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

extension UnsafeBufferPointer<UInt8> {
    /// The scalar at `offset`, which moves past it. The bytes must be whole, valid UTF-8.
    @inline(__always)
    func scalar(at offset: inout Int) -> UInt32 {
        let lead = UInt32(self[offset])
        guard lead >= 0x80 else {
            offset &+= 1
            return lead
        }
        let second = UInt32(self[offset &+ 1]) & 0x3F
        if lead < 0xE0 {
            offset &+= 2
            return (lead & 0x1F) << 6 | second
        }
        let third = UInt32(self[offset &+ 2]) & 0x3F
        if lead < 0xF0 {
            offset &+= 3
            return (lead & 0x0F) << 12 | second << 6 | third
        }
        let fourth = UInt32(self[offset &+ 3]) & 0x3F
        offset &+= 4
        return (lead & 0x07) << 18 | second << 12 | third << 6 | fourth
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
