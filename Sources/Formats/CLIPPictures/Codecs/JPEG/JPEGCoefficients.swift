/// Coefficients of a component: all of them, for pictures whose blocks arrive in more than one scan, or some MCU rows'.
final class JPEGCoefficients {
    /// The coefficients for a loop, without counting references; whoever makes it keeps them.
    struct Plane: BitwiseCopyable {
        fileprivate let values: UnsafeMutablePointer<Int16>
        fileprivate let sets: UnsafeMutablePointer<JPEGCoefficientSet>
        let blocksPerRow: Int
        /// Rows of blocks in an MCU row.
        let rowsPerMCURow: Int

        /// The 64 coefficients of the block that is `index` from the first, row by row.
        @inline(__always)
        func block(_ index: Int) -> UnsafeMutablePointer<Int16> { values + index &* 64 }

        @inline(__always)
        func set(_ index: Int) -> UnsafeMutablePointer<JPEGCoefficientSet> { sets + index }
    }

    let plane: Plane
    /// `[blockRows, blocksPerRow, 64]`, each block row by row, not yet dequantised.
    private let values: JPEGStorage<Int16>
    /// `[blockRows, blocksPerRow]`: for progressive scans exactly the coefficients that are not zero.
    private let sets: JPEGStorage<JPEGCoefficientSet>

    init(_ component: JPEGComponent, blockRows: Int) {
        let blocksPerRow = component.paddedBlocksPerRow
        values = JPEGStorage(repeating: 0, count: blocksPerRow * blockRows * 64)
        sets = JPEGStorage(repeating: JPEGCoefficientSet(), count: blocksPerRow * blockRows)
        plane = Plane(
            values: values.base, sets: sets.base, blocksPerRow: blocksPerRow, rowsPerMCURow: component.layout.vertical)
    }

    func clear() {
        values.base.update(repeating: 0, count: values.count)
        sets.base.update(repeating: JPEGCoefficientSet(), count: sets.count)
    }

    /// The coefficients of a row of blocks and all that follow, to be given back to the system once they are used up.
    func memory(fromRow row: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(plane.block(row * plane.blocksPerRow))
    }
}

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

/// The order in which a block's coefficients are coded.
enum JPEGZigzag {
    /// For each position in zigzag order the index in the 8 × 8 block, row by row. Runs of zeros in damaged data end up
    /// to 16 positions beyond the block: those all mean the last coefficient.
    static let order: [UInt8] =
        [
            0, 1, 8, 16, 9, 2, 3, 10,
            17, 24, 32, 25, 18, 11, 4, 5,
            12, 19, 26, 33, 40, 48, 41, 34,
            27, 20, 13, 6, 7, 14, 21, 28,
            35, 42, 49, 56, 57, 50, 43, 36,
            29, 22, 15, 23, 30, 37, 44, 51,
            58, 59, 52, 45, 38, 31, 39, 46,
            53, 60, 61, 54, 47, 55, 62, 63,
        ] + [UInt8](repeating: 63, count: 16)
}

/// Memory of a fixed size that lives as long as this object, for loops that index it by numbers proven beforehand.
final class JPEGStorage<Element: BitwiseCopyable> {
    let base: UnsafeMutablePointer<Element>
    let count: Int

    init(repeating value: Element, count: Int) {
        base = .allocate(capacity: count)
        preferLargePages(UnsafeMutableBufferPointer(start: base, count: count))
        base.initialize(repeating: value, count: count)
        self.count = count
    }

    init(_ elements: [Element]) {
        base = .allocate(capacity: elements.count)
        count = elements.count
        _ = UnsafeMutableBufferPointer(start: base, count: count).initialize(from: elements)
    }

    deinit { base.deallocate() }
}
