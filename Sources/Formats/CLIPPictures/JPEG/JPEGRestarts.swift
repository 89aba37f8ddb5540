/// Reads a scan's entropy-coded data across restart markers, and finds its way back where they are damaged.
///
/// Follows what the reference decoder does with damaged data, so that such files decode to the same pixels: at a
/// marker that comes too early the unit under way reads zeros, the units after it are left out until the next restart.
struct JPEGRestarts {
    private let interval: Int
    private var unitsToGo: Int
    private var expected: UInt8
    /// Whether the current segment has run out: its remaining units are left out.
    private(set) var hasRunOut = false

    /// Whether nothing of the scan is left: it has run out, and no restart can follow.
    var isExhausted: Bool { hasRunOut && interval == 0 }

    /// - Parameters:
    ///   - interval: MCUs between restart markers, 0 for none.
    ///   - index: of the interval that comes first.
    init(interval: Int, from index: Int = 0) {
        self.interval = interval
        unitsToGo = interval
        expected = UInt8(index & 7)
    }

    /// To be called before each MCU.
    /// - Returns: whether predictions and runs begin anew here.
    @inline(__always)
    mutating func beginUnit(_ reader: inout JPEGBitReader) -> Bool {
        guard interval > 0 else { return false }
        if unitsToGo == 0 {
            resynchronise(&reader)
            return true
        }
        unitsToGo &-= 1
        return false
    }

    /// To be called after each MCU that was read.
    @inline(__always)
    mutating func endUnit(_ reader: JPEGBitReader) {
        if reader.isOverrun { hasRunOut = true }
    }

    @inline(never)
    private mutating func resynchronise(_ reader: inout JPEGBitReader) {
        unitsToGo = interval - 1
        let wanted = expected
        expected = (expected + 1) & 7
        while let marker = reader.findMarker() {
            let distance = (marker &- JPEGMarker.firstRestart &- wanted) & 7
            if marker < 0xC0 || (JPEGMarker.isRestart(marker) && distance >= 6) {
                // Not a marker at all, or one of the two restarts before: go on to the next.
                reader.skipMarker()
            } else if !JPEGMarker.isRestart(marker) || distance == 1 || distance == 2 {
                // The end of the scan, or a restart still to come: this interval is missing.
                return
            } else {
                reader.skipMarker()
                hasRunOut = false
                return
            }
        }
    }
}
