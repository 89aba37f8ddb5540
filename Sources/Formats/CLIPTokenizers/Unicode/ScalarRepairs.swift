/// Scalars that open_clip's tokenizer replaces: curly quotes, ligatures, full- and half-width forms, controls.
struct ScalarRepairs {
    private let table = SixBitTable(UnicodeTables.repairs)

    /// What to put in place of a scalar, maybe nothing; nil to leave it.
    subscript(_ scalar: UInt32) -> [UInt32]? {
        guard let row = table.row(of: UInt64(scalar), keyLength: 4, rowLength: 16) else { return nil }
        return content(at: row)
    }

    /// Every scalar that is replaced, in order.
    var all: [(scalar: UInt32, content: [UInt32])] {
        stride(from: 0, to: table.count, by: 16).map { (table.number(at: $0, count: 4), content(at: $0)) }
    }

    private func content(at row: Int) -> [UInt32] {
        [4, 8, 12].map { table.number(at: row + $0, count: 4) }.filter { $0 != 0 }
    }
}
