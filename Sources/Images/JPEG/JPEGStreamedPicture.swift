/// Decodes a picture whose only scan has all components: block by block into the rows under way, without keeping
/// coefficients.
enum JPEGStreamedPicture {
    static func decode(
        _ file: inout JPEGFile, _ frame: JPEGFrame, _ header: JPEGScanHeader, into assembly: JPEGRowAssembly
    ) throws(ImageError) {
        var scan = try JPEGSequentialScan(header, &file)
        var members: [Member] = []
        for member in header.members {
            let component = frame.components[member.component]
            members.append(
                Member(
                    component: component, quantisation: try file.quantisation(of: component),
                    window: assembly.windows[member.component]))
        }

        let block = JPEGStorage<Int16>(repeating: 0, count: 64)
        for mcuRow in 0..<frame.mcuRows {
            if members.count == 1 {
                let component = members[0].component
                let vertical = component.layout.vertical
                for blockRow in 0..<min(vertical, component.blockRows - mcuRow * vertical) {
                    for column in 0..<component.blocksPerRow {
                        let hasData = scan.beginUnit()
                        members[0].decodeBlock(&scan, 0, hasData, row: blockRow, column: column, block)
                        if hasData { scan.endUnit() }
                    }
                }
            } else {
                for mcu in 0..<frame.mcusPerRow {
                    let hasData = scan.beginUnit()
                    for index in members.indices {
                        let layout = members[index].component.layout
                        for y in 0..<layout.vertical {
                            for x in 0..<layout.horizontal {
                                members[index].decodeBlock(
                                    &scan, index, hasData, row: y, column: mcu &* layout.horizontal &+ x, block)
                            }
                        }
                    }
                    if hasData { scan.endUnit() }
                }
            }
            try file.requireComplete(scan.reader, hasRunOut: scan.hasRunOut)
            assembly.finish(mcuRow: mcuRow)
        }
    }

    private struct Member {
        let component: JPEGComponent
        let quantisation: JPEGStorage<Int16>
        let window: JPEGSampleWindow

        @inline(__always)
        func decodeBlock(
            _ scan: inout JPEGSequentialScan, _ index: Int, _ hasData: Bool, row: Int, column: Int,
            _ block: JPEGStorage<Int16>
        ) {
            block.base.update(repeating: 0, count: 64)
            let extent = hasData ? scan.readBlock(member: index, into: block.base) : .dcOnly
            JPEGInverseDCT.transform(
                block.base, extent: extent, quantisation: quantisation.base,
                into: window.block(row: row, column: column), stride: window.stride)
        }
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
