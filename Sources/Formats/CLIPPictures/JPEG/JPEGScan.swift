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

extension JPEGScan {
    /// Reads the blocks of the MCU row `mcuRow`.
    /// - Parameters:
    ///   - coefficients: one for each of the frame's components.
    ///   - top: at which MCU row of `coefficients` the blocks go.
    /// - Returns: whether there was any data.
    @inline(__always)
    @discardableResult
    mutating func readRow(
        _ mcuRow: Int, _ header: JPEGScanHeader, _ frame: JPEGFrame, into coefficients: [JPEGCoefficients], top: Int
    ) -> Bool {
        var hasData = false
        if header.members.count == 1 {
            // The MCUs are single blocks, and there are none but the picture's.
            let component = frame.components[header.members[0].component]
            let plane = coefficients[header.members[0].component]
            let vertical = component.layout.vertical
            for row in 0..<min(vertical, component.blockRows - mcuRow * vertical) {
                let first = (top &* vertical &+ row) &* plane.blocksPerRow
                for column in 0..<component.blocksPerRow where beginUnit() {
                    readBlock(member: 0, index: first &+ column, of: plane)
                    endUnit()
                    hasData = true
                }
            }
        } else {
            for mcu in 0..<frame.mcusPerRow where beginUnit() {
                for (member, place) in header.members.enumerated() {
                    let layout = frame.components[place.component].layout
                    let plane = coefficients[place.component]
                    for y in 0..<layout.vertical {
                        let row = (top &* layout.vertical &+ y) &* plane.blocksPerRow
                        for x in 0..<layout.horizontal {
                            readBlock(member: member, index: row &+ mcu &* layout.horizontal &+ x, of: plane)
                        }
                    }
                }
                endUnit()
                hasData = true
            }
        }
        return hasData
    }
}
