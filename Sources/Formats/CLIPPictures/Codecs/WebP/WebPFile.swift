internal import CLIPSystem

/// The chunks of a WebP file up to its first picture.
struct WebPFile {
    enum Coding {
        case lossy
        case lossless
    }

    /// Size of the canvas.
    private(set) var width = 0
    private(set) var height = 0
    /// Where the first picture lies on the canvas, and its size there; the whole canvas unless animated.
    private(set) var left = 0
    private(set) var top = 0
    private(set) var frameWidth = 0
    private(set) var frameHeight = 0
    private(set) var coding = Coding.lossy
    /// The data of the picture's chunk, and of its opacity's.
    private(set) var picture = 0..<0
    private(set) var alpha: Range<Int>?
    /// Whether opacity counts; else colours show as they are.
    private(set) var hasAlpha = false
    private var exif: Range<Int>?
    private var xmp: Range<Int>?
    /// EXIF orientation, 1…8.
    private(set) var orientation = 1
    /// Where the file is cut, if it is: libwebp refuses files that do not end as their header says, even where the end
    /// would not be needed.
    private(set) var cut: String?

    private var isExtended = false
    private var isAnimated = false
    /// Whether the header announces such a chunk; else it is ignored, as in libwebp.
    private var hasEXIF = false
    private var hasXMP = false

    init(_ bytes: [UInt8], format: String) throws(CLIPError) {
        // What follows the RIFF chunk does not belong to the picture.
        let announced = 8 + littleEndian32(bytes, at: 4)
        let end = min(announced, bytes.count)
        var position = 12
        var hasPicture = false
        while let chunk = WebPChunk(bytes, at: position, end: end) {
            switch chunk.name {
            case "VP8X" where position == 12: try readCanvas(bytes, chunk, format)
            case "ANMF" where isAnimated && !hasPicture:
                try readFrame(bytes, chunk, format)
                hasPicture = true
            case "ALPH" where !isAnimated && !hasPicture: alpha = chunk.data
            case "VP8 ", "VP8L":
                guard !isAnimated, !hasPicture else { break }
                take(chunk)
                hasPicture = true
            case "EXIF" where hasEXIF && !chunk.isCut: exif = exif ?? chunk.data
            case "XMP " where hasXMP && !chunk.isCut: xmp = xmp ?? chunk.data
            default: break
            }
            position = chunk.end
        }
        guard hasPicture else {
            throw .truncated(format: format, offset: bytes.count, problem: "before a picture (VP8 or VP8L)")
        }
        try readSize(bytes, format)
        if cut == nil, announced > bytes.count {
            cut = "its header says \(announced) bytes"
        } else if cut == nil, position != announced {
            cut = "its header says \(announced) bytes, which end inside a chunk"
        }
        orientation =
            exif.flatMap { exifOrientation(bytes[$0]) } ?? xmp.flatMap { xmpOrientation(bytes[$0]) } ?? 1
    }

    private mutating func readCanvas(_ bytes: [UInt8], _ chunk: WebPChunk, _ format: String) throws(CLIPError) {
        guard chunk.data.count >= 10 else {
            throw .truncated(format: format, offset: bytes.count, problem: "inside its VP8X chunk")
        }
        let start = chunk.data.lowerBound
        isExtended = true
        isAnimated = bytes[start] & 0x02 != 0
        hasAlpha = bytes[start] & 0x10 != 0
        hasEXIF = bytes[start] & 0x08 != 0
        hasXMP = bytes[start] & 0x04 != 0
        width = littleEndian24(bytes, at: start + 4) + 1
        height = littleEndian24(bytes, at: start + 7) + 1
    }

    private mutating func readFrame(_ bytes: [UInt8], _ chunk: WebPChunk, _ format: String) throws(CLIPError) {
        let start = chunk.data.lowerBound
        guard chunk.data.count >= 16 else {
            throw .truncated(format: format, offset: bytes.count, problem: "inside its ANMF chunk")
        }
        left = 2 * littleEndian24(bytes, at: start)
        top = 2 * littleEndian24(bytes, at: start + 3)
        frameWidth = littleEndian24(bytes, at: start + 6) + 1
        frameHeight = littleEndian24(bytes, at: start + 9) + 1
        guard left + frameWidth <= width, top + frameHeight <= height else {
            throw .malformed(format: format, offset: start, problem: "the first frame reaches outside the canvas")
        }
        var position = start + 16
        while let inner = WebPChunk(bytes, at: position, end: chunk.data.upperBound) {
            position = inner.end
            if inner.name == "ALPH" { alpha = inner.data }
            guard inner.name == "VP8 " || inner.name == "VP8L" else { continue }
            take(inner)
            return
        }
        throw .truncated(format: format, offset: bytes.count, problem: "inside its first frame")
    }

    private mutating func take(_ chunk: WebPChunk) {
        coding = chunk.name == "VP8L" ? .lossless : .lossy
        picture = chunk.data
        cut = chunk.isCut ? "inside the picture's data" : nil
    }

    /// Compares the sizes that the file states.
    private mutating func readSize(_ bytes: [UInt8], _ format: String) throws(CLIPError) {
        let stored: (width: Int, height: Int)
        guard picture.count >= (coding == .lossless ? VP8LDecoder.headerSize : VP8FrameHeader.startSize) else {
            throw .truncated(format: format, offset: bytes.count, problem: "inside the picture's header")
        }
        switch coding {
        case .lossless:
            guard let header = VP8LDecoder.size(bytes[picture]) else {
                throw .malformed(
                    format: format, offset: picture.lowerBound, problem: "the VP8L chunk does not begin as one")
            }
            stored = (header.width, header.height)
            if !isExtended { hasAlpha = header.hasAlpha }
        case .lossy:
            guard let size = VP8FrameHeader.size(bytes[picture]) else {
                throw .malformed(
                    format: format, offset: picture.lowerBound,
                    problem: "the VP8 chunk does not begin with a key frame that is shown")
            }
            stored = size
        }
        if !isExtended { (width, height) = stored }
        if !isAnimated { (frameWidth, frameHeight) = (width, height) }
        guard stored == (frameWidth, frameHeight), stored.width > 0, stored.height > 0 else {
            throw .malformed(
                format: format, offset: picture.lowerBound,
                problem: "the picture is \(stored.width) × \(stored.height) pixels,"
                    + " its frame \(frameWidth) × \(frameHeight)")
        }
    }
}

/// A chunk of a RIFF file.
struct WebPChunk {
    let name: String
    let data: Range<Int>
    /// Where the next one begins.
    let end: Int
    /// True when the file or the chunk around ends inside.
    let isCut: Bool

    init?(_ bytes: [UInt8], at position: Int, end limit: Int) {
        guard limit - position >= 8 else { return nil }
        name = String(decoding: bytes[position..<position + 4], as: UTF8.self)
        let size = littleEndian32(bytes, at: position + 4)
        isCut = size > limit - position - 8
        data = position + 8..<min(position + 8 + size, limit)
        end = position + 8 + size + size % 2
    }
}

private func littleEndian24(_ bytes: [UInt8], at offset: Int) -> Int {
    littleEndian16(bytes, at: offset) | Int(bytes[offset + 2]) << 16
}
