/// What BERT's tokenizers do to a text before they make small letters of it (Devlin et al., 2018).
struct BERTCleaning: OptionSet {
    let rawValue: UInt32

    /// Control characters are dropped, white space becomes spaces.
    static let plainSpaces = BERTCleaning(rawValue: 1)
    /// Spaces are put around ideographs, so that each is a word.
    static let splitIdeographs = BERTCleaning(rawValue: 2)
    /// Letters lose their accents: what canonical decomposition gives, without the marks.
    static let plainLetters = BERTCleaning(rawValue: 4)
    static let all: BERTCleaning = [.plainSpaces, .splitIdeographs, .plainLetters]

    func apply(to text: [CanonicalComposition.Element]) -> [CanonicalComposition.Element] {
        let classes = ScalarClasses()
        var result: [CanonicalComposition.Element] = []
        result.reserveCapacity(text.count)
        for element in text {
            var element = element
            if contains(.plainSpaces) {
                if BERTScalars.isDropped(element.scalar) { continue }
                if classes[element.scalar].kind(knowsNewer: false) == .space { element.scalar = 0x20 }
            }
            guard contains(.splitIdeographs), BERTScalars.isIdeograph(element.scalar) else {
                result.append(element)
                continue
            }
            let space = CanonicalComposition.Element(scalar: 0x20, offset: element.offset)
            result += [space, element, space]
        }
        guard contains(.plainLetters), result.contains(where: { $0.scalar >= 0xC0 }) else { return result }
        return CanonicalComposition(knowsNewer: false).decompose(result).filter {
            !BERTScalars.isNonspacingMark($0.scalar)
        }
    }
}

/// What BERT's tokenizers ask about a scalar. They know Unicode as it was in version 8.
enum BERTScalars {
    /// The blocks of CJK ideographs that the reference lists; the third extension but one begins late there.
    private static let ideographs: [ClosedRange<UInt32>] = [
        0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF,
        0xF900...0xFAFF, 0x2F800...0x2FA1F,
    ]

    static func isIdeograph(_ scalar: UInt32) -> Bool {
        scalar >= 0x3400 && ideographs.contains { $0.contains(scalar) }
    }

    /// Controls but for the common white space, formats, private characters, and the replacement character.
    static func isDropped(_ scalar: UInt32) -> Bool {
        if scalar >= 0x20 && scalar < 0x7F || scalar == 0x09 || scalar == 0x0A || scalar == 0x0D { return false }
        if scalar == 0xFFFD { return true }
        switch category(of: scalar) {
        case .control, .format, .privateUse: return true
        default: return false
        }
    }

    static func isNonspacingMark(_ scalar: UInt32) -> Bool {
        scalar >= 0x300 && category(of: scalar) == .nonspacingMark
    }

    /// All signs of ASCII count, symbols included.
    static func isPunctuation(_ scalar: UInt32) -> Bool {
        if scalar < 0x80 {
            return (0x21...0x2F).contains(scalar) || (0x3A...0x40).contains(scalar)
                || (0x5B...0x60).contains(scalar) || (0x7B...0x7E).contains(scalar)
        }
        switch category(of: scalar) {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return true
        default: return false
        }
    }

    /// Nil for what is no character to the reference.
    private static func category(of scalar: UInt32) -> Unicode.GeneralCategory? {
        guard let properties = Unicode.Scalar(scalar)?.properties else { return nil }
        if let changed = changed[scalar] { return changed }
        let category = properties.generalCategory
        guard let age = properties.age else { return category == .privateUse ? category : nil }
        return age.major <= 8 ? category : nil
    }

    /// What later versions of Unicode call otherwise.
    private static let changed: [UInt32: Unicode.GeneralCategory] = [
        0x166D: .otherPunctuation, 0x1734: .nonspacingMark, 0x1885: .otherLetter, 0x1886: .otherLetter,
        0xA9BD: .spacingMark, 0x111C9: .otherPunctuation, 0x1171E: .nonspacingMark,
    ]
}
