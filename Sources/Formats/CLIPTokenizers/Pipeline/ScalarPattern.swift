/// The regular expressions of tokenizers: alternatives, each a row of sets of characters with how many of them.
///
/// No engine: what could take more time than the text is long, or has a construct that no known tokenizer has, is none.
struct ScalarPattern: Equatable {
    typealias Element = CanonicalComposition.Element

    /// As the file spells it.
    let source: String
    private let alternatives: [[Item]]

    /// Some scalars of one set in a row, or what must not come next.
    struct Item {
        var set: ScalarSet
        var least = 1
        var most = 1
        var isLookahead = false
    }

    static func == (left: ScalarPattern, right: ScalarPattern) -> Bool {
        left.source.utf8.elementsEqual(right.source.utf8)
    }

    /// Nil if it is none of the expressions that can be followed exactly.
    init?(_ source: String) {
        var parser = PatternParser(source)
        guard let alternatives = parser.parse(), alternatives.allSatisfy(ScalarPattern.isLinear) else { return nil }
        self.source = source
        self.alternatives = alternatives
    }

    /// The expression that matches a text, which is not empty.
    init(text: [UInt32]) {
        source = text.map { scalar in
            let isPlain = scalar >= 0x80 || scalar &- 0x30 < 10 || (scalar | 0x20) &- 0x61 < 26
            return (isPlain ? "" : "\\") + String(Unicode.Scalar(scalar) ?? "\u{FFFD}")
        }.joined()
        alternatives = [text.map { Item(set: ScalarSet([.scalar($0)])) }]
    }

    /// Where the expression matches, from left to right.
    func matches(in text: ArraySlice<Element>) -> [Range<Int>] {
        var found: [Range<Int>] = []
        let classes = ScalarClasses()
        var start = text.startIndex
        while start < text.endIndex {
            var matched: Int?
            for items in alternatives where matched == nil {
                matched = end(of: items[...], in: text, from: start, classes)
            }
            if let matched { found.append(start..<matched) }
            start = matched ?? start + 1
        }
        return found
    }

    private func end(
        of items: ArraySlice<Item>, in text: ArraySlice<Element>, from start: Int, _ classes: ScalarClasses
    ) -> Int? {
        guard let item = items.first else { return start }
        if item.isLookahead {
            if start < text.endIndex, item.set.contains(text[start].scalar, classes) { return nil }
            return end(of: items.dropFirst(), in: text, from: start, classes)
        }
        var last = start
        while last < text.endIndex, last - start < item.most, item.set.contains(text[last].scalar, classes) {
            last += 1
        }
        while last - start >= item.least {
            if let end = end(of: items.dropFirst(), in: text, from: last, classes) { return end }
            last -= 1
        }
        return nil
    }

    /// Whether it is found, or found missing, in a time that doesn't grow with what it doesn't match.
    private static func isLinear(_ items: [Item]) -> Bool {
        guard items.contains(where: { !$0.isLookahead && $0.least > 0 }),
            items.count(where: { $0.least != $0.most }) <= 3
        else { return false }
        guard let first = items.firstIndex(where: { $0.most > mostRepetitions }) else {
            return !items.contains { $0.isLookahead }
        }
        let rest = items[(first + 1)...]
        // After a run nothing, or what always matches, or the two ends that known tokenizers have.
        if rest.allSatisfy({ $0.least == 0 && !$0.isLookahead }) { return true }
        guard rest.count == 1, let last = rest.first else { return false }
        // A run between two single characters that aren't in it is looked at once.
        if !last.isLookahead, last.most == 1, first > 0, case let before = items[first - 1], before.most == 1,
            case .scalar(let scalar)? = before.set.members.first, before.set.members.count == 1, !before.set.isNegated,
            !items[first].set.contains(scalar, ScalarClasses())
        {
            return true
        }
        return last.isLookahead ? last.set.isNoSpace : first == 0 && items[0].set.isSpace && items[0].least == 0
    }

    private static let mostRepetitions = 16
}

/// A set of scalars, as a regular expression says it.
struct ScalarSet: Equatable {
    enum Member: Equatable {
        case scalar(UInt32)
        case range(ClosedRange<UInt32>)
        case letter, number, space, notSpace, word, notWord, digit, notDigit
        /// A word character outside of brackets: there six numerals of Latin-1 are such too.
        case wordAlone, notWordAlone
    }

    var members: [Member]
    var isNegated = false

    init(_ members: [Member]) { self.members = members }

    var isSpace: Bool { members == [.space] && !isNegated }
    var isNoSpace: Bool { members == [.notSpace] && !isNegated }

    func contains(_ scalar: UInt32, _ classes: ScalarClasses) -> Bool {
        members.contains { member in
            switch member {
            case .scalar(let other): other == scalar
            case .range(let range): range.contains(scalar)
            case .letter: classes[scalar].kind(knowsNewer: false) == .letter
            case .number: classes[scalar].kind(knowsNewer: false) == .number
            case .space: classes[scalar].kind(knowsNewer: false) == .space
            case .notSpace: classes[scalar].kind(knowsNewer: false) != .space
            case .wordAlone: ScalarSet.isWordAlone(scalar)
            case .notWordAlone: !ScalarSet.isWordAlone(scalar)
            case .word: ScalarRanges.patternWord.contains(scalar)
            case .notWord: !ScalarRanges.patternWord.contains(scalar)
            case .digit: ScalarRanges.patternDigits.contains(scalar)
            case .notDigit: !ScalarRanges.patternDigits.contains(scalar)
            }
        } != isNegated
    }

