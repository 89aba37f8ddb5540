/// Reads a regular expression in the syntax that tokenizer.json has (Oniguruma's), as far as tokenizers use it.
struct PatternParser {
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
