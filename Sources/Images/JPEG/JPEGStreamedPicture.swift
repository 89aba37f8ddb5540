/// Decodes a picture whose only scan has all components: block by block into the rows under way, without keeping
/// coefficients.
enum JPEGStreamedPicture {
    static func decode(
        _ file: inout JPEGFile, _ frame: JPEGFrame, _ header: JPEGScanHeader, into assembly: JPEGRowAssembly
    ) throws(ImageError) {
        var scan = try JPEGSequentialScan(header, &file)
        // Keeps alive what `targets` refers to.
        var quantisation: [JPEGStorage<Int16>] = []
        var list: [Target] = []
        for (index, member) in header.members.enumerated() {
            let component = frame.components[member.component]
            let factors = try file.quantisation(of: component)
            quantisation.append(factors)
            list.append(Target(index, component, factors, assembly.windows[member.component]))
        }
        let targets = JPEGStorage(list)
        let block = JPEGStorage<Int16>(repeating: 0, count: 64)
        for mcuRow in 0..<frame.mcuRows {
            if header.members.count == 1 {
                let component = frame.components[0]
                let rows = component.blockRows - mcuRow * component.layout.vertical
                readRow(&scan, targets.base[0], rows: rows, columns: component.blocksPerRow, block)
            } else {
                readRow(&scan, targets, mcuCount: frame.mcusPerRow, block)
            }
            try file.requireComplete(scan.reader, hasRunOut: scan.hasRunOut)
            assembly.finish(mcuRow: mcuRow)
        }
        withExtendedLifetime((quantisation, scan)) {}
    }

    /// Reads an MCU row of a scan of one component, whose MCUs are single blocks.
    /// - Parameter rows: how many rows of blocks are left in the picture.
    private static func readRow(
        _ scan: inout JPEGSequentialScan, _ target: Target, rows: Int, columns: Int, _ block: JPEGStorage<Int16>
    ) {
        for y in 0..<min(target.vertical, rows) {
            for x in 0..<columns {
                let hasData = scan.beginUnit()
                target.decodeBlock(&scan, hasData, row: y, column: x, block)
                if hasData { scan.endUnit() }
            }
        }
    }

    /// Reads an MCU row of a scan of several components.
    private static func readRow(
        _ scan: inout JPEGSequentialScan, _ targets: JPEGStorage<Target>, mcuCount: Int, _ block: JPEGStorage<Int16>
    ) {
        for mcu in 0..<mcuCount {
            let hasData = scan.beginUnit()
            for index in 0..<targets.count {
                let target = targets.base[index]
                for y in 0..<target.vertical {
                    for x in 0..<target.horizontal {
                        target.decodeBlock(&scan, hasData, row: y, column: mcu &* target.horizontal &+ x, block)
                    }
                }
            }
            if hasData { scan.endUnit() }
        }
    }

    /// Where one component's blocks go.
    private struct Target: BitwiseCopyable {
        /// Index of the component within the scan.
        let member: Int
        let horizontal: Int
        let vertical: Int
        let quantisation: UnsafePointer<Int16>
        let samples: UnsafeMutablePointer<UInt8>
        let stride: Int
        let blockSize: Int

        init(
            _ member: Int, _ component: JPEGComponent, _ quantisation: JPEGStorage<Int16>,
            _ window: JPEGSampleWindow
        ) {
            self.member = member
            (horizontal, vertical) = (component.layout.horizontal, component.layout.vertical)
            blockSize = component.blockSize
            self.quantisation = UnsafePointer(quantisation.base)
            samples = window.block(row: 0, column: 0)
            stride = window.stride
        }

        @inline(__always)
        func decodeBlock(
            _ scan: inout JPEGSequentialScan, _ hasData: Bool, row: Int, column: Int, _ block: JPEGStorage<Int16>
        ) {
            UnsafeMutableRawPointer(block.base).storeBytes(of: Zeros(), as: Zeros.self)
            let extent = hasData ? scan.readBlock(member: member, into: block.base) : .dcOnly
            JPEGInverseDCT.transform(
                block.base, extent: extent, quantisation: quantisation, size: blockSize,
                into: samples + blockSize &* (row &* stride &+ column), stride: stride)
        }
    }

    /// A block's worth of zeros, stored without a call.
    private struct Zeros: BitwiseCopyable {
        var first = SIMD32<Int16>.zero
        var second = SIMD32<Int16>.zero
    }
}

extension JPEGSequentialScan {
    init(_ header: JPEGScanHeader, _ file: inout JPEGFile) throws(ImageError) {
        let offset = file.segments.position
        var (dcTables, acTables): ([JPEGHuffmanTable], [JPEGHuffmanTable]) = ([], [])
        for member in header.members {
            dcTables.append(try file.tables.huffman(.dc, member.dcTable, at: offset))
            acTables.append(try file.tables.huffman(.ac, member.acTable, at: offset))
        }
        self.init(
            dcTables: dcTables, acTables: acTables, restartInterval: file.restartInterval,
            reader: JPEGBitReader(file.segments.bytes, position: offset))
    }
}
