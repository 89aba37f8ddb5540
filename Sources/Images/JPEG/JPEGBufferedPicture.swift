/// Decodes a picture whose blocks arrive in several scans: all coefficients are kept until the last.
enum JPEGBufferedPicture {
    static func decode(
        _ file: inout JPEGFile, _ frame: JPEGFrame, _ firstScan: JPEGScanHeader, into assembly: JPEGRowAssembly
    ) throws(ImageError) {
        try JPEGScanWork.requireSomeData(for: frame, byteCount: file.segments.bytes.count)
        let coefficients = frame.components.map(JPEGCoefficients.init)
        // A component's factors are those in force at its first scan.
        var quantisation = [JPEGStorage<Int16>?](repeating: nil, count: frame.components.count)
        var work = JPEGScanWork(frame, byteCount: file.segments.bytes.count)
        var header = firstScan
        do throws(ImageError) {
            while true {
                try work.add(header, frame, at: file.segments.position)
                for member in header.members where quantisation[member.component] == nil {
                    quantisation[member.component] = try file.quantisation(of: frame.components[member.component])
                }
                if frame.isArithmetic {
                    var scan = JPEGArithmeticScan(header, isProgressive: frame.isProgressive, file)
                    try read(&scan, header, frame, coefficients, &file)
                } else if frame.isProgressive {
                    var scan = try JPEGProgressiveScan(header, &file)
                    try read(&scan, header, frame, coefficients, &file)
                } else {
                    var scan = try JPEGSequentialScan(header, &file)
                    try read(&scan, header, frame, coefficients, &file)
                }
                guard let next = try file.nextScan() else { break }
                header = next
            }
        } catch {
            // What the scans before have brought is a picture already.
            guard file.options.allowTruncated, quantisation.contains(where: { $0 != nil }) else { throw error }
        }
        reconstruct(frame, coefficients, quantisation, into: assembly)
    }

    /// Reads one scan's blocks into the coefficients.
    private static func read(
        _ scan: inout some JPEGScan, _ header: JPEGScanHeader, _ frame: JPEGFrame, _ coefficients: [JPEGCoefficients],
        _ file: inout JPEGFile
    ) throws(ImageError) {
        defer { file.segments.position = scan.reader.position }
        if header.members.count == 1 {
            let component = frame.components[header.members[0].component]
            let plane = coefficients[header.members[0].component]
            for row in 0..<component.blockRows where !scan.isExhausted {
                for column in 0..<component.blocksPerRow where scan.beginUnit() {
                    scan.readBlock(member: 0, index: row &* plane.blocksPerRow &+ column, of: plane)
                    scan.endUnit()
                }
            }
        } else {
            for mcuRow in 0..<frame.mcuRows where !scan.isExhausted {
                for mcu in 0..<frame.mcusPerRow where scan.beginUnit() {
                    for (member, place) in header.members.enumerated() {
                        let layout = frame.components[place.component].layout
                        let plane = coefficients[place.component]
                        for y in 0..<layout.vertical {
                            let row = (mcuRow &* layout.vertical &+ y) &* plane.blocksPerRow
                            for x in 0..<layout.horizontal {
                                scan.readBlock(
                                    member: member, index: row &+ mcu &* layout.horizontal &+ x, of: plane)
                            }
                        }
                    }
                    scan.endUnit()
                }
            }
        }
        try file.requireComplete(scan.reader, hasRunOut: scan.hasRunOut)
    }

    private static func reconstruct(
        _ frame: JPEGFrame, _ coefficients: [JPEGCoefficients], _ quantisation: [JPEGStorage<Int16>?],
        into assembly: JPEGRowAssembly
    ) {
        // The picture takes about as much memory as its coefficients, which go as it comes.
        var released = coefficients.map { ReleasedMemory(from: $0.memory(fromRow: 0)) }
        for mcuRow in 0..<frame.mcuRows {
            for (index, component) in frame.components.enumerated() {
                // A component without a scan stays at the middle level that the window begins with.
                guard let factors = quantisation[index] else { continue }
                let (plane, window) = (coefficients[index], assembly.windows[index])
                for row in 0..<component.layout.vertical {
                    let first = (mcuRow * component.layout.vertical + row) * plane.blocksPerRow
                    for column in 0..<component.blocksPerRow {
                        JPEGInverseDCT.transform(
                            plane.block(first + column), extent: plane.set(first + column).pointee.extent,
                            quantisation: factors.base, size: component.blockSize,
                            into: window.block(row: row, column: column), stride: window.stride)
                    }
                }
            }
            assembly.finish(mcuRow: mcuRow)
            for (index, component) in frame.components.enumerated() {
                let end = (mcuRow + 1) * component.layout.vertical
                released[index].release(upTo: coefficients[index].memory(fromRow: end))
            }
        }
    }
}
