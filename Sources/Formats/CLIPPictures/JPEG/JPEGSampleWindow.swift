/// The rows of one component that are at hand: those of the MCU row under way, and the end of the one before, which
/// upsampling still needs.
///
/// A row group is the rows that make up `maximumVertical` rows of the picture. An MCU row has eight, fewer if the
/// picture is scaled.
final class JPEGSampleWindow {
    /// Samples before the first and behind the last of a row that may be read and written.
    static let margin = 32
    private static let keptGroups = 2

    /// Bytes from a row to the next.
    let stride: Int
    let groupsPerMCURow: Int
    private let rowsPerGroup: Int
    private let blockSize: Int
    /// The last row that belongs to the picture.
    private let lastRow: Int
    /// The row of the component that the window's first row holds.
    private var firstRow: Int
    private let samples: JPEGStorage<UInt8>

    /// - Parameter mcuRow: the first one that comes.
    init(_ component: JPEGComponent, groupsPerMCURow: Int, mcuRow: Int) {
        self.groupsPerMCURow = groupsPerMCURow
        blockSize = component.blockSize
        stride = component.paddedBlocksPerRow * blockSize + 2 * Self.margin
        rowsPerGroup = component.vertical
        lastRow = component.height - 1
        firstRow = (mcuRow * groupsPerMCURow - Self.keptGroups) * rowsPerGroup
        samples = JPEGStorage(
            repeating: 128, count: stride * rowsPerGroup * (Self.keptGroups + groupsPerMCURow))
    }

    /// Where the MCU row's block at (`blockRow`, `column`) begins.
    @inline(__always)
    func block(row blockRow: Int, column: Int) -> UnsafeMutablePointer<UInt8> {
        let row = Self.keptGroups &* rowsPerGroup &+ blockSize &* blockRow
        return samples.base + (row &* stride &+ Self.margin &+ blockSize &* column)
    }

    /// The component's row `row`, or the picture's first or last where that lies outside.
    ///
    /// It has to be one of the MCU row under way or of the two row groups before.
    func row(_ row: Int) -> UnsafeMutablePointer<UInt8> {
        let index = min(max(row, 0), lastRow) - firstRow
        precondition(index >= 0 && (index + 1) * stride <= samples.count, "the row is not in the window")
        return samples.base + (index * stride + Self.margin)
    }

    /// Goes on to the next MCU row.
    func advance() {
        let kept = Self.keptGroups * rowsPerGroup
        let next = groupsPerMCURow * rowsPerGroup
        samples.base.update(from: samples.base + next * stride, count: kept * stride)
        firstRow += next
    }
}
