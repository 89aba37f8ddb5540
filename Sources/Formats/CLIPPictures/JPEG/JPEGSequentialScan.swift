/// Reads the blocks of a baseline or extended sequential scan (T.81, annex F.2).
struct JPEGSequentialScan: JPEGScan {
    /// What a block of one of the scan's components is read with.
    private struct Source: BitwiseCopyable {
        let dc: JPEGHuffmanTable.View
        let ac: JPEGHuffmanTable.View
        /// The component's last DC coefficient.
        var prediction: Int32 = 0
    }

    private let zigzag = JPEGStorage(JPEGZigzag.order)
    /// Keeps alive what `sources` refers to.
    private let tables: [JPEGHuffmanTable]
    private let sources: JPEGStorage<Source>
    private var restarts: JPEGRestarts
    private(set) var reader: JPEGBitReader

    var hasRunOut: Bool { restarts.hasRunOut }
    var isExhausted: Bool { restarts.isExhausted }

    /// - Parameters:
    ///   - dcTables, acTables: one for each of the scan's components.
    ///   - restarts: those of the scan, from where `reader` begins.
    init(
        dcTables: [JPEGHuffmanTable], acTables: [JPEGHuffmanTable], restarts: JPEGRestarts, reader: JPEGBitReader
    ) {
        tables = dcTables + acTables
        sources = JPEGStorage(zip(dcTables, acTables).map { Source(dc: $0.view, ac: $1.view) })
        self.restarts = restarts
        self.reader = reader
    }

    @inline(__always)
    mutating func beginUnit() -> Bool {
        if restarts.beginUnit(&reader) {
            for index in 0..<sources.count { sources.base[index].prediction = 0 }
        }
        return !restarts.hasRunOut
    }

    @inline(__always)
    mutating func endUnit() { restarts.endUnit(reader) }

    @inline(__always)
    mutating func readBlock(member: Int, index: Int, of plane: JPEGCoefficients) {
        let extent = readBlock(member: member, into: plane.block(index))
        plane.set(index).pointee.insert(extent)
    }

    /// Reads one block.
    /// - Parameters:
    ///   - member: index of the component within the scan.
    ///   - block: 64 coefficients, row by row; those that are not zero are set.
    /// - Returns: the extent of the coefficients set.
    @inline(__always)
    mutating func readBlock(member: Int, into block: UnsafeMutablePointer<Int16>) -> JPEGBlockExtent {
        // A copy: the compiler keeps it in registers.
        var reader = self.reader
        defer { self.reader = reader }
        let order = zigzag.base
        let source = sources.base + member

        reader.refill()
        let dc = reader.entry(source.pointee.dc)
        var difference = Int32(bitPattern: dc) >> 16
        if difference == 0 { difference = Int32(truncatingIfNeeded: reader.signed(Int(dc &>> 8 & 15))) }
        source.pointee.prediction &+= difference
        block[0] = Int16(truncatingIfNeeded: source.pointee.prediction)

        let table = source.pointee.ac
        var position = 1
        var extent = 0
        repeat {
            reader.refill()
            let entry = reader.entry(table)
            position &+= Int(entry &>> 12 & 15)
            let value = Int32(bitPattern: entry) >> 16
            if value != 0 {
                let index = Int(order[position])
                block[index] = Int16(truncatingIfNeeded: value)
                extent |= index
            } else if entry & 0x0F00 != 0 {
                let index = Int(order[position])
                block[index] = Int16(truncatingIfNeeded: reader.signed(Int(entry &>> 8 & 15)))
                extent |= index
            } else if entry & 0xF000 != 0xF000 {
                break
            }
            position &+= 1
        } while position < 64
        return JPEGBlockExtent(indices: extent)
    }
}
