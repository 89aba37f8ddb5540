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

/// The row filters of PNG, undone in place (PNG specification section 9).
private enum PNGFilters {
    /// Zero bytes that stand before a row, as the neighbours to the left of its first pixel.
    static let lead = 8
    /// Bytes after a row that may be read and overwritten.
    static let tail = 8

    /// Undoes one row.
    /// - Parameters:
    ///   - row: `lead` zero bytes, the filtered row, `tail` bytes.
    ///   - above: the unfiltered row above, laid out in the same way; zeros for the first row.
    ///   - distance: bytes to the same sample of the pixel to the left, 1…8.
    /// - Returns: false for a filter that does not exist.
    static func undo(
        _ filter: UInt8, row: UnsafeMutableBufferPointer<UInt8>, above: UnsafeBufferPointer<UInt8>, distance: Int
    ) -> Bool {
        precondition(row.count == above.count && row.count >= lead + tail && (1...8).contains(distance))
        let end = row.count - tail
        let row = row.baseAddress!
        let above = above.baseAddress!
        switch filter {
        case 0: break
        case 1:
            switch distance {
            case 1: undoSamples(row, above, end) { left, _, _ in left }
            case 2...4: undoPixels(SIMD4<Int16>.self, row, above, end, distance) { left, _, _ in left }
            default: undoPixels(SIMD8<Int16>.self, row, above, end, distance) { left, _, _ in left }
            }
        case 2: for i in lead..<end { row[i] &+= above[i] }
        case 3:
            switch distance {
            case 1: undoSamples(row, above, end) { left, up, _ in (left &+ up) &>> 1 }
            case 2...4: undoPixels(SIMD4<Int16>.self, row, above, end, distance) { left, up, _ in (left &+ up) &>> 1 }
            default: undoPixels(SIMD8<Int16>.self, row, above, end, distance) { left, up, _ in (left &+ up) &>> 1 }
            }
        case 4:
            switch distance {
            case 1: undoSamples(row, above, end, paeth)
            case 2...4: undoPixels(SIMD4<Int16>.self, row, above, end, distance, paeth)
            default: undoPixels(SIMD8<Int16>.self, row, above, end, distance, paeth)
            }
        default: return false
        }
        return true
    }

    /// Goes over pixels of two bytes or more with one vector each. Whole vectors are loaded and stored even where the
    /// pixel is shorter: the next filtered pixel is taken before its first byte is overwritten.
    @inline(__always)
    private static func undoPixels<Lanes: PixelLanes>(
        _: Lanes.Type, _ row: UnsafeMutablePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ end: Int, _ distance: Int,
        _ predict: (Lanes, Lanes, Lanes) -> Lanes
    ) {
        var left = Lanes.zero
        var upLeft = Lanes.zero
        var filtered = Lanes(samples: row + lead)
        var i = lead
        while i < end {
            let up = Lanes(samples: above + i)
            let value = (filtered &+ predict(left, up, upLeft)) & 0xFF
            filtered = Lanes(samples: row + i + distance)
            value.store(to: row + i)
            left = value
            upLeft = up
            i &+= distance
        }
    }

    /// Goes over single bytes.
    @inline(__always)
    private static func undoSamples(
        _ row: UnsafeMutablePointer<UInt8>, _ above: UnsafePointer<UInt8>, _ end: Int,
        _ predict: (Int32, Int32, Int32) -> Int32
    ) {
        var left: Int32 = 0
        var upLeft: Int32 = 0
        for i in lead..<end {
            let up = Int32(above[i])
            left = (Int32(row[i]) &+ predict(left, up, upLeft)) & 0xFF
            row[i] = UInt8(truncatingIfNeeded: left)
            upLeft = up
        }
    }

    @inline(__always)
    private static func paeth<Lanes: PixelLanes>(_ left: Lanes, _ up: Lanes, _ upLeft: Lanes) -> Lanes {
        let towardsLeft = up &- upLeft
        let towardsUp = left &- upLeft
        let (fromLeft, fromUp) = (magnitude(towardsLeft), magnitude(towardsUp))
        let fromUpLeft = magnitude(towardsLeft &+ towardsUp)
        let upOrUpLeft = upLeft.replacing(with: up, where: fromUp .<= fromUpLeft)
        return upOrUpLeft.replacing(with: left, where: (fromLeft .<= fromUp) .& (fromLeft .<= fromUpLeft))
    }

    @inline(__always)
    private static func magnitude<Lanes: PixelLanes>(_ v: Lanes) -> Lanes {
        let sign = v &>> 15
        return (v ^ sign) &- sign
    }

    @inline(__always)
    private static func paeth(_ left: Int32, _ up: Int32, _ upLeft: Int32) -> Int32 {
        let towardsLeft = up &- upLeft
        let towardsUp = left &- upLeft
        let (fromLeft, fromUp) = (towardsLeft.magnitude, towardsUp.magnitude)
        let fromUpLeft = (towardsLeft &+ towardsUp).magnitude
        let upOrUpLeft = fromUp <= fromUpLeft ? up : upLeft
        return fromLeft <= min(fromUp, fromUpLeft) ? left : upOrUpLeft
    }
}

/// The samples of a pixel, widened so that their differences fit.
private protocol PixelLanes: SIMD where Scalar == Int16, MaskStorage.Scalar == Int16 {
    /// Loads as many bytes as there are lanes.
    init(samples: UnsafePointer<UInt8>)
    /// Stores as many bytes as there are lanes.
    func store(to samples: UnsafeMutablePointer<UInt8>)
}

extension SIMD4<Int16>: PixelLanes {
    @inline(__always)
    init(samples: UnsafePointer<UInt8>) {
        self.init(truncatingIfNeeded: UnsafeRawPointer(samples).loadUnaligned(as: SIMD4<UInt8>.self))
    }

    @inline(__always)
    func store(to samples: UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(samples).storeBytes(of: SIMD4<UInt8>(truncatingIfNeeded: self), as: SIMD4<UInt8>.self)
    }
}

extension SIMD8<Int16>: PixelLanes {
    @inline(__always)
    init(samples: UnsafePointer<UInt8>) {
        self.init(truncatingIfNeeded: UnsafeRawPointer(samples).loadUnaligned(as: SIMD8<UInt8>.self))
    }

    @inline(__always)
    func store(to samples: UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(samples).storeBytes(of: SIMD8<UInt8>(truncatingIfNeeded: self), as: SIMD8<UInt8>.self)
    }
}
