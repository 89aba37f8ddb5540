package import CLIPSystem

/// PNG (ISO/IEC 15948): every colour type, depth and interlacing; of an animation the default picture.
package enum PNGDecoder: PictureDecoder {
    package static let formatName = "PNG"
    package static let fileExtensions = ["png", "apng"]

    package static func recognises(_ bytes: [UInt8]) -> Bool { bytes.starts(with: PNGChunkReader.signature) }

    package static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        let file = try PNGFile(bytes, options: options)
        let pixels = try decompress(file, fileSize: bytes.count, options)
        let bitmap = Bitmap(width: file.header.width, height: file.header.height, pixels: pixels)
        return DecodedPicture(bitmap: bitmap, orientation: file.orientation)
    }

    private static func decompress(
        _ file: PNGFile, fileSize: Int, _ options: DecodingOptions
    ) throws(CLIPError) -> [UInt8] {
        var position = 0
        func imageError(_ error: StreamFault) -> CLIPError {
            switch error {
            case .corrupt(let problem):
                .malformed(format: formatName, offset: file.fileOffset(of: position), problem: problem)
            case .endsEarly:
                .truncated(format: formatName, offset: fileSize, problem: "inside the picture's data")
            }
        }

        var stream: ZlibStream
        do throws(StreamFault) { stream = try ZlibStream(file.compressed) } catch { throw imageError(error) }
        var rows = PNGRows(file, options: options)
        while true {
            let progress = try stream.next { (piece) throws(CLIPError) in
                guard rows.append(piece) else {
                    throw .malformed(
                        format: formatName, offset: file.fileOffset(of: 0), problem: "a row has an unknown filter")
                }
            }
            position = stream.position
            switch progress {
            case .more:
                // More data than the picture needs: whatever follows is not decompressed.
                if rows.isComplete { return rows.pixels }
            case .finished:
                if rows.isComplete || options.allowTruncated { return rows.pixels }
                throw .truncated(
                    format: formatName, offset: fileSize, problem: "before the picture's last row")
            case .failed(let error):
                if options.allowTruncated { return rows.pixels }
                // Every pixel is there, only the checksum is missing.
                if rows.isComplete, error == .endsEarly { return rows.pixels }
                throw imageError(error)
            }
        }
    }
}

/// What the chunks of a PNG file say, the picture's data still compressed.
struct PNGFile {
    var header: PNGHeader
    /// `[entries, 3]`, at most 256 entries.
    var palette: [UInt8] = []
    /// The tRNS chunk: opacity by palette index, or one transparent sample value or colour.
    var transparency: [UInt8] = []
    /// EXIF orientation, 1…8.
    private(set) var orientation = 1
    /// The data of all IDAT chunks, joined.
    var compressed: [UInt8] = []
    /// Where the joined pieces begin, in `compressed` and in the file.
    private var pieces: [(start: Int, fileOffset: Int)] = []

    /// Where a byte of `compressed` stands in the file.
    func fileOffset(of position: Int) -> Int {
        let piece = pieces.last { $0.start <= position } ?? (0, 0)
        return piece.fileOffset + position - piece.start
    }

    /// Reads the chunks up to the end of the picture, or of the file.
    init(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) {
        var reader = PNGChunkReader(bytes)
        guard let first = try reader.next() else {
            throw .truncated(format: "PNG", offset: bytes.count, problem: "before the header")
        }
        if first.type == "CgBI" {
            throw .unsupported(
                format: "PNG", feature: "Apple's CgBI extension",
                advice: "turn it into a standard PNG, with `pngcrush -revert-iphone-optimizations`")
        }
        guard first.type == "IHDR" else {
            throw .malformed(format: "PNG", offset: 12, problem: "the first chunk is \(first.type), expected IHDR")
        }
        try PNGFile.check(first, reader, options)
        header = try PNGHeader(first, bytes)
        _ = try options.checkedPixelCount(format: "PNG", width: header.width, height: header.height)
        var metadata = PNGMetadata()
        try readChunks(&reader, bytes, options, &metadata)
        orientation = metadata.orientation
        try validate(bytes, options)
    }

