/// Reads a scan's entropy-coded data, block by block.
protocol JPEGScan {
    var reader: JPEGBitReader { get }
    /// Whether the data ended, or a marker came, before the scan's last block.
    var hasRunOut: Bool { get }
    /// Whether none of the blocks still to come has data.
    var isExhausted: Bool { get }

    /// To be called before each MCU.
    /// - Returns: whether it has data; its blocks are to be left as they are, and `endUnit` not called, otherwise.
    mutating func beginUnit() -> Bool
    /// To be called after each MCU.
    mutating func endUnit()
    /// Reads one block of an MCU.
    /// - Parameters:
    ///   - member: index of the component within the scan.
    ///   - index: the block's place in `plane`, which has the component's coefficients.
    mutating func readBlock(member: Int, index: Int, of plane: JPEGCoefficients)
}
