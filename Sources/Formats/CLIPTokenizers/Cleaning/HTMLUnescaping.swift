/// Replaces character references by the characters they stand for.
struct HTMLUnescaping {
    typealias Element = CanonicalComposition.Element

    enum Strictness {
        /// As browsers do (HTML standard, section 13.2.5.72 on): old names need no semicolon, even within a word.
        case standard
        /// Whole references alone, with a semicolon; names in capitals count.
        case cautious
    }

    let strictness: Strictness
    private let entities = HTMLEntities()
    private let repairs = ScalarRepairs()

    init(_ strictness: Strictness) { self.strictness = strictness }

    func unescape(_ text: [Element]) -> [Element] {
        guard text.contains(where: { $0.scalar == 0x26 }) else { return text }
        var result: [Element] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if text[index].scalar == 0x26, let (scalars, length) = reference(in: text, at: index + 1) {
                result += scalars.map { Element(scalar: $0, offset: text[index].offset) }
                index += 1 + length
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    /// What the reference after an ampersand stands for, and its length without the ampersand.
    private func reference(in text: [Element], at start: Int) -> (scalars: [UInt32], length: Int)? {
        guard start < text.count else { return nil }
        return text[start].scalar == 0x23 ? number(in: text, at: start) : name(in: text, at: start)
    }

    private func number(in text: [Element], at start: Int) -> (scalars: [UInt32], length: Int)? {
        var index = start + 1
        let isHexadecimal = index < text.count && text[index].scalar | 0x20 == 0x78
        if isHexadecimal { index += 1 }
        let firstDigit = index
        var value: UInt32 = 0
        while index < text.count, let digit = digit(text[index].scalar, isHexadecimal) {
            value = min(value * (isHexadecimal ? 16 : 10) + digit, 0x11_0000)
            index += 1
        }
        guard index > firstDigit else { return nil }
        let hasSemicolon = index < text.count && text[index].scalar == 0x3B
        let scalars = characters(of: value)
        if strictness == .cautious {
            guard hasSemicolon, index - start <= 24 + 1, value != 0x3B else { return nil }
        }
        return (scalars, index - start + (hasSemicolon ? 1 : 0))
    }

    private func digit(_ scalar: UInt32, _ isHexadecimal: Bool) -> UInt32? {
        if scalar &- 0x30 < 10 { return scalar - 0x30 }
        guard isHexadecimal, case let letter = (scalar | 0x20) &- 0x61, letter < 6, scalar < 0x80 else { return nil }
        return letter + 10
    }

    /// Numbers that are no characters become none, or what old pages mean by them.
    private func characters(of value: UInt32) -> [UInt32] {
        switch value {
        case 0, 0xD800..<0xE000, 0x11_0000...: [0xFFFD]
        case 0x80..<0xA0: repairs[value] ?? [value]
        case 1..<9, 0x0B, 0x0E..<0x20, 0x7F, 0xFDD0..<0xFDF0: []
        case _ where value & 0xFFFE == 0xFFFE: []
        default: [value]
        }
    }

    private func name(in text: [Element], at start: Int) -> (scalars: [UInt32], length: Int)? {
        // At most 32 characters, none of them one that ends a name.
        var end = start
        while end < text.count, end - start < 32, !endsName(text[end].scalar) { end += 1 }
        guard end > start else { return nil }
        let name = text[start..<end].lazy.map(\.scalar)
        let hasSemicolon = end < text.count && text[end].scalar == 0x3B
        if let entity = entities[name], hasSemicolon || entity.needsNoSemicolon {
            if strictness == .cautious ? hasSemicolon && end - start <= 24 : !entity.isNonstandard {
                return (entity.scalars, end - start + (hasSemicolon ? 1 : 0))
            }
        }
        guard strictness == .standard else { return nil }
        // Failing that, the longest old name that the word starts with.
        for length in stride(
            from: min(end - start - (hasSemicolon ? 0 : 1), HTMLEntities.longestOldName), to: 1, by: -1)
        {
            if let entity = entities[name.prefix(length)], entity.needsNoSemicolon { return (entity.scalars, length) }
        }
        return nil
    }

    private func endsName(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0x09, 0x0A, 0x0C, 0x20, 0x23, 0x26, 0x3B, 0x3C: true
        default: strictness == .cautious && !isAlphanumeric(scalar)
        }
    }

    private func isAlphanumeric(_ scalar: UInt32) -> Bool {
        scalar &- 0x30 < 10 || scalar < 0x80 && (scalar | 0x20) &- 0x61 < 26
    }
}

/// The named characters of HTML.
private struct HTMLEntities {
    struct Entity {
        /// One or two scalars, three for a name in capitals.
        let scalars: [UInt32]
        /// One of the old names that count without a semicolon too.
        let needsNoSemicolon: Bool
        /// A name in capitals that no standard has.
        let isNonstandard: Bool
    }

    /// The longest name that needs no semicolon.
    static let longestOldName = 6

    private let lines = UnsafeBufferPointer(
        start: HTMLEntityTable.lines.utf8Start, count: HTMLEntityTable.lines.utf8CodeUnitCount)

    /// The entity of a name, without ampersand and semicolon.
    subscript(_ name: some Sequence<UInt32>) -> Entity? {
        var low = 0
        var high = lines.count
        while low < high {
            let start = startOfLine((low + high) / 2)
            let end = lines[start...].firstIndex(of: 0x20) ?? lines.count
            if lines[start..<end].lazy.map(UInt32.init).elementsEqual(name) { return entity(at: end + 1) }
            if lines[start..<end].lazy.map(UInt32.init).lexicographicallyPrecedes(name) {
                low = lines[end...].firstIndex(of: 0x0A).map { $0 + 1 } ?? lines.count
            } else {
                high = start
            }
        }
        return nil
    }

    private func startOfLine(_ offset: Int) -> Int {
        var start = offset
        while start > 0, lines[start - 1] != 0x0A { start -= 1 }
        return start
    }

    private func entity(at offset: Int) -> Entity {
        let table = SixBitTable(HTMLEntityTable.lines)
        let end = lines[offset...].firstIndex(of: 0x0A) ?? lines.count
        let scalars = stride(from: offset + 1, to: end, by: 4).map { table.number(at: $0, count: 4) }
        return Entity(
            scalars: scalars, needsNoSemicolon: lines[offset] == UInt8(ascii: "1"),
            isNonstandard: lines[offset] == UInt8(ascii: "2"))
    }
}
