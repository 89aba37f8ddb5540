/// What tells text that was decoded with the wrong encoding: characters side by side that seldom are.
struct MojibakeSigns {
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
