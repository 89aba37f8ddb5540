/// The named characters of HTML.
struct HTMLEntities {
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
