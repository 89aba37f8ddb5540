/// UTF-8 that is ready to be split into words, with the way back to the text it was made from.
struct CleanedText {
    private(set) var bytes: [UInt8] = []
    /// Where the distance between a byte and its source changes: from `cleaned` on, source − cleaned is constant.
    private var breaks: [(cleaned: Int, source: Int)] = []
    private var distance = 0
    private var endsInSpace = false

    /// Empties the text, for one that starts at `source`.
    mutating func reset(source: Int) {
        bytes.removeAll(keepingCapacity: true)
        breaks.removeAll(keepingCapacity: true)
        distance = source
        endsInSpace = false
    }

    /// The offset in the source of a byte of the cleaned text, or of its end.
    func source(of offset: Int) -> Int {
        var low = 0
        var high = breaks.count
        while low < high {
            let middle = (low + high) / 2
            if breaks[middle].cleaned <= offset { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return breaks.first.map { $0.source - $0.cleaned + offset } ?? offset + distance }
        return breaks[low - 1].source + offset - breaks[low - 1].cleaned
    }

    /// Appends a scalar that is no white space.
    @inline(__always)
    mutating func append(_ scalar: UInt32, source: Int) {
        endsInSpace = false
        mark(source)
        switch scalar {
        case 0..<0x80: bytes.append(UInt8(truncatingIfNeeded: scalar))
        case 0x80..<0x800:
            bytes.append(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        case 0x800..<0x10000:
            bytes.append(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        default:
            bytes.append(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            bytes.append(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        }
    }

    /// Appends white space, of which only the first of a run counts.
    @inline(__always)
    mutating func appendSpace(source: Int) {
        if endsInSpace { return }
        endsInSpace = true
        mark(source)
        bytes.append(0x20)
    }

    @inline(__always)
    private mutating func mark(_ source: Int) {
        if source &- bytes.count != distance {
            if breaks.isEmpty, !bytes.isEmpty { breaks.append((0, distance)) }
            breaks.append((bytes.count, source))
            distance = source &- bytes.count
        }
    }
}
