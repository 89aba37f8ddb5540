internal import CLIPSystem

/// A JPEG file being read: its segments, and what they have defined so far.
struct JPEGFile {
    let options: DecodingOptions
    var segments: JPEGSegmentReader
    var tables = JPEGTables()
    private(set) var conditioning = JPEGConditioning()
    /// MCUs between restart markers, 0 for none.
    private(set) var restartInterval = 0
    private var exif: Int?
    /// The last XMP packet.
    private var xmp: JPEGSegment?
    private var hasJFIF = false
    private var adobeTransform: UInt8?
    private var frame: JPEGFrame?

    init(_ bytes: UnsafeBufferPointer<UInt8>, options: DecodingOptions) {
        self.options = options
        segments = JPEGSegmentReader(bytes: bytes, position: 2)
    }

    /// Reads up to the first scan's data.
    mutating func readHeaders() throws(CLIPError) -> (JPEGFrame, JPEGScanHeader) {
        guard let scan = try nextScan(), let frame else {
            throw .brokenJPEG(at: segments.position, "the file ends without a picture")
        }
        return (frame, scan)
    }

    /// Reads up to the next scan's data.
    /// - Returns: nil at the end of the picture.
    mutating func nextScan() throws(CLIPError) -> JPEGScanHeader? {
        while let marker = segments.nextMarker() {
            switch marker {
            case JPEGMarker.endOfImage:
                return nil
            case JPEGMarker.startOfScan:
                let contents = try segments.segment()
                guard let frame else {
                    throw .brokenJPEG(at: contents.position, "a scan before the frame header")
                }
                return try JPEGScanHeader(contents, frame: frame)
            case JPEGMarker.startOfImage:
                throw .brokenJPEG(at: segments.position - 2, "a second picture begins inside the first")
            case JPEGMarker.temporary, JPEGMarker.firstRestart...JPEGMarker.lastRestart:
                continue
            default:
                try take(marker, try segments.segment())
            }
        }
        throw .truncatedJPEG(at: segments.bytes.count, "before the picture's end")
    }

    private mutating func take(_ marker: UInt8, _ contents: JPEGSegment) throws(CLIPError) {
        switch marker {
        case JPEGMarker.quantisationTables:
            try tables.defineQuantisation(contents)
        case JPEGMarker.huffmanTables:
            try tables.defineHuffman(contents)
        case JPEGMarker.arithmeticConditioning:
            try conditioning.define(contents)
        case JPEGMarker.restartInterval:
            var segment = contents
            restartInterval = try segment.word()
        case _ where JPEGMarker.isStartOfFrame(marker):
            guard frame == nil else { throw .brokenJPEG(at: contents.position, "a second frame header") }
            let hasHeight = contents[1] != 0 || contents[2] != 0
            frame = try JPEGFrame(
                contents, marker: marker, lines: hasHeight ? nil : numberOfLines(), options: options)
        case JPEGMarker.jfif:
            if frame == nil, contents.starts(with: "JFIF\0"), contents.count >= 14 { hasJFIF = true }
        case JPEGMarker.adobe:
            if contents.starts(with: "Adobe"), let transform = contents[11] { adobeTransform = transform }
        case JPEGMarker.exif:
            if contents.starts(with: "Exif\0") {
                exif = exif ?? exifOrientation(contents.remaining)
            } else if contents.starts(with: "http://ns.adobe.com/xap/1.0/\0") {
                xmp = contents
            }
        case 0xF7:
            throw .unsupportedJPEG("JPEG-LS coding")
        default:
            break
        }
    }

    /// The height that a DNL segment gives behind the first scan, for frame headers that leave it open.
    private func numberOfLines() -> Int? {
        var search = segments
        while let marker = search.nextMarker(), marker != JPEGMarker.endOfImage {
            if marker == JPEGMarker.temporary || JPEGMarker.isRestart(marker) { continue }
            guard var contents = try? search.segment() else { return nil }
            if marker == JPEGMarker.numberOfLines { return try? contents.word() }
        }
        return nil
    }

    /// EXIF orientation, 1…8, of what was read so far.
    var orientation: Int { exif ?? xmp.flatMap { xmpOrientation($0.remaining) } ?? 1 }

    func colour(of frame: JPEGFrame) -> JPEGColour {
        JPEGColour(ids: frame.components.map(\.layout.id), hasJFIF: hasJFIF, adobeTransform: adobeTransform)
    }

    /// The factors of a component, row by row, as the transform multiplies by them.
    func quantisation(of component: JPEGComponent) throws(CLIPError) -> JPEGStorage<Int16> {
        let index = component.layout.quantisationTable
        guard index < 4, let factors = tables.quantisation[index] else {
            throw .brokenJPEG(
                at: segments.position,
                "component \(component.layout.id) wants quantisation table \(index),"
                    + " which is not defined")
        }
        return JPEGStorage(factors.map(Int16.init(bitPattern:)))
    }

    /// Whether a scan's data ended before its last block, and that is an error.
    func requireComplete(_ reader: JPEGBitReader, hasRunOut: Bool) throws(CLIPError) {
        if hasRunOut, reader.isAtEnd, !options.allowTruncated {
            throw .truncatedJPEG(at: segments.bytes.count, "inside the picture's data")
        }
    }
}

