/// All coefficients of a component, for pictures whose blocks arrive in more than one scan.
final class JPEGCoefficients {
    let blocksPerRow: Int
    let blockRows: Int
    /// `[blockRows, blocksPerRow, 64]`, each block row by row, not yet dequantised.
    private let values: JPEGStorage<Int16>
    /// `[blockRows, blocksPerRow]`: for progressive scans exactly the coefficients that are not zero.
    private let sets: JPEGStorage<JPEGCoefficientSet>

    init(_ component: JPEGComponent) {
        blocksPerRow = component.paddedBlocksPerRow
        blockRows = component.paddedBlockRows
        values = JPEGStorage(repeating: 0, count: blocksPerRow * blockRows * 64)
        sets = JPEGStorage(repeating: JPEGCoefficientSet(), count: blocksPerRow * blockRows)
    }

    /// The 64 coefficients of the block that is `index` from the first, row by row.
    @inline(__always)
    func block(_ index: Int) -> UnsafeMutablePointer<Int16> { values.base + index &* 64 }

    @inline(__always)
    func set(_ index: Int) -> UnsafeMutablePointer<JPEGCoefficientSet> { sets.base + index }
}
