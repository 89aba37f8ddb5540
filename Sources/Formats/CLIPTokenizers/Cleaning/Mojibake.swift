/// Repairs text that was decoded with the wrong encoding, `cafÃ©` for `café`: the rule and the tables of ftfy
/// (Robyn Speer), which OpenAI's and open_clip's tokenizers apply.
struct Mojibake {
    typealias Element = CanonicalComposition.Element

    /// How often a text is decoded again, each time from what it was before, until it is taken as it is.
    private static let mostPasses = 16
    private static let substitute: UInt8 = 0x1A
    private static let replacement: UInt32 = 0xFFFD

    private let signs = MojibakeSigns()

    /// Whether a scalar, by itself or after the one before it, could tell such a text: a filter that lets few others pass.
    func mayTell(_ scalar: UInt32, after previous: UInt32) -> Bool {
        switch scalar {
        case 0..<0x80: false
        case 0x80..<0xA0, 0xC2, 0xC3, 0x152, 0x153: true
        default: previous >= 0x80 && signs.kind(of: scalar) != 0 && signs.kind(of: previous) != 0
        }
    }

    /// Whether something in the text is more likely to be wrong than meant.
    func isLikely(in text: ArraySlice<Element>) -> Bool { signs.areIn(text) }

    /// One line of a text, repaired.
    func repaired(_ text: [Element]) -> [Element] {
        var text = text
        for _ in 0..<Mojibake.mostPasses {
            guard let next = decodedAgain(text) else { break }
            let isSame = next.elementsEqual(text) { $0.scalar == $1.scalar }
            text = next
            if isSame { break }
        }
        return text
    }

    /// Nil if it is to stay as it is.
    private func decodedAgain(_ text: [Element]) -> [Element]? {
        let mayBe = text.indices.contains { mayTell(text[$0].scalar, after: $0 > 0 ? text[$0 - 1].scalar : 0) }
        guard mayBe, signs.areIn(text[...]) else { return nil }
        // As UTF-8 that was taken for one of the encodings with a byte for each character.
        for encoding in SingleByteEncoding.all {
            guard var bytes = encoding.encode(text) else { continue }
            if !encoding.isMacRoman { bytes = restoringSpaces(in: bytes) }
            if encoding.isSloppy { bytes = markingLosses(in: bytes) }
            if let decoded = decode(bytes) { return decoded }
        }
        if let mended = mendingParts(of: text) { return mended }
        // As Windows' encoding that was taken for Latin-1, as a whole or where it must be.
        let isLatin = text.allSatisfy { $0.scalar < 0x100 }
        if isLatin, let decoded = fromWindows(text, isStrict: true),
            !decoded.elementsEqual(text, by: { $0.scalar == $1.scalar })
        {
            return decoded
        }
        return text.contains { 0x80..<0xA0 ~= $0.scalar } ? fromWindows(text, isStrict: false) : nil
    }

    /// Controls of Latin-1 as the characters that Windows has there.
    /// - Returns: nil if it has none for one of them, and `isStrict`.
    private func fromWindows(_ text: [Element], isStrict: Bool) -> [Element]? {
        var result = text
        for index in text.indices where 0x80..<0xA0 ~= text[index].scalar {
            let byte = UInt8(text[index].scalar)
            let scalar = SingleByteEncoding.windows1252.decode(byte)
            // What the encoding leaves free.
            if isStrict, scalar == UInt32(byte) { return nil }
            result[index].scalar = scalar
        }
        return result
    }

    /// Repairs each part that looks like UTF-8, where the whole can't be.
    private func mendingParts(of text: [Element]) -> [Element]? {
        var result: [Element] = []
        var taken = 0
        var isChanged = false
        for range in signs.likelyUTF8(in: text) {
            result += text[taken..<range.lowerBound]
            taken = range.upperBound
            let part = Array(text[range])
            if part.count < text.count, signs.areIn(part[...]) {
                let repaired = repaired(part)
                isChanged = isChanged || !repaired.elementsEqual(part) { $0.scalar == $1.scalar }
                result += repaired
            } else {
                result += part
            }
        }
        return isChanged ? result + text[taken...] : nil
    }
}

extension Mojibake {
    /// A byte and where in the text it comes from.
    struct Byte {
        var value: UInt8
        var offset: Int
    }

    private typealias Test = (UInt8) -> Bool

