/// A reversible change of the pixels that made them easier to compress (WebP lossless specification, section 4).
struct VP8LTransform {
    enum Kind {
        case predictor
        case crossColour
        case subtractGreen
        /// Pixels are palette indices, 2^bits of them in one.
        case colourIndexing(bits: Int)
    }

    let kind: Kind
    /// Width of the rows after it is undone.
    let width: Int
    /// Blocks have 2^blockBits pixels each way.
    var blockBits = 0
    /// One pixel for each block, or the palette.
    var data: [UInt32] = []
    /// The row above, undone, with one pixel more: the first of the row itself.
    private var above: [UInt32] = []

    init(kind: Kind, width: Int, blockBits: Int = 0, data: [UInt32] = []) {
        self.kind = kind
        self.width = width
        self.blockBits = blockBits
        self.data = data
        if case .predictor = kind { above = [UInt32](repeating: 0, count: width + 1) }
    }

    /// Undoes the transform of row `y`, in place. Rows have to come in order.
    mutating func undo(_ row: UnsafeMutableBufferPointer<UInt32>, y: Int) {
        switch kind {
        case .subtractGreen: addGreen(row)
        case .crossColour: undoCrossColour(row, y)
        case .colourIndexing(let bits): lookUp(row, bits)
        case .predictor: undoPrediction(row, y)
        }
    }

    private func addGreen(_ row: UnsafeMutableBufferPointer<UInt32>) {
        for x in 0..<width {
            let pixel = row[x]
            let green = pixel >> 8 & 0xFF
            let redAndBlue = (pixel & 0x00FF_00FF &+ (green | green << 16)) & 0x00FF_00FF
            row[x] = pixel & 0xFF00_FF00 | redAndBlue
        }
    }

    private func undoCrossColour(_ row: UnsafeMutableBufferPointer<UInt32>, _ y: Int) {
        let blocksAcross = subsampled(width, blockBits)
        @inline(__always) func signed(_ value: UInt32) -> Int32 {
            Int32(Int8(truncatingIfNeeded: value))
        }
        for block in 0..<blocksAcross {
            let element = data[(y >> blockBits) * blocksAcross + block]
            let (greenToRed, greenToBlue, redToBlue) = (
                signed(element), signed(element >> 8), signed(element >> 16)
            )
            for x in block << blockBits..<min((block + 1) << blockBits, width) {
                let pixel = row[x]
                let green = signed(pixel >> 8)
                let red = (pixel >> 16 &+ UInt32(bitPattern: (greenToRed &* green) >> 5)) & 0xFF
                let change = (greenToBlue &* green) >> 5 &+ (redToBlue &* signed(red)) >> 5
                let blue = (pixel &+ UInt32(bitPattern: change)) & 0xFF
                row[x] = pixel & 0xFF00_FF00 | red << 16 | blue
            }
        }
    }

    private func lookUp(_ row: UnsafeMutableBufferPointer<UInt32>, _ bits: Int) {
        let bitsPerIndex = 8 >> bits
        let mask = UInt32(1) << UInt32(bitsPerIndex) - 1
        data.withUnsafeBufferPointer { palette in
            // From the right, so that packed pixels are read before they are overwritten.
            for x in stride(from: width - 1, through: 0, by: -1) {
                let shift = UInt32(8 + (x & (1 << bits - 1)) * bitsPerIndex)
                let index = Int(row[x >> bits] >> shift & mask)
                row[x] = index < palette.count ? palette[index] : 0
            }
        }
    }

    private mutating func undoPrediction(_ row: UnsafeMutableBufferPointer<UInt32>, _ y: Int) {
        let black: UInt32 = 0xFF00_0000
        if y == 0 {
            row[0] = VP8LPixel.added(row[0], black)
            for x in 1..<max(width, 1) { row[x] = VP8LPixel.added(row[x], row[x - 1]) }
        } else {
            let blocksAcross = subsampled(width, blockBits)
            above.withUnsafeMutableBufferPointer { above in
                row[0] = VP8LPixel.added(row[0], above[0])
                // Right of the last pixel above lies the first one of this row.
                above[width] = row[0]
                for block in 0..<blocksAcross {
                    let mode = data[(y >> blockBits) * blocksAcross + block] >> 8 & 15
                    let pixels = max(1, block << blockBits)..<min((block + 1) << blockBits, width)
                    guard !pixels.isEmpty else { continue }
                    VP8LPixel.predict(mode, row, UnsafeBufferPointer(above), pixels)
                }
            }
        }
        for x in 0..<width { above[x] = row[x] }
    }
}
