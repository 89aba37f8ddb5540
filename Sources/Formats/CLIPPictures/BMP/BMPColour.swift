/// Pixels of 16 or 32 bits that masks divide into red, green, blue and opacity.
struct BMPColour {
    /// One mask: where its bits lie, and the 8-bit value of each of its values.
    private struct Channel {
        let shift: UInt32
        let limit: UInt32
        let table: [UInt8]

        init(mask: UInt32) {
            // Of channels over eight bits the high eight count.
            let width = mask == 0 ? 0 : 32 - mask.leadingZeroBitCount - mask.trailingZeroBitCount
            let used = min(width, 8)
            shift = mask == 0 ? 0 : UInt32(mask.trailingZeroBitCount + width - used)
            limit = UInt32(1) << UInt32(used) - 1
            let most = Int(limit)
            table = (0...most).map { most == 0 ? 255 : UInt8($0 * 255 / most) }
        }

        @inline(__always)
        func value(_ pixel: UInt32) -> UInt8 { table[Int(pixel >> shift & limit)] }
    }

    private let red, green, blue, alpha: Channel
    private let compositesOverWhite: Bool
    /// Blue, green, red and a byte that does not count, which is how most 32-bit pictures are.
    private let isPlainBGRX: Bool

    /// - Parameter masks: red, green, blue, opacity; empty for pictures that have none.
    init(masks: [UInt32], compositesOverWhite: Bool) {
        let masks = masks.count == 4 ? masks : [0, 0, 0, 0]
        red = Channel(mask: masks[0])
        green = Channel(mask: masks[1])
        blue = Channel(mask: masks[2])
        alpha = Channel(mask: masks[3])
        self.compositesOverWhite = compositesOverWhite && masks[3] != 0
        isPlainBGRX = masks[..<3] == [0xFF0000, 0xFF00, 0xFF] && !self.compositesOverWhite
    }

    func convert16(_ source: UnsafeBufferPointer<UInt8>, _ row: UnsafeMutableBufferPointer<UInt8>) {
        for x in 0..<row.count / 3 {
            write(UInt32(source[2 * x]) | UInt32(source[2 * x + 1]) << 8, to: row, at: 3 * x)
        }
    }

    func convert32(_ source: UnsafeBufferPointer<UInt8>, _ row: UnsafeMutableBufferPointer<UInt8>) {
        if isPlainBGRX {
            for x in 0..<row.count / 3 {
                row[3 * x] = source[4 * x + 2]
                row[3 * x + 1] = source[4 * x + 1]
                row[3 * x + 2] = source[4 * x]
            }
            return
        }
        for x in 0..<row.count / 3 {
            let low = UInt32(source[4 * x]) | UInt32(source[4 * x + 1]) << 8
            write(low | UInt32(source[4 * x + 2]) << 16 | UInt32(source[4 * x + 3]) << 24, to: row, at: 3 * x)
        }
    }

    @inline(__always)
    private func write(_ pixel: UInt32, to row: UnsafeMutableBufferPointer<UInt8>, at offset: Int) {
        var (r, g, b) = (red.value(pixel), green.value(pixel), blue.value(pixel))
        if compositesOverWhite {
            let opacity = alpha.value(pixel)
            (r, g, b) = (overWhite(r, opacity), overWhite(g, opacity), overWhite(b, opacity))
        }
        row[offset] = r
        row[offset + 1] = g
        row[offset + 2] = b
    }
}