    /// Spaces that were no-break spaces, byte A0, within characters of UTF-8.
    private func restoringSpaces(in bytes: [Byte]) -> [Byte] {
        guard bytes.contains(where: { $0.value == 0x20 }), matchesAltered(bytes) else { return bytes }
        var result: [Byte] = []
        result.reserveCapacity(bytes.count + 8)
        var index = 0
        // An à before a space, which was A0 and a space once.
        while index < bytes.count {
            result.append(bytes[index])
            if bytes[index].value == 0xC3, index + 1 < bytes.count, bytes[index + 1].value == 0x20,
                !["20", "7175656C65", "7175656C61", "7175696C6F", "7320"].contains(where: {
                    follows($0, bytes, index + 2)
                })
            {
                result.append(Byte(value: 0xA0, offset: bytes[index].offset))
            }
            index += 1
        }
        index = 0
        while index < result.count {
            guard let length = alteredLength(result, at: index) else {
                index += 1
                continue
            }
            for place in index..<index + length where result[place].value == 0x20 { result[place].value = 0xA0 }
            index += length
        }
        return result
    }

    /// Whether bytes, in hexadecimal digits, stand at a place.
    private func follows(_ digits: String, _ bytes: [Byte], _ start: Int) -> Bool {
        let wanted = stride(from: 0, to: digits.utf8.count, by: 2).compactMap {
            UInt8(digits.dropFirst($0).prefix(2), radix: 16)
        }
        return start + wanted.count <= bytes.count && bytes[start..<start + wanted.count].map(\.value) == wanted
    }

    private func matchesAltered(_ bytes: [Byte]) -> Bool {
        bytes.indices.contains { alteredLength(bytes, at: $0) != nil }
    }

    /// The length of a character of UTF-8 at a place in which a space stands for byte A0.
    private func alteredLength(_ bytes: [Byte], at start: Int) -> Int? {
        func byte(_ offset: Int) -> UInt8 { start + offset < bytes.count ? bytes[start + offset].value : 0 }
        func continues(_ byte: UInt8) -> Bool { 0x80..<0xC0 ~= byte }
        /// Without those that would make a letter with a space after it.
        func continuesOften(_ byte: UInt8) -> Bool { continues(byte) && byte != 0x85 && byte != 0xA0 }
        let (first, second, third, fourth) = (byte(0), byte(1), byte(2), byte(3))
        if [0xC2, 0xC3, 0xC5, 0xCE, 0xD0, 0xD9].contains(first), second == 0x20 { return 2 }
        if first == 0xE2 || first == 0xE3, second == 0x20, continuesOften(third) { return 3 }
        if 0xE0...0xE3 ~= first, continuesOften(second), third == 0x20 { return 3 }
        guard first == 0xF0 else { return nil }
        if second == 0x20, continues(third), continues(fourth) { return 4 }
        if continues(second), third == 0x20, continues(fourth) { return 4 }
        return continues(second) && continues(third) && fourth == 0x20 ? 4 : nil
    }

    /// Characters of which some bytes got lost, as the replacement character.
    private func markingLosses(in bytes: [Byte]) -> [Byte] {
        guard bytes.contains(where: { $0.value == Mojibake.substitute || $0.value == 0x3F }) else { return bytes }
        var result: [Byte] = []
        result.reserveCapacity(bytes.count + 8)
        var index = 0
        while index < bytes.count {
            guard let length = lossyLength(bytes, at: index) else {
                result.append(bytes[index])
                index += 1
                continue
            }
            result += [0xEF, 0xBF, 0xBD].map { Byte(value: $0, offset: bytes[index].offset) }
            index += length
        }
        return result
    }

    private func lossyLength(_ bytes: [Byte], at start: Int) -> Int? {
        func matches(_ tests: Test...) -> Bool {
            guard start + tests.count <= bytes.count else { return false }
            return zip(tests, bytes[start...]).allSatisfy { $0($1.value) }
        }
        func range(_ range: ClosedRange<UInt8>) -> Test { { range.contains($0) } }
        let lost: Test = { $0 == Mojibake.substitute || $0 == 0x3F }
        let kept: Test = { $0 == Mojibake.substitute || 0x80..<0xC0 ~= $0 }
        let any: Test = { lost($0) || kept($0) }
        let isSurrogate = range(0xED...0xED)
        if matches(range(0xC2...0xDF), { $0 == Mojibake.substitute }) || matches(range(0xC2...0xC3), { $0 == 0x3F }) {
            return 2
        }
        if matches(isSurrogate, range(0xA0...0xAF), lost, isSurrogate, range(0xB0...0xBF), any)
            || matches(isSurrogate, range(0xA0...0xAF), any, isSurrogate, range(0xB0...0xBF), lost)
        {
            return 6
        }
        let three = range(0xE0...0xEF)
        if matches(three, lost, kept) || matches(three, kept, lost) { return 3 }
        let four = range(0xF0...0xF4)
        if matches(four, lost, kept, kept) || matches(four, kept, lost, kept) || matches(four, kept, kept, lost) {
            return 4
        }
        return bytes[start].value == Mojibake.substitute ? 1 : nil
    }