/// The quantisation and Huffman tables that a file has defined so far.
struct JPEGTables {
    /// 64 factors each, row by row.
    private(set) var quantisation = [[UInt16]?](repeating: nil, count: 4)
    private var dcCodes: [JPEGHuffmanCode?] = [
        JPEGStandardCodes.luminanceDC, JPEGStandardCodes.chrominanceDC, nil, nil,
    ]
    private var acCodes: [JPEGHuffmanCode?] = [
        JPEGStandardCodes.luminanceAC, JPEGStandardCodes.chrominanceAC, nil, nil,
    ]
    /// Laid out when a scan first uses them, so that tables which no scan uses cost nothing.
    private var built: [Key: JPEGHuffmanTable] = [:]

    private struct Key: Hashable {
        let use: JPEGHuffmanTable.Use
        let index: Int
    }

    /// Takes in a DQT segment.
    mutating func defineQuantisation(_ contents: JPEGSegment) throws(CLIPError) {
        var segment = contents
        while segment.count > 0 {
            let start = segment.position
            let kind = try segment.byte()
            let index = Int(kind & 15)
            guard index < 4 else {
                throw .brokenJPEG(at: start, "quantisation table \(index): 0 to 3 were expected")
            }
            var factors = [UInt16](repeating: 0, count: 64)
            for position in 0..<64 {
                let factor = kind >> 4 == 0 ? Int(try segment.byte()) : try segment.word()
                factors[Int(JPEGZigzag.order[position])] = UInt16(factor)
            }
            quantisation[index] = factors
        }
    }

    /// Takes in a DHT segment.
    mutating func defineHuffman(_ contents: JPEGSegment) throws(CLIPError) {
        var segment = contents
        while segment.count > 0 {
            let start = segment.position
            let kind = try segment.byte()
            let index = Int(kind & 15)
            guard index < 4, kind >> 4 < 2 else {
                throw .brokenJPEG(
                    at: start, "Huffman table \(index) of class \(kind >> 4): 0 to 3 of class 0 or 1 were expected")
            }
            var counts: [UInt8] = []
            for _ in 0..<16 { counts.append(try segment.byte()) }
            let symbolCount = counts.reduce(0) { $0 + Int($1) }
            guard symbolCount <= 256 else {
                throw .brokenJPEG(at: start, "a Huffman table of \(symbolCount) codes: 256 is the limit")
            }
            var symbols = [UInt8](repeating: 0, count: 256)
            for i in 0..<symbolCount { symbols[i] = try segment.byte() }

            let code = JPEGHuffmanCode(counts: counts, symbols: symbols)
            if kind >> 4 == 0 {
                dcCodes[index] = code
                built[Key(use: .dc, index: index)] = nil
            } else {
                acCodes[index] = code
                built[Key(use: .ac, index: index)] = nil
                built[Key(use: .refinement, index: index)] = nil
            }
        }
    }

    /// The Huffman table `index` for one use.
    /// - Parameter offset: of the scan that wants it.
    mutating func huffman(
        _ use: JPEGHuffmanTable.Use, _ index: Int, at offset: Int
    ) throws(CLIPError) -> JPEGHuffmanTable {
        let key = Key(use: use, index: index)
        if let table = built[key] { return table }
        let name = use == .dc ? "DC" : "AC"
        guard index < 4, let code = use == .dc ? dcCodes[index] : acCodes[index] else {
            throw .brokenJPEG(at: offset, "the scan wants \(name) Huffman table \(index), which is not defined")
        }
        guard let table = JPEGHuffmanTable(code, for: use) else {
            throw .brokenJPEG(at: offset, "\(name) Huffman table \(index) is not a prefix code")
        }
        built[key] = table
        return table
    }
}

/// What a DAC segment sets: bounds by which the arithmetic coder tells small values from large (T.81, B.2.4.3).
struct JPEGConditioning {
    private var dc = [(low: Int, high: Int)](repeating: (0, 1), count: 16)
    private var ac = [Int](repeating: 5, count: 16)

    /// Differences whose highest bit lies below `low` count as zero, those above `high` as large.
    func dcBounds(_ table: Int) -> (low: Int, high: Int) { ((1 << dc[table].low) >> 1, (1 << dc[table].high) >> 1) }

    /// The last position in zigzag order that counts as low.
    func acBound(_ table: Int) -> Int { ac[table] }

    mutating func define(_ contents: JPEGSegment) throws(CLIPError) {
        var segment = contents
        while segment.count > 0 {
            let start = segment.position
            let index = Int(try segment.byte())
            let value = Int(try segment.byte())
            switch index {
            case 0..<16:
                guard value & 15 <= value >> 4 else {
                    throw .brokenJPEG(at: start, "arithmetic conditioning from \(value & 15) up to \(value >> 4)")
                }
                dc[index] = (value & 15, value >> 4)
            case 16..<32:
                ac[index - 16] = value
            default:
                throw .brokenJPEG(at: start, "arithmetic conditioning \(index): 0 to 31 were expected")
            }
        }
    }
}
