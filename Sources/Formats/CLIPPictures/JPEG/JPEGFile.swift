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
    mutating func readHeaders() throws(PictureError) -> (JPEGFrame, JPEGScanHeader) {
        guard let scan = try nextScan(), let frame else {
            throw .brokenJPEG(at: segments.position, "the file ends without a picture")
        }
        return (frame, scan)
    }

    /// Reads up to the next scan's data.
    /// - Returns: nil at the end of the picture.
    mutating func nextScan() throws(PictureError) -> JPEGScanHeader? {
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

    private mutating func take(_ marker: UInt8, _ contents: JPEGSegment) throws(PictureError) {
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
    func quantisation(of component: JPEGComponent) throws(PictureError) -> JPEGStorage<Int16> {
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
    func requireComplete(_ reader: JPEGBitReader, hasRunOut: Bool) throws(PictureError) {
        if hasRunOut, reader.isAtEnd, !options.allowTruncated {
            throw .truncatedJPEG(at: segments.bytes.count, "inside the picture's data")
        }
    }
}