    /// The text that bytes are in UTF-8, or in its variants with surrogates and a long zero; nil if they are none.
    private func decode(_ bytes: [Byte]) -> [Element]? {
        var text: [Element] = []
        text.reserveCapacity(bytes.count)
        var index = 0
        func byte(_ offset: Int) -> UInt32 { index + offset < bytes.count ? UInt32(bytes[index + offset].value) : 0 }
        func continues(_ offset: Int) -> Bool { byte(offset) & 0xC0 == 0x80 }
        while index < bytes.count {
            let first = byte(0)
            var (scalar, length) = (first, 1)
            switch first {
            case 0..<0x80: break
            case 0xC0 where byte(1) == 0x80: (scalar, length) = (0, 2)
            case 0xC2..<0xE0:
                guard continues(1) else { return nil }
                (scalar, length) = ((first & 0x1F) << 6 | byte(1) & 0x3F, 2)
            case 0xE0..<0xF0:
                guard continues(1), continues(2) else { return nil }
                (scalar, length) = ((first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | byte(2) & 0x3F, 3)
                guard scalar >= 0x800 else { return nil }
                if 0xD800..<0xE000 ~= scalar {
                    guard scalar < 0xDC00, byte(3) == 0xED, 0xB0..<0xC0 ~= byte(4), continues(5) else { return nil }
                    scalar = 0x10000 + (scalar & 0x3FF) << 10 + (byte(4) & 0x0F) << 6 + byte(5) & 0x3F
                    length = 6
                }
            case 0xF0..<0xF5:
                guard continues(1), continues(2), continues(3) else { return nil }
                scalar = (first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | byte(3) & 0x3F
                guard 0x10000..<0x110000 ~= scalar else { return nil }
                length = 4
            default: return nil
            }
            text.append(Element(scalar: scalar, offset: bytes[index].offset))
            index += length
        }
        return text
    }
}

/// What tells text that was decoded with the wrong encoding: characters side by side that seldom are.
private struct MojibakeSigns {
    typealias Element = CanonicalComposition.Element

    /// What a row can ask beside the sets.
    private enum Special {
        static let space = 200
        static let word = 201
        static let noLetter = 202
        static let any = 203
        static let maybeSpace = 204
        static let start = 205
    }

    private static let rows: [[Int]] = {
        let table = SixBitTable(MojibakeTables.rows)
        var rows: [[Int]] = [[]]
        var offset = 0
        while offset < table.count {
            // A space is below all digits.
            if MojibakeTables.rows.utf8Start[offset] == 0x20 {
                rows.append([])
                offset += 1
            } else {
                rows[rows.count - 1].append(Int(table.number(at: offset, count: 2)))
                offset += 2
            }
        }
        return rows.filter { !$0.isEmpty }
    }()

    /// Of each kind the rows that begin with it, a bit each; then those that begin with none, which is asked apart.
    private static let rowsOfKinds: (byKind: [UInt64], others: UInt64) = {
        var byKind = [UInt64](repeating: 0, count: MojibakeTables.kindCount)
        var others: UInt64 = 0
        precondition(rows.count <= 64)
        for (number, row) in rows.enumerated() {
            if row[0] >= Special.space { others |= 1 << UInt64(number) }
            for kind in byKind.indices where row[0] < Special.space && contains(row[0], kind) {
                byKind[kind] |= 1 << UInt64(number)
            }
        }
        return (byKind, others)
    }()

    private static let kindsOfASCII: [UInt8] = (0..<0x80).map { UInt8(searchedKind(of: $0)) }

    private let classes = ScalarClasses()

    private static func searchedKind(of scalar: UInt32) -> Int {
        let table = SixBitTable(MojibakeTables.kinds)
        guard let row = table.row(of: UInt64(scalar), keyLength: 4, rowLength: 6) else { return 0 }
        return Int(table.number(at: row + 4, count: 2))
    }

    /// 0 for a scalar that is in no set.
    func kind(of scalar: UInt32) -> Int {
        scalar < 0x80 ? Int(MojibakeSigns.kindsOfASCII[Int(scalar)]) : MojibakeSigns.searchedKind(of: scalar)
    }

    private static func contains(_ set: Int, _ kind: Int) -> Bool {
        MojibakeTables.members.utf8Start[set * MojibakeTables.kindCount + kind] == UInt8(ascii: "1")
    }

    func areIn(_ text: ArraySlice<Element>) -> Bool {
        // No row is of ASCII alone: one that matches has another character within its first places.
        var tested = text.startIndex
        for index in text.indices where text[index].scalar >= 0x80 {
            for start in max(tested, index - 2)...index where isStart(of: text, at: start) { return true }
            tested = index + 1
        }
        return false
    }

    private func isStart(of text: ArraySlice<Element>, at place: Int) -> Bool {
        let rows = MojibakeSigns.rowsOfKinds
        var candidates = rows.byKind[kind(of: text[place].scalar)] | rows.others
        while candidates != 0 {
            let row = MojibakeSigns.rows[candidates.trailingZeroBitCount]
            if matches(row[...], text, at: place) { return true }
            candidates &= candidates - 1
        }
        return false
    }

    private func matches(_ row: ArraySlice<Int>, _ text: ArraySlice<Element>, at place: Int) -> Bool {
        guard let first = row.first else { return true }
        let rest = row.dropFirst()
        if first == Special.start { return place == text.startIndex && matches(rest, text, at: place) }
        if first == Special.maybeSpace {
            if place < text.endIndex, isSpace(text[place].scalar), matches(rest, text, at: place + 1) { return true }
            return matches(rest, text, at: place)
        }
        guard place < text.endIndex else { return false }
        let scalar = text[place].scalar
        let isMember =
            switch first {
            case Special.space: isSpace(scalar)
            case Special.word: isWord(scalar)
            case Special.noLetter: !(scalar < 0x80 && (scalar | 0x20) &- 0x61 < 26)
            case Special.any: scalar != 0x0A
            default: MojibakeSigns.contains(first, kind(of: scalar))
            }
        return isMember && matches(rest, text, at: place + 1)
    }

    private func isSpace(_ scalar: UInt32) -> Bool {
        scalar &- 0x1C < 4 || classes[scalar].kind(knowsNewer: true) == .space
    }

    private func isWord(_ scalar: UInt32) -> Bool {
        let kind = classes[scalar].kind(knowsNewer: true)
        return scalar == 0x5F || kind == .letter || kind == .number
    }

    /// Where the text looks like characters of UTF-8 with a character for each byte.
    func likelyUTF8(in text: [Element]) -> [Range<Int>] {
        let kinds = text.map { kind(of: $0.scalar) }
        let (two, three, four, continues, surelyContinues) = MojibakeTables.clues
        var ranges: [Range<Int>] = []
        var start = 0
        while start < text.count {
            var end = start
            if start == 0 || !MojibakeSigns.contains(surelyContinues, kinds[start - 1]) {
                search: while end < text.count {
                    for (first, length) in [(two, 2), (three, 3), (four, 4)]
                    where MojibakeSigns.contains(first, kinds[end]) && end + length <= text.count
                        && kinds[(end + 1)..<(end + length)].allSatisfy({ MojibakeSigns.contains(continues, $0) })
                    {
                        end += length
                        continue search
                    }
                    break
                }
            }
            if end > start { ranges.append(start..<end) }
            start = max(end, start + 1)
        }
        return ranges
    }
}

/// An encoding with a byte for each character, as `MojibakeTables` has it.
private struct SingleByteEncoding: Sendable {
    /// Of Latin-1 nil: its bytes are the characters' numbers.
    private let index: Int?

    /// In the order in which they are tried.
    static let all =
        [SingleByteEncoding(index: nil)] + MojibakeTables.encodings.indices.map(SingleByteEncoding.init(index:))
    static let windows1252 = SingleByteEncoding(index: MojibakeTables.windows1252)

    var isMacRoman: Bool { index == MojibakeTables.macRoman }
    /// Whether the bytes that Windows leaves free are the controls of Latin-1, and one stands for lost characters.
    var isSloppy: Bool { index.map { $0 < MojibakeTables.sloppyCount } ?? false }

    /// The bytes of a text; nil if it has characters that the encoding hasn't.
    func encode(_ text: [CanonicalComposition.Element]) -> [Mojibake.Byte]? {
        var bytes: [Mojibake.Byte] = []
        bytes.reserveCapacity(text.count)
        let table = index.map { SixBitTable(MojibakeTables.encodings[$0]) }
        for element in text {
            var byte = element.scalar
            if byte >= 0x80, let table {
                guard let row = table.row(of: UInt64(byte), keyLength: 4, rowLength: 6) else { return nil }
                byte = table.number(at: row + 4, count: 2)
            }
            // Where this byte stands for what got lost, it can't stand for itself.
            guard byte < 0x100, !isSloppy || element.scalar != 0x1A else { return nil }
            bytes.append(Mojibake.Byte(value: UInt8(byte), offset: element.offset))
        }
        return bytes
    }

    /// The character of a byte that is not ASCII.
    func decode(_ byte: UInt8) -> UInt32 {
        guard let index else { return UInt32(byte) }
        let table = SixBitTable(MojibakeTables.encodings[index])
        let row = stride(from: 0, to: table.count, by: 6).first { table.number(at: $0 + 4, count: 2) == UInt32(byte) }
        return row.map { table.number(at: $0, count: 4) } ?? UInt32(byte)
    }
}