    private static func isWordAlone(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0xB2, 0xB3, 0xB9, 0xBC...0xBE: true
        default: ScalarRanges.patternWord.contains(scalar)
        }
    }
}

/// Reads a regular expression in the syntax that tokenizer.json has (Oniguruma's), as far as tokenizers use it.
private struct PatternParser {
    typealias Item = ScalarPattern.Item

    private var rest: ArraySlice<Unicode.Scalar>
    private static let special = Set(".^$|?*+(){}[]".unicodeScalars)

    init(_ source: String) { rest = Array(source.unicodeScalars)[...] }

    /// Nil for whatever is not known here.
    mutating func parse() -> [[Item]]? {
        var alternatives: [[Item]] = []
        repeat {
            guard let next = alternative() else { return nil }
            alternatives += next
        } while take("|")
        return rest.isEmpty ? alternatives : nil
    }

    /// One alternative, or those in a group that ignores case.
    private mutating func alternative() -> [[Item]]? {
        if take("(?i:") {
            var literals: [[Item]] = []
            repeat {
                guard let literal = literalInAnyCase() else { return nil }
                literals.append(literal)
            } while take("|")
            guard take(")"), rest.isEmpty || rest.first == "|" else { return nil }
            return literals
        }
        var items: [Item] = []
        while let next = rest.first, next != "|" {
            if take("(?!") {
                guard let set = set(), take(")") else { return nil }
                items.append(Item(set: set, isLookahead: true))
                continue
            }
            guard let set = set() else { return nil }
            var item = Item(set: set)
            guard quantify(&item) else { return nil }
            items.append(item)
        }
        return items.isEmpty ? nil : [items]
    }

    /// Letters that have another form of more than one, or that no known tokenizer has there, are refused.
    private mutating func literalInAnyCase() -> [Item]? {
        var items: [Item] = []
        while let next = rest.first, next == "'" || "srtvemld".unicodeScalars.contains(next) {
            rest.removeFirst()
            var members: [ScalarSet.Member] = [.scalar(next.value)]
            if next != "'" { members.append(.scalar(next.value & ~0x20)) }
            // The long s is one.
            if next == "s" { members.append(.scalar(0x17F)) }
            items.append(Item(set: ScalarSet(members)))
        }
        return items.isEmpty ? nil : items
    }

    private mutating func set() -> ScalarSet? {
        guard let first = rest.first else { return nil }
        if take("[") { return bracketed() }
        if first == "\\" { return escaped(isBracketed: false).map { ScalarSet([$0]) } }
        guard !PatternParser.special.contains(first) else { return nil }
        rest.removeFirst()
        return ScalarSet([.scalar(first.value)])
    }

    private mutating func bracketed() -> ScalarSet? {
        var set = ScalarSet([])
        set.isNegated = take("^")
        while let next = rest.first, next != "]" {
            // A class or another set inside, an intersection, or a dash that is none of a range.
            guard next != "[", next != "-", !rest.starts(with: "&&".unicodeScalars), let member = member() else {
                return nil
            }
            guard rest.first == "-" else {
                set.members.append(member)
                continue
            }
            rest.removeFirst()
            guard case .scalar(let low) = member, rest.first != "]", rest.first != "[",
                case .scalar(let high)? = self.member(), low <= high
            else { return nil }
            set.members.append(.range(low...high))
        }
        return take("]") && !set.members.isEmpty ? set : nil
    }

    private mutating func member() -> ScalarSet.Member? {
        if rest.first == "\\" { return escaped(isBracketed: true) }
        return rest.popFirst().map { .scalar($0.value) }
    }

    private mutating func escaped(isBracketed: Bool) -> ScalarSet.Member? {
        rest.removeFirst()
        if take("p{L}") { return .letter }
        if take("p{N}") { return .number }
        guard let scalar = rest.popFirst() else { return nil }
        switch scalar {
        case "s": return .space
        case "S": return .notSpace
        case "w": return isBracketed ? .word : .wordAlone
        case "W": return isBracketed ? .notWord : .notWordAlone
        case "d": return .digit
        case "D": return .notDigit
        case "n": return .scalar(0x0A)
        case "r": return .scalar(0x0D)
        case "t": return .scalar(0x09)
        case _ where scalar.value < 0x80 && !scalar.properties.isAlphabetic && scalar.properties.numericType == nil:
            return .scalar(scalar.value)
        default: return nil
        }
    }

    /// False for a quantifier that is not greedy, or counts too far.
    private mutating func quantify(_ item: inout Item) -> Bool {
        if take("+") {
            item.most = .max
        } else if take("*") {
            (item.least, item.most) = (0, .max)
        } else if take("?") {
            item.least = 0
        } else if take("{") {
            guard let least = number() else { return false }
            (item.least, item.most) = (least, least)
            if take(",") { item.most = rest.first == "}" ? .max : number() ?? -1 }
            guard take("}"), item.least <= item.most, item.most > 0 else { return false }
        } else {
            return true
        }
        return !["+", "*", "?", "{"].contains(rest.first)
    }

    private mutating func number() -> Int? {
        let digits = rest.prefix { $0.value &- 0x30 < 10 }
        guard (1...4).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return digits.reduce(0) { 10 * $0 + Int($1.value) - 0x30 }
    }

    private mutating func take(_ text: String) -> Bool {
        guard rest.starts(with: text.unicodeScalars) else { return false }
        rest = rest.dropFirst(text.unicodeScalars.count)
        return true
    }
}
