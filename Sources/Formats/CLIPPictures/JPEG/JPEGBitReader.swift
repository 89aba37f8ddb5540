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
