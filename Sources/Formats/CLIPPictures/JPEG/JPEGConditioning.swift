/// What a DAC segment sets: bounds by which the arithmetic coder tells small values from large (T.81, B.2.4.3).
struct JPEGConditioning {
    private var dc = [(low: Int, high: Int)](repeating: (0, 1), count: 16)
    private var ac = [Int](repeating: 5, count: 16)

    /// Differences whose highest bit lies below `low` count as zero, those above `high` as large.
    func dcBounds(_ table: Int) -> (low: Int, high: Int) { ((1 << dc[table].low) >> 1, (1 << dc[table].high) >> 1) }

    /// The last position in zigzag order that counts as low.
    func acBound(_ table: Int) -> Int { ac[table] }

    mutating func define(_ contents: JPEGSegment) throws(PictureError) {
        var segment = contents
        while segment.count > 0 {
            let start = segment.position
            let index = Int(try segment.byte())
            let value = Int(try segment.byte())
            switch index {
            case 0..<16:
                guard value & 15 <= value >> 4 else {
                    throw .brokenJPEG(at: start, "arithmetic conditioning from \(value & 15) up to \(value >> 4)")
                }
                dc[index] = (value & 15, value >> 4)
            case 16..<32:
                ac[index - 16] = value
            default:
                throw .brokenJPEG(at: start, "arithmetic conditioning \(index): 0 to 31 were expected")
            }
        }
    }
}
