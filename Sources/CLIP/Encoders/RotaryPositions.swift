internal import CLIPCompute
internal import CLIPSystem

/// Rotary positions in two dimensions (Su et al., 2021; Fang et al., 2023): of each head of a query or key one half of the
/// pairs is turned by the patch's row, the other by its column, each pair by a frequency of its own.
package struct RotaryPositions: Sendable, Equatable {
    /// The side of the grid that positions are scaled to.
    package var referenceSize: Int
    /// What is added to positions before they are scaled.
    package var offset: Int
    /// Whether the first half is the column's rather than the row's.
    package var columnFirst: Bool

    package init(referenceSize: Int, offset: Int = 0, columnFirst: Bool = false) {
        self.referenceSize = referenceSize
        self.offset = offset
        self.columnFirst = columnFirst
    }

    /// The sines and cosines of every patch of a square, for heads of `headWidth`.
    func table(gridSize: Int, headWidth: Int) -> RotationTable {
        let bands = (0..<headWidth / 4).map { 1 / Float(pow(10000, Double(Float($0) / Float(headWidth / 4)))) }
        var angles: [Float] = []
        for patch in 0..<gridSize * gridSize {
            let (row, column) = patch.quotientAndRemainder(dividingBy: gridSize)
            for place in columnFirst ? [column, row] : [row, column] {
                let position = Float(place + offset) / Float(gridSize) * Float(referenceSize)
                angles += bands.map { position * $0 }
            }
        }
        return RotationTable(angles: angles, pairs: 2 * bands.count)
    }
}
