/// MCU rows of a picture that are decoded apart from the others.
struct JPEGBand {
    /// The MCU rows with which the band's rows of the picture become complete.
    let rows: Range<Int>
    /// Where decoding begins: the MCU row above has samples that interpolation needs.
    let start: Int

    static func whole(_ frame: JPEGFrame) -> JPEGBand { JPEGBand(rows: 0..<frame.mcuRows, start: 0) }

    /// Splits a picture into as many bands as are worth a thread each.
    /// - Parameter alignment: decoding can begin only at multiples of this.
    static func split(_ frame: JPEGFrame, threads: Int, alignment: Int = 1) -> [JPEGBand] {
        // Of so many rows, those decoded twice are few.
        let leastRows = 8 * alignment
        let count = max(1, min(threads, frame.mcuRows / leastRows))
        return (0..<count).map { index in
            let rows = index * frame.mcuRows / count..<(index + 1) * frame.mcuRows / count
            return JPEGBand(rows: rows, start: max(rows.lowerBound - 1, 0) / alignment * alignment)
        }
    }
}
