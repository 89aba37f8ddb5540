/// The small letter of every scalar, by itself and without regard to its neighbours.
struct LowerCase {
    /// The only scalar whose small form is two: i and a dot above.
    static let capitalIWithDot: UInt32 = 0x130
    static let combiningDotAbove: UInt32 = 0x307

    /// Whether to know letters of late versions of Unicode, as transformers does and Python doesn't.
    let knowsLatest: Bool
    private let table = SixBitTable(UnicodeTables.lowercase)

    init(knowsLatest: Bool) { self.knowsLatest = knowsLatest }

    func callAsFunction(_ scalar: UInt32) -> UInt32 {
        guard let row = table.row(of: UInt64(scalar), keyLength: 4, rowLength: 9),
            knowsLatest || table.number(at: row + 8, count: 1) == 0
        else { return scalar }
        return table.number(at: row + 4, count: 4)
    }
}
