internal import CLIPSystem

/// Reads a scan's entropy-coded data, block by block.
protocol JPEGScan {
    var reader: JPEGBitReader { get }
    /// Whether the data ended, or a marker came, before the scan's last block.
    var hasRunOut: Bool { get }
    /// Whether none of the blocks still to come has data.
    var isExhausted: Bool { get }

    /// To be called before each MCU.
    /// - Returns: whether it has data; its blocks are to be left as they are, and `endUnit` not called, otherwise.
    mutating func beginUnit() -> Bool
    /// To be called after each MCU.
    mutating func endUnit()
    /// Reads one block of an MCU.
    /// - Parameters:
    ///   - member: index of the component within the scan.
    ///   - index: the block's place in `plane`, which has the component's coefficients.
    mutating func readBlock(member: Int, index: Int, of plane: JPEGCoefficients.Plane)
}

/// The order in which a scan's blocks follow each other (T.81, A.2): those of all its components MCU by MCU, or, of a single
/// component, those that the picture has, row by row, each an MCU of its own.
struct JPEGBlockOrder {
    /// Blocks of one of the scan's components in an MCU.
    struct Member: BitwiseCopyable {
        let horizontal: Int
        let vertical: Int
    }

    let members: JPEGStorage<Member>
    let mcusPerLine: Int
    /// Lines of MCUs in an MCU row of the frame, and in the picture.
    private let linesPerRow: Int
    private let lineCount: Int

    init(_ header: JPEGScanHeader, _ frame: JPEGFrame) {
        let components = header.members.map { frame.components[$0.component] }
        if components.count == 1 {
            members = JPEGStorage([Member(horizontal: 1, vertical: 1)])
            mcusPerLine = components[0].blocksPerRow
            linesPerRow = components[0].layout.vertical
            lineCount = components[0].blockRows
        } else {
            members = JPEGStorage(
                components.map { Member(horizontal: $0.layout.horizontal, vertical: $0.layout.vertical) })
            mcusPerLine = frame.mcusPerRow
            linesPerRow = 1
            lineCount = frame.mcuRows
        }
    }

    /// MCUs of the scan in an MCU row of the frame, and in the picture.
    var mcusPerRow: Int { mcusPerLine * linesPerRow }
    var mcuCount: Int { mcusPerLine * lineCount }

    /// The lines of MCUs that an MCU row has: fewer than elsewhere where the picture ends.
    func lines(ofRow mcuRow: Int) -> Int { min(linesPerRow, lineCount - mcuRow * linesPerRow) }
}

extension JPEGScan {
    /// Goes over the blocks of an MCU row.
    /// - Parameter visit: takes the scan, whether the block's MCU has data, the index of its component within the scan, and
    ///   its row and column among the component's blocks in the MCU row.
    /// - Returns: whether there was any data.
    @inline(__always)
    @discardableResult
    mutating func readRow(
        _ mcuRow: Int, _ order: JPEGBlockOrder,
        _ visit: (_ scan: inout Self, _ hasData: Bool, _ member: Int, _ row: Int, _ column: Int) -> Void
    ) -> Bool {
        let (members, memberCount) = (order.members.base, order.members.count)
        var hadData = false
        for line in 0..<order.lines(ofRow: mcuRow) {
            for mcu in 0..<order.mcusPerLine {
                let hasData = beginUnit()
                if memberCount == 1 {
                    // The loops below would say the same, and cost a grey picture a twentieth of its time.
                    visit(&self, hasData, 0, line, mcu)
                } else {
                    for index in 0..<memberCount {
                        let member = members[index]
                        for y in 0..<member.vertical {
                            for x in 0..<member.horizontal {
                                visit(&self, hasData, index, line &+ y, mcu &* member.horizontal &+ x)
                            }
                        }
                    }
                }
                if hasData {
                    endUnit()
                    hadData = true
                }
            }
        }
        return hadData
    }

    /// Reads the blocks of an MCU row into coefficients; those without data stay as they are.
    /// - Parameters:
    ///   - planes: one for each of the scan's components.
    ///   - top: at which MCU row of `planes` the blocks go.
    /// - Returns: whether there was any data.
    @inline(__always)
    @discardableResult
    mutating func readRow(
        _ mcuRow: Int, _ order: JPEGBlockOrder, into planes: JPEGStorage<JPEGCoefficients.Plane>, top: Int
    ) -> Bool {
        let first = planes.base[0]
        @inline(__always)
        func visit(_ scan: inout Self, _ hasData: Bool, _ member: Int, _ row: Int, _ column: Int) {
            guard hasData else { return }
            let plane = member == 0 ? first : planes.base[member]
            let index = (top &* plane.rowsPerMCURow &+ row) &* plane.blocksPerRow &+ column
            scan.readBlock(member: member, index: index, of: plane)
        }
        return readRow(mcuRow, order, visit)
    }
}

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
    mutating func readBlock(member: Int, index: Int, of plane: JPEGCoefficients.Plane) {
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

extension JPEGSequentialScan {
    /// - Parameter interval: the index of the restart interval that begins where `file` is.
    init(_ header: JPEGScanHeader, _ file: inout JPEGFile, from interval: Int = 0) throws(CLIPError) {
        let offset = file.segments.position
        var (dcTables, acTables): ([JPEGHuffmanTable], [JPEGHuffmanTable]) = ([], [])
        for member in header.members {
            dcTables.append(try file.tables.huffman(.dc, member.dcTable, at: offset))
            acTables.append(try file.tables.huffman(.ac, member.acTable, at: offset))
        }
        self.init(
            dcTables: dcTables, acTables: acTables,
            restarts: JPEGRestarts(interval: file.restartInterval, from: interval),
            reader: JPEGBitReader(file.segments.bytes, position: offset))
    }
}
