/// How far from the top left corner a block's coefficients may differ from zero: lets the inverse transform leave out
/// work. All indices (row × 8 + column) of such coefficients, or-ed together.
struct JPEGBlockExtent {
    var indices: Int

    static let dcOnly = JPEGBlockExtent(indices: 0)
    /// Only the first row.
    static let firstRow = JPEGBlockExtent(indices: 0b000_111)
    /// Only the first four rows of the first four columns.
    static let quadrant = JPEGBlockExtent(indices: 0b011_011)
    static let whole = JPEGBlockExtent(indices: 0b111_111)

    var isDCOnly: Bool { indices == 0 }
    var isFirstRow: Bool { indices & 0b111_000 == 0 }
    var isQuadrant: Bool { indices & 0b100_100 == 0 }
}

/// Which coefficients of a block differ from zero: bit n is the n-th in zigzag order.
struct JPEGCoefficientSet {
    var bits: UInt64 = 0

    /// The set of all coefficients within an extent's rows and columns.
    private static func within(_ extent: JPEGBlockExtent) -> UInt64 {
        (0..<64).reduce(0) { bits, position in
            Int(JPEGZigzag.order[position]) & ~extent.indices == 0 ? bits | 1 << UInt64(position) : bits
        }
    }

    private static let firstRow = within(.firstRow)
    private static let quadrant = within(.quadrant)

    mutating func insert(_ extent: JPEGBlockExtent) {
        bits |=
            extent.isDCOnly ? 1 : extent.isFirstRow ? Self.firstRow : extent.isQuadrant ? Self.quadrant : .max
    }

    /// The least extent of the few kinds that the inverse transform tells apart.
    var extent: JPEGBlockExtent {
        if bits & ~1 == 0 { return .dcOnly }
        if bits & ~Self.firstRow == 0 { return .firstRow }
        return bits & ~Self.quadrant == 0 ? .quadrant : .whole
    }
}