    private mutating func readChunks(
        _ reader: inout PNGChunkReader, _ bytes: [UInt8], _ options: DecodingOptions, _ metadata: inout PNGMetadata
    ) throws(CLIPError) {
        var (isAnimated, hasEnded) = (false, false)
        while true {
            let chunk: PNGChunk
            do {
                guard let next = try reader.next() else { return }
                chunk = next
            } catch {
                // Junk after the picture's data does no harm.
                if pieces.isEmpty { throw error }
                return
            }
            let isAfterData = !pieces.isEmpty && chunk.type != "IDAT"
            // As in Pillow: the checksums up to the picture's data count, whatever they are of, and no other.
            if pieces.isEmpty, chunk.type != "IDAT" {
                try PNGFile.check(chunk, reader, options)
            } else if isAfterData {
                hasEnded = true
                // An animation's next picture begins.
                if chunk.type == "fcTL", isAnimated { return }
                if chunk.lacksData, chunk.type != "IEND" {
                    if options.allowTruncated { return }
                    throw PNGFile.cut(chunk, bytes)
                }
            }
            switch chunk.type {
            case "acTL": isAnimated = true
            // One behind another chunk is not the picture's.
            case "IDAT" where !hasEnded:
                pieces.append((compressed.count, chunk.data.lowerBound))
                compressed.append(contentsOf: bytes[chunk.data])
            case "PLTE" where !isAfterData: palette = Array(bytes[chunk.data])
            case "tRNS" where !isAfterData: transparency = Array(bytes[chunk.data])
            case "eXIf": metadata.exif = exifOrientation(bytes[chunk.data])
            case "tEXt", "zTXt", "iTXt": if let text = PNGText(chunk, bytes) { metadata.take(text) }
            case "IEND": return
            case "IHDR":
                throw .malformed(format: "PNG", offset: chunk.data.lowerBound - 8, problem: "a second IHDR chunk")
            case let type where !chunk.isAncillary && pieces.isEmpty && type != "PLTE":
                throw .malformed(
                    format: "PNG", offset: chunk.data.lowerBound - 8,
                    problem: "the chunk \(type) is critical but not known")
            default: break
            }
        }
    }

    /// A chunk before the picture's data has to be whole.
    private static func check(
        _ chunk: PNGChunk, _ reader: PNGChunkReader, _ options: DecodingOptions
    ) throws(CLIPError) {
        guard !chunk.isCut else { throw cut(chunk, reader.bytes) }
        guard reader.isIntact(chunk) || options.allowTruncated && chunk.isAncillary else {
            throw .malformed(
                format: "PNG", offset: chunk.data.upperBound,
                problem: "the checksum of the \(chunk.type) chunk is wrong, the file is damaged")
        }
    }

    private static func cut(_ chunk: PNGChunk, _ bytes: [UInt8]) -> CLIPError {
        .truncated(format: "PNG", offset: bytes.count, problem: "inside its \(chunk.type) chunk")
    }

    private func validate(_ bytes: [UInt8], _ options: DecodingOptions) throws(CLIPError) {
        func malformed(_ problem: String) -> CLIPError {
            .malformed(format: "PNG", offset: bytes.count, problem: problem)
        }
        if header.colourType == .palette {
            guard !palette.isEmpty else { throw malformed("a palette picture without a palette (PLTE)") }
            guard palette.count % 3 == 0, palette.count <= 768 else {
                throw malformed("the palette has \(palette.count) bytes, expected three for each of 1 to 256 colours")
            }
        }
        guard !compressed.isEmpty else {
            throw .truncated(format: "PNG", offset: bytes.count, problem: "before the picture's data (IDAT)")
        }
        // Deflate makes at most 1032 bytes of one: a size that the data can't fill takes no memory.
        let needed = PNGPass.passes(of: header).reduce(0) { $0 + ($1.height * (header.rowBytes(width: $1.width) + 1)) }
        guard needed / 1032 <= compressed.count || options.allowTruncated else {
            throw .truncated(
                format: "PNG", offset: bytes.count,
                problem: "\(compressed.count) bytes of data can't hold \(header.width) × \(header.height) pixels")
        }
    }
}
