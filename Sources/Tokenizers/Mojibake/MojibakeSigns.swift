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

    private let kinds = SixBitTable(MojibakeTables.kinds)
    private let classes = ScalarClasses()

    /// 0 for a scalar that is in no set.
    func kind(of scalar: UInt32) -> Int {
        guard let row = kinds.row(of: UInt64(scalar), keyLength: 4, rowLength: 6) else { return 0 }
        return Int(kinds.number(at: row + 4, count: 2))
    }

    private func contains(_ set: Int, _ kind: Int) -> Bool {
        MojibakeTables.members.utf8Start[set * MojibakeTables.kindCount + kind] == UInt8(ascii: "1")
    }

    func areIn(_ text: ArraySlice<Element>) -> Bool {
        let kinds = text.map { kind(of: $0.scalar) }
        let scalars = text.map(\.scalar)
        // No row is of ASCII alone: one that matches has another character within its first places.
        for start in scalars.indices {
            let near = scalars[start..<min(start + 3, scalars.count)]
            guard near.contains(where: { $0 >= 0x80 }) else { continue }
            for row in MojibakeSigns.rows where matches(row[...], scalars, kinds, at: start) { return true }
        }
        return false
    }

    private func matches(_ row: ArraySlice<Int>, _ scalars: [UInt32], _ kinds: [Int], at place: Int) -> Bool {
        guard let first = row.first else { return true }
        let rest = row.dropFirst()
        if first == Special.start { return place == 0 && matches(rest, scalars, kinds, at: place) }
        if first == Special.maybeSpace {
            if place < scalars.count, isSpace(scalars[place]), matches(rest, scalars, kinds, at: place + 1) {
                return true
            }
            return matches(rest, scalars, kinds, at: place)
        }
        guard place < scalars.count else { return false }
        let scalar = scalars[place]
        let isMember =
            switch first {
            case Special.space: isSpace(scalar)
            case Special.word: isWord(scalar)
            case Special.noLetter: !(scalar < 0x80 && (scalar | 0x20) &- 0x61 < 26)
            case Special.any: scalar != 0x0A
            default: contains(first, kinds[place])
            }
        return isMember && matches(rest, scalars, kinds, at: place + 1)
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
            if start == 0 || !contains(surelyContinues, kinds[start - 1]) {
                search: while end < text.count {
                    for (first, length) in [(two, 2), (three, 3), (four, 4)]
                    where contains(first, kinds[end]) && end + length <= text.count
                        && kinds[(end + 1)..<(end + length)].allSatisfy({ contains(continues, $0) })
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
