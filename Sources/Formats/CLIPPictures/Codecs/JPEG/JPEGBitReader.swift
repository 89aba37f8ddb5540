/// Bits of an entropy-coded segment, most significant first, with stuffed zeros taken out.
///
/// At a marker, and at the end of the data, zeros follow without end: `isOverrun` tells whether any were used.
struct JPEGBitReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    /// The byte after those in `bits`. Once the bits before a marker are taken in, the marker.
    private(set) var position: Int
    /// Unread bits, the next one highest. Bits below `count` are zero or what `position` holds.
    private(set) var bits: UInt64 = 0
    private var count = 0
    /// How many of the bits in `bits`, or dropped since, are zeros that were made up.
    private var padding = 0
    /// The data ended without a marker.
    private(set) var isAtEnd = false

    init(_ bytes: UnsafeBufferPointer<UInt8>, position: Int) {
        self.bytes = bytes
        self.position = position
    }

    /// Whether bits were used that lie beyond the segment's end.
    var isOverrun: Bool { padding > count }

    /// Makes sure of at least 32 bits: a code and its value.
    @inline(__always)
    mutating func refill() {
        if count < 32 { takeBytes() }
    }

    /// Makes sure of at least one bit.
    @inline(__always)
    mutating func refillForOneBit() {
        if count == 0 { takeBytes() }
    }

    @inline(__always)
    private mutating func takeBytes() {
        if position &+ 8 <= bytes.count {
            let word = UInt64(
                bigEndian: UnsafeRawPointer(bytes.baseAddress!).loadUnaligned(fromByteOffset: position, as: UInt64.self)
            )
            // Whether any byte is 0xFF: the complement then has a zero byte.
            let complement = ~word
            if (complement &- 0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 == 0 {
                bits |= word &>> UInt64(truncatingIfNeeded: count)
                position &+= (63 &- count) &>> 3
                count |= 56
                return
            }
        }
        // By value, so that the reader can stay in registers elsewhere.
        self = Self.takingBytesWithMarkers(self)
    }

    @inline(never)
    private static func takingBytesWithMarkers(_ reader: JPEGBitReader) -> JPEGBitReader {
        var reader = reader
        reader.bits &= reader.count == 0 ? 0 : .max << UInt64(64 - reader.count)
        while reader.count <= 56 {
            guard let byte = reader.nextByte() else {
                reader.padding += 64 - reader.count
                reader.count = 64
                break
            }
            reader.bits |= UInt64(byte) << UInt64(56 - reader.count)
            reader.count += 8
        }
        return reader
    }

    /// The next byte of data; nil at a marker or at the end.
    ///
    /// Not to be mixed with bits, which take in bytes ahead.
    mutating func nextByte() -> UInt8? {
        guard position < bytes.count else {
            isAtEnd = true
            return nil
        }
        let byte = bytes[position]
        guard byte == 0xFF else {
            position += 1
            return byte
        }
        var code = position + 1
        while code < bytes.count, bytes[code] == 0xFF { code += 1 }
        guard code < bytes.count else {
            isAtEnd = true
            return nil
        }
        // At a run of fill bytes before a marker the last one is the marker's own.
        position = bytes[code] == 0 ? code + 1 : code - 1
        return bytes[code] == 0 ? 0xFF : nil
    }

    /// The next `width` bits, 1…32, without taking them.
    @inline(__always)
    func peek(_ width: Int) -> Int { Int(truncatingIfNeeded: bits &>> UInt64(truncatingIfNeeded: 64 &- width)) }

    /// Drops bits that `refill` made sure of.
    @inline(__always)
    mutating func drop(_ width: Int) {
        bits = bits &<< UInt64(truncatingIfNeeded: width)
        count = count &- width
    }

    /// The next bit, which may lie beyond what `refill` made sure of.
    @inline(__always)
    mutating func bit() -> Bool {
        refillForOneBit()
        let isSet = Int64(bitPattern: bits) < 0
        drop(1)
        return isSet
    }

    /// The next `width` bits, 0…15, as an unsigned number.
    @inline(__always)
    mutating func unsigned(_ width: Int) -> Int {
        let value = Int(truncatingIfNeeded: (bits &>> 1) &>> UInt64(truncatingIfNeeded: 63 &- width))
        drop(width)
        return value
    }

    /// The next `width` bits, 0…15, as a difference or coefficient is coded: with a leading zero bit it is negative
    /// (T.81, F.1.2.1).
    @inline(__always)
    mutating func signed(_ width: Int) -> Int {
        let isNegative = ~(Int64(bitPattern: bits) &>> 63)
        let lowest = Int64(-1) &<< Int64(truncatingIfNeeded: width) &+ 1
        return unsigned(width) &+ Int(truncatingIfNeeded: isNegative & lowest)
    }

    /// The next symbol and, if the look-up held it, the value behind it.
    ///
    /// After `refill`, at least 15 bits are still there for a value that is not in the entry.
    @inline(__always)
    mutating func entry(_ table: JPEGHuffmanTable.View) -> UInt32 {
        var entry = table.entries[peek(JPEGHuffmanTable.lookaheadBits)]
        if entry & 0xFF == 0 { entry = table.longEntry(bits) }
        drop(Int(truncatingIfNeeded: entry & 0xFF))
        return entry
    }

    /// Drops what is left of the bits taken in, up to the next marker that `nextMarker` finds.
    mutating func dropAll() {
        bits = 0
        count = 0
        padding = 0
    }

    /// Goes to the next marker, wherever it is.
    /// - Returns: its code; nil at the end of the data. `position` is at the marker.
    mutating func findMarker() -> UInt8? {
        dropAll()
        var segments = JPEGSegmentReader(bytes: bytes, position: position)
        guard let marker = segments.nextMarker() else {
            position = bytes.count
            isAtEnd = true
            return nil
        }
        position = segments.position - 2
        return marker
    }

    /// Goes behind the marker that `findMarker` found.
    mutating func skipMarker() { position += 2 }
}

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
