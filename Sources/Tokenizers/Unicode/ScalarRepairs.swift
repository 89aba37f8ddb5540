/// Scalars that open_clip's tokenizer replaces: curly quotes, ligatures, full- and half-width forms, controls.
struct ScalarRepairs {
    private let table = SixBitTable(UnicodeTables.repairs)

    /// What to put in place of a scalar, maybe nothing; nil to leave it.
    subscript(_ scalar: UInt32) -> [UInt32]? {
        guard let row = table.row(of: UInt64(scalar), keyLength: 4, rowLength: 16) else { return nil }
        return [4, 8, 12].map { table.number(at: row + $0, count: 4) }.filter { $0 != 0 }
    }
}
