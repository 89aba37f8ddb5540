internal import CLIPSystem

/// Decodes a picture whose blocks arrive in several scans: all coefficients are kept until the last.
enum JPEGBufferedPicture {
    static func decode(
        _ file: inout JPEGFile, _ firstScan: JPEGScanHeader, into canvas: JPEGCanvas
    ) throws(CLIPError) {
        let frame = canvas.frame
        let bands = JPEGBand.split(frame, threads: canvas.threads)
        var assemblies: [JPEGRowAssembly] = []
        for band in bands { assemblies.append(try canvas.assembly(of: band)) }
        try JPEGScanWork.requireSomeData(for: frame, byteCount: file.segments.bytes.count)
        let coefficients = frame.components.map { JPEGCoefficients($0, blockRows: $0.paddedBlockRows) }
        // A component's factors are those in force at its first scan.
        var quantisation = [JPEGStorage<Int16>?](repeating: nil, count: frame.components.count)
        var progress = JPEGProgress(componentCount: frame.components.count)
        var work = JPEGScanWork(frame, byteCount: file.segments.bytes.count)
        var header = firstScan
        do throws(CLIPError) {
            while true {
                try work.add(header, frame, at: file.segments.position)
                for member in header.members where quantisation[member.component] == nil {
                    quantisation[member.component] = try file.quantisation(of: frame.components[member.component])
                }
                if frame.isProgressive { progress.begin(header) }
                if frame.isArithmetic {
                    var scan = JPEGArithmeticScan(header, isProgressive: frame.isProgressive, file)
                    try read(&scan, header, frame, coefficients, &file, &progress)
                } else if frame.isProgressive {
                    var scan = try JPEGProgressiveScan(header, &file)
                    try read(&scan, header, frame, coefficients, &file, &progress)
                } else {
                    var scan = try JPEGSequentialScan(header, &file)
                    try read(&scan, header, frame, coefficients, &file, &progress)
                }
                guard let next = try file.nextScan() else { break }
                header = next
            }
        } catch {
            // What the scans before have brought is a picture already.
            guard file.options.allowTruncated, quantisation.contains(where: { $0 != nil }) else { throw error }
        }
        let smoothing = JPEGBlockSmoothing(frame, progress, quantisation)
        let reconstruction = JPEGReconstruction(frame, quantisation, smoothing: smoothing)
        concurrently(bands.count) { index in
            reconstruct(
                frame, coefficients, reconstruction, bands[index], into: assemblies[index],
                releasing: smoothing == nil)
        }
    }

    /// Reads one scan's blocks into the coefficients.
    private static func read(
        _ scan: inout some JPEGScan, _ header: JPEGScanHeader, _ frame: JPEGFrame, _ coefficients: [JPEGCoefficients],
        _ file: inout JPEGFile, _ progress: inout JPEGProgress
    ) throws(CLIPError) {
        defer { file.segments.position = scan.reader.position }
        let order = JPEGBlockOrder(header, frame)
        let planes = JPEGStorage(header.members.map { coefficients[$0.component].plane })
        for mcuRow in 0..<frame.mcuRows where !scan.isExhausted {
            if scan.readRow(mcuRow, order, into: planes, top: mcuRow) { progress.lastRow = mcuRow }
        }
        try file.requireComplete(scan.reader, hasRunOut: scan.hasRunOut)
    }

    private static func reconstruct(
        _ frame: JPEGFrame, _ coefficients: [JPEGCoefficients], _ reconstruction: JPEGReconstruction, _ band: JPEGBand,
        into assembly: JPEGRowAssembly, releasing: Bool
    ) {
        // The picture takes about as much memory as its coefficients, which go as it comes: but for rows that the band
        // below reads as well. Smoothing reads more rows, and in both directions.
        let shared = band.rows.upperBound == frame.mcuRows ? 0 : 1
        var released = zip(coefficients, frame.components).map { plane, component in
            ReleasedMemory(from: plane.memory(fromRow: band.rows.lowerBound * component.layout.vertical))
        }
        for mcuRow in band.start..<band.rows.upperBound {
            reconstruction.transform(coefficients, top: mcuRow, into: assembly.windows)
            assembly.finish(mcuRow: mcuRow)
            guard releasing else { continue }
            let end = min(mcuRow + 1, band.rows.upperBound - shared)
            for (index, component) in frame.components.enumerated() {
                released[index].release(upTo: coefficients[index].memory(fromRow: end * component.layout.vertical))
            }
        }
    }
}

/// Keeps the time that a file may take in proportion to its size and its picture's: a few bytes can ask for one more
/// pass over all blocks, and thousands of such scans fit a small file.
private struct JPEGScanWork {
    private var blocksLeft: Int

    init(_ frame: JPEGFrame, byteCount: Int) {
        // Encoders write some ten scans; one for each bit of each coefficient would be several hundred.
        blocksLeft = 200 * frame.blockCount + 64 * byteCount
    }

    /// Refuses pictures of which a file can hold no more than a small part, before memory is taken for them.
    ///
    /// A block takes at least one bit, with arithmetic codes less. Files that have a sixteenth of that pass: damaged
    /// ones decode as far as they go.
    static func requireSomeData(for frame: JPEGFrame, byteCount: Int) throws(CLIPError) {
        let blocksPerByte = 16 * 8 * (frame.isArithmetic ? 16 : 1)
        guard frame.blockCount <= blocksPerByte * byteCount else {
            throw .brokenJPEG(
                at: byteCount,
                "the file ends after \(byteCount) bytes, far too few for a picture of"
                    + " \(frame.width) × \(frame.height) pixels")
        }
    }

    mutating func add(_ header: JPEGScanHeader, _ frame: JPEGFrame, at offset: Int) throws(CLIPError) {
        for member in header.members {
            let component = frame.components[member.component]
            // Next to no data can make arithmetic codes fill whole blocks.
            let cost = frame.isArithmetic ? 8 : 1
            blocksLeft -= cost * component.paddedBlocksPerRow * component.paddedBlockRows
        }
        guard blocksLeft >= 0 else {
            throw .brokenJPEG(at: offset, "far more scans than a picture of this size can use")
        }
    }
}
