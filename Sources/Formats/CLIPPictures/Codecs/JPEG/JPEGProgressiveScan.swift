internal import CLIPSystem

/// Reads the blocks of a progressive scan (T.81, annex G.1.2): a first pass over some coefficients' high bits, or one
/// more bit of each.
struct JPEGProgressiveScan: JPEGScan {
    private let zigzag = JPEGStorage(JPEGZigzag.order)
    private let header: JPEGScanHeader
    private let predictions: JPEGStorage<Int32>
    /// Blocks still to come that have no more new coefficients in this scan.
    private var endOfBandRun = 0
    /// For DC one for each component, for AC one; none for the refinement of DC.
    private let tables: [JPEGHuffmanTable]
    private let views: JPEGStorage<JPEGHuffmanTable.View>
    private var restarts: JPEGRestarts
    private(set) var reader: JPEGBitReader

    var hasRunOut: Bool { restarts.hasRunOut }
    var isExhausted: Bool { restarts.isExhausted }

    init(_ header: JPEGScanHeader, tables: [JPEGHuffmanTable], restartInterval: Int, reader: JPEGBitReader) {
        self.header = header
        self.tables = tables
        predictions = JPEGStorage(repeating: 0, count: header.members.count)
        views = JPEGStorage(tables.map(\.view))
        restarts = JPEGRestarts(interval: restartInterval)
        self.reader = reader
    }

    @inline(__always)
    mutating func beginUnit() -> Bool {
        if restarts.beginUnit(&reader) {
            predictions.base.update(repeating: 0, count: predictions.count)
            endOfBandRun = 0
        }
        return !restarts.hasRunOut
    }

    @inline(__always)
    mutating func endUnit() { restarts.endUnit(reader) }

    @inline(__always)
    mutating func readBlock(member: Int, index: Int, of plane: JPEGCoefficients.Plane) {
        let (block, set) = (plane.block(index), plane.set(index))
        switch (header.spectralStart, header.approximationHigh) {
        case (0, 0): readFirstDC(member: member, into: block, set: set)
        case (0, _): refineDC(in: block, set: set)
        case (_, 0): readFirstAC(into: block, set: set)
        default: refineAC(in: block, set: set)
        }
    }

    @inline(__always)
    private mutating func readFirstDC(
        member: Int, into block: UnsafeMutablePointer<Int16>, set: UnsafeMutablePointer<JPEGCoefficientSet>
    ) {
        reader.refill()
        let entry = reader.entry(views.base[member])
        var difference = Int32(bitPattern: entry) >> 16
        if difference == 0 { difference = Int32(truncatingIfNeeded: reader.signed(Int(entry &>> 8 & 15))) }
        predictions.base[member] &+= difference
        block[0] = Int16(truncatingIfNeeded: predictions.base[member] &<< Int32(header.approximationLow))
        set.pointee.bits |= 1
    }

    @inline(__always)
    private mutating func refineDC(
        in block: UnsafeMutablePointer<Int16>, set: UnsafeMutablePointer<JPEGCoefficientSet>
    ) {
        if reader.bit() { block[0] |= 1 &<< Int16(header.approximationLow) }
        set.pointee.bits |= 1
    }

    @inline(__always)
    private mutating func readFirstAC(
        into block: UnsafeMutablePointer<Int16>, set: UnsafeMutablePointer<JPEGCoefficientSet>
    ) {
        guard endOfBandRun == 0 else {
            endOfBandRun &-= 1
            return
        }
        var reader = self.reader
        defer { self.reader = reader }
        let (order, table, shift) = (zigzag.base, views.base[0], Int16(header.approximationLow))
        var bits = set.pointee.bits
        var position = header.spectralStart
        let end = header.spectralEnd
        while position <= end {
            reader.refill()
            let entry = reader.entry(table)
            var value = Int16(truncatingIfNeeded: Int32(bitPattern: entry) >> 16)
            let run = Int(entry &>> 12 & 15)
            let size = Int(entry &>> 8 & 15)
            if size == 0, run < 15 {
                endOfBandRun = 1 &<< run &- 1 &+ reader.unsigned(run)
                break
            }
            position &+= run
            if size != 0 {
                if value == 0 { value = Int16(truncatingIfNeeded: reader.signed(size)) }
                value = value &<< shift
                // Beyond the block all positions mean the last one.
                let place = UInt64(truncatingIfNeeded: min(position, 63))
                block[Int(order[position])] = value
                bits = bits & ~(1 &<< place) | (value == 0 ? 0 : 1 &<< place)
            }
            position &+= 1
        }
        set.pointee.bits = bits
    }

    @inline(never)
    private mutating func refineAC(
        in block: UnsafeMutablePointer<Int16>, set: UnsafeMutablePointer<JPEGCoefficientSet>
    ) {
        var reader = self.reader
        defer { self.reader = reader }
        let order = zigzag.base
        let bit = Int16(1) &<< Int16(header.approximationLow)
        var bits = set.pointee.bits
        var position = header.spectralStart
        let end = header.spectralEnd

        if endOfBandRun == 0 {
            let table = views.base[0]
            while position <= end {
                reader.refill()
                let entry = reader.entry(table)
                var run = Int(entry &>> 12 & 15)
                var value: Int16 = 0
                if entry & 0x0F00 != 0 {
                    value = reader.bit() ? bit : -bit
                } else if run < 15 {
                    endOfBandRun = 1 &<< run &+ reader.unsigned(run)
                    break
                }
                while position <= end {
                    if bits &>> UInt64(truncatingIfNeeded: position) & 1 != 0 {
                        if reader.bit() { Self.addBit(bit, to: block + Int(order[position])) }
                    } else {
                        if run == 0 { break }
                        run &-= 1
                    }
                    position &+= 1
                }
                if value != 0 {
                    block[Int(order[position])] = value
                    bits |= 1 &<< UInt64(truncatingIfNeeded: min(position, 63))
                }
                position &+= 1
            }
        }
        if endOfBandRun > 0 {
            if position <= end {
                var pending = bits & (.max << UInt64(position)) & (.max >> UInt64(63 - end))
                while pending != 0 {
                    if reader.bit() { Self.addBit(bit, to: block + Int(order[pending.trailingZeroBitCount])) }
                    pending &= pending &- 1
                }
            }
            endOfBandRun &-= 1
        }
        set.pointee.bits = bits
    }

    /// Adds a bit to a coefficient's magnitude, unless damaged data did so before.
    @inline(__always)
    private static func addBit(_ bit: Int16, to coefficient: UnsafeMutablePointer<Int16>) {
        let value = coefficient.pointee
        if value & bit == 0 { coefficient.pointee = value >= 0 ? value &+ bit : value &- bit }
    }
}

extension JPEGProgressiveScan {
    init(_ header: JPEGScanHeader, _ file: inout JPEGFile) throws(CLIPError) {
        let offset = file.segments.position
        var tables: [JPEGHuffmanTable] = []
        if header.spectralStart > 0 {
            let use: JPEGHuffmanTable.Use = header.approximationHigh == 0 ? .ac : .refinement
            tables.append(try file.tables.huffman(use, header.members[0].acTable, at: offset))
        } else if header.approximationHigh == 0 {
            for member in header.members {
                tables.append(try file.tables.huffman(.dc, member.dcTable, at: offset))
            }
        }
        self.init(
            header, tables: tables, restartInterval: file.restartInterval,
            reader: JPEGBitReader(file.segments.bytes, position: offset))
    }
}
