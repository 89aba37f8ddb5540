/// Decodes a picture whose only scan has all components: block by block into the rows under way, without keeping
/// coefficients.
struct JPEGStreamedPicture {
    private let header: JPEGScanHeader
    private let canvas: JPEGCanvas
    private let file: JPEGFile
    /// One for each component.
    private let quantisation: [JPEGStorage<Int16>?]

    static func decode(
        _ file: inout JPEGFile, _ header: JPEGScanHeader, into canvas: JPEGCanvas
    ) throws(PictureError) {
        let frame = canvas.frame
        let scan = try JPEGSequentialScan(header, &file)
        var quantisation = [JPEGStorage<Int16>?](repeating: nil, count: frame.components.count)
        for member in header.members {
            quantisation[member.component] = try file.quantisation(of: frame.components[member.component])
        }
        let picture = JPEGStreamedPicture(header: header, canvas: canvas, file: file, quantisation: quantisation)
        if canvas.threads == 1 {
            try picture.decode(scan)
        } else if let parts = try picture.parts() {
            picture.decode(parts)
        } else {
            try picture.decodePipelined(scan)
        }
    }

    private func decode(_ scan: JPEGSequentialScan) throws(PictureError) {
        var scan = scan
        let band = JPEGBand.whole(canvas.frame)
        let assembly = try canvas.assembly(of: band)
        let targets = targets(assembly)
        let block = JPEGStorage<Int16>(repeating: 0, count: 64)
        for mcuRow in band.rows {
            readRow(&scan, mcuRow, targets, block)
            try file.requireComplete(scan.reader, hasRunOut: scan.hasRunOut)
            assembly.finish(mcuRow: mcuRow)
        }
    }

    /// A band of the picture, and the scan from where it begins.
    private typealias Part = (band: JPEGBand, assembly: JPEGRowAssembly, scan: JPEGSequentialScan)

    /// - Returns: nil if the scan can't be taken up at several places.
    private func parts() throws(PictureError) -> [Part]? {
        let frame = canvas.frame
        let intervals: JPEGRestartIntervals?
        if header.members.count == 1 {
            let component = frame.components[0]
            intervals = JPEGRestartIntervals(
                file, unitsPerRow: component.blocksPerRow * component.layout.vertical,
                unitCount: component.blocksPerRow * component.blockRows)
        } else {
            intervals = JPEGRestartIntervals(
                file, unitsPerRow: frame.mcusPerRow, unitCount: frame.mcusPerRow * frame.mcuRows)
        }
        guard let intervals else { return nil }
        let bands = JPEGBand.split(frame, threads: canvas.threads, alignment: intervals.alignment)
        guard bands.count > 1 else { return nil }
        var parts: [Part] = []
        var file = file
        for band in bands {
            let (index, position) = intervals.interval(atRow: band.start)
            file.segments.position = position
            parts.append((band, try canvas.assembly(of: band), try JPEGSequentialScan(header, &file, from: index)))
        }
        return parts
    }

    private func decode(_ parts: [Part]) {
        concurrently(parts.count) { index in
            let (band, assembly, start) = parts[index]
            var scan = start
            let targets = targets(assembly)
            let block = JPEGStorage<Int16>(repeating: 0, count: 64)
            for mcuRow in band.start..<band.rows.upperBound {
                readRow(&scan, mcuRow, targets, block)
                assembly.finish(mcuRow: mcuRow)
            }
        }
    }

    /// One thread reads coefficients, another makes rows of the picture of them.
    private func decodePipelined(_ start: JPEGSequentialScan) throws(PictureError) {
        let frame = canvas.frame
        let assembly = try canvas.assembly(of: .whole(frame))
        let reconstruction = JPEGReconstruction(frame, quantisation)
        // A quarter of a megabyte of coefficients at a time: few of them stay in the cache, and a thread that waits for
        // the next is not woken for next to nothing.
        let blocksPerRow = frame.blockCount / frame.mcuRows
        let rowsPerPiece = max(1, 2048 / blocksPerRow)
        let places = (0..<4).map { _ in
            frame.components.map { JPEGCoefficients($0, blockRows: rowsPerPiece * $0.layout.vertical) }
        }
        func rows(_ piece: Int) -> Range<Int> {
            piece * rowsPerPiece..<min((piece + 1) * rowsPerPiece, frame.mcuRows)
        }
        var scan = start
        let pieceCount = (frame.mcuRows + rowsPerPiece - 1) / rowsPerPiece
        try JPEGPipeline.run(pieceCount, places: places.count) { (piece, place) throws(PictureError) in
            for plane in places[place] { plane.clear() }
            for (top, mcuRow) in rows(piece).enumerated() {
                scan.readRow(mcuRow, header, frame, into: places[place], top: top)
                try file.requireComplete(scan.reader, hasRunOut: scan.hasRunOut)
            }
        } finish: { piece, place in
            for (top, mcuRow) in rows(piece).enumerated() {
                reconstruction.transform(places[place], top: top, into: assembly.windows)
                assembly.finish(mcuRow: mcuRow)
            }
        }
    }

    /// One for each of the scan's components.
    private func targets(_ assembly: JPEGRowAssembly) -> JPEGStorage<Target> {
        JPEGStorage(
            header.members.enumerated().compactMap { index, member in
                quantisation[member.component].map {
                    Target(
                        index, canvas.frame.components[member.component], $0, assembly.windows[member.component])
                }
            })
    }

    @inline(__always)
    private func readRow(
        _ scan: inout JPEGSequentialScan, _ mcuRow: Int, _ targets: JPEGStorage<Target>, _ block: JPEGStorage<Int16>
    ) {
        let frame = canvas.frame
        if header.members.count == 1 {
            let component = frame.components[0]
            let rows = component.blockRows - mcuRow * component.layout.vertical
            Self.readRow(&scan, targets.base[0], rows: rows, columns: component.blocksPerRow, block)
        } else {
            Self.readRow(&scan, targets, mcuCount: frame.mcusPerRow, block)
        }
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
    /// - Parameter interval: the index of the restart interval that begins where `file` is.
    init(_ header: JPEGScanHeader, _ file: inout JPEGFile, from interval: Int = 0) throws(PictureError) {
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
