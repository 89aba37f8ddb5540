/// Collects decompressed bytes into rows, undoes their filters, and puts their pixels where they belong.
struct PNGRows {
    private let header: PNGHeader
    private let colour: PNGColour
    private let passes: [PNGPass]
    private var passIndex = 0
    private var y = 0
    /// `PNGFilters.lead` zeros, the row, `PNGFilters.tail` bytes. The last byte of the lead takes the filter's number.
    private var row: [UInt8] = []
    private var above: [UInt8] = []
    private var filled = 0
    /// `[height, width, 3]`, black where nothing was decoded.
    private(set) var pixels: [UInt8]

    init(_ file: PNGFile, options: DecodingOptions) {
        header = file.header
        colour = PNGColour(file, options: options)
        passes = PNGPass.passes(of: header)
        pixels = pictureMemory(header.width * header.height * 3)
        beginPass()
    }

    var isComplete: Bool { passIndex == passes.count }

    private mutating func beginPass() {
        guard !isComplete else { return }
        let count = PNGFilters.lead + header.rowBytes(width: passes[passIndex].width) + PNGFilters.tail
        row = [UInt8](repeating: 0, count: count)
        above = row
        y = 0
    }

    /// Takes the next bytes of the stream; what comes after the last row is ignored.
    /// - Returns: false for a filter that does not exist.
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var taken = 0
        while taken < bytes.count, !isComplete {
            let start = PNGFilters.lead - 1
            let wanted = row.count - PNGFilters.tail - start
            let count = min(wanted - filled, bytes.count - taken)
            row.withUnsafeMutableBufferPointer { row in
                (row.baseAddress! + start + filled).update(from: bytes.baseAddress! + taken, count: count)
            }
            filled += count
            taken += count
            if filled == wanted {
                guard finishRow() else { return false }
            }
        }
        return true
    }

    private mutating func finishRow() -> Bool {
        let pass = passes[passIndex]
        let filter = row[PNGFilters.lead - 1]
        row[PNGFilters.lead - 1] = 0
        filled = 0
        let isKnown = row.withUnsafeMutableBufferPointer { row in
            above.withUnsafeBufferPointer { above in
                PNGFilters.undo(filter, row: row, above: above, distance: header.filterDistance)
            }
        }
        guard isKnown else { return false }
        let start = ((pass.top + y * pass.stepY) * header.width + pass.left) * 3
        row.withUnsafeBufferPointer { row in
            pixels.withUnsafeMutableBufferPointer { pixels in
                let end = min(start + pass.width * pass.stepX * 3, pixels.count)
                colour.convert(
                    UnsafeBufferPointer(rebasing: row[PNGFilters.lead..<row.count - PNGFilters.tail]),
                    count: pass.width, to: UnsafeMutableBufferPointer(rebasing: pixels[start..<end]),
                    step: pass.stepX * 3)
            }
        }
        swap(&row, &above)
        y += 1
        if y == pass.height {
            passIndex += 1
            beginPass()
        }
        return true
    }
}
