/// The restart intervals of a scan whose markers are all there and in order: such intervals don't depend on each other, so
/// that each gives on its own what it gives in its place, damaged or not.
struct JPEGRestartIntervals {
    private let interval: Int
    private let starts: [Int]
    private let unitsPerRow: Int
    /// Every so many MCU rows an interval begins with a row.
    let alignment: Int

    /// - Parameter unitsPerRow: MCUs of the scan in an MCU row of the frame.
    /// - Returns: nil for scans without restart markers, and for all others.
    init?(_ file: JPEGFile, unitsPerRow: Int, unitCount: Int) {
        interval = file.restartInterval
        guard interval > 0 else { return nil }
        self.unitsPerRow = unitsPerRow
        alignment = interval / Self.greatestCommonDivisor(interval, unitsPerRow)

        var segments = file.segments
        var starts = [segments.position]
        for index in 0..<(unitCount - 1) / interval {
            guard segments.nextMarker() == JPEGMarker.firstRestart + UInt8(index & 7) else { return nil }
            starts.append(segments.position)
        }
        // Without a marker behind it the last interval may be cut.
        guard segments.nextMarker() != nil else { return nil }
        self.starts = starts
    }

    /// - Parameter mcuRow: a multiple of `alignment`.
    /// - Returns: the index of the interval that begins there, and where its data begins.
    func interval(atRow mcuRow: Int) -> (index: Int, position: Int) {
        let index = mcuRow * unitsPerRow / interval
        return (index, starts[index])
    }

    private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
        b == 0 ? a : greatestCommonDivisor(b, a % b)
    }
}
