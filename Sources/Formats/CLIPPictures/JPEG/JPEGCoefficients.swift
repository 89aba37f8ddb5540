/// Coefficients of a component: all of them, for pictures whose blocks arrive in more than one scan, or an MCU row's.
final class JPEGCoefficients {
    let blocksPerRow: Int
    let blockRows: Int
    /// `[blockRows, blocksPerRow, 64]`, each block row by row, not yet dequantised.
    private let values: JPEGStorage<Int16>
    /// `[blockRows, blocksPerRow]`: for progressive scans exactly the coefficients that are not zero.
    private let sets: JPEGStorage<JPEGCoefficientSet>

    init(_ component: JPEGComponent, blockRows: Int) {
        blocksPerRow = component.paddedBlocksPerRow
        self.blockRows = blockRows
        values = JPEGStorage(repeating: 0, count: blocksPerRow * blockRows * 64)
        sets = JPEGStorage(repeating: JPEGCoefficientSet(), count: blocksPerRow * blockRows)
    }

    /// The 64 coefficients of the block that is `index` from the first, row by row.
    @inline(__always)
    func block(_ index: Int) -> UnsafeMutablePointer<Int16> { values.base + index &* 64 }

    func clear() {
        values.base.update(repeating: 0, count: values.count)
        sets.base.update(repeating: JPEGCoefficientSet(), count: sets.count)
    }

    /// The coefficients of a row of blocks and all that follow, to be given back to the system once they are used up.
    func memory(fromRow row: Int) -> UnsafeMutableRawPointer { UnsafeMutableRawPointer(block(row * blocksPerRow)) }

    @inline(__always)
    func set(_ index: Int) -> UnsafeMutablePointer<JPEGCoefficientSet> { sets.base + index }
}
