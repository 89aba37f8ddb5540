internal import CLIPSystem

/// The IHDR chunk: size and sample layout.
struct PNGHeader {
    /// How samples make up a pixel; raw values are the file's.
    enum ColourType: UInt8 {
        case gray = 0
        case rgb = 2
        case palette = 3
        case grayAlpha = 4
        case rgba = 6

        var channels: Int {
            switch self {
            case .gray, .palette: 1
            case .grayAlpha: 2
            case .rgb: 3
            case .rgba: 4
            }
        }
    }

    let width: Int
    let height: Int
    /// Bits a sample: 1, 2, 4, 8 or 16.
    let depth: Int
    let colourType: ColourType
    let isInterlaced: Bool

    var bitsPerPixel: Int { depth * colourType.channels }

    /// Bytes from a sample to the one that filters compare it with.
    var filterDistance: Int { max(1, bitsPerPixel / 8) }

    func rowBytes(width: Int) -> Int { (width * bitsPerPixel + 7) / 8 }

    init(_ chunk: PNGChunk, _ bytes: [UInt8]) throws(CLIPError) {
        let data = Array(bytes[chunk.data])
        func malformed(_ problem: String) -> CLIPError {
            .malformed(format: "PNG", offset: chunk.data.lowerBound, problem: problem)
        }
        guard data.count == 13 else { throw malformed("the header has \(data.count) bytes, expected 13") }
        width = bigEndian32(data, at: 0)
        height = bigEndian32(data, at: 4)
        guard width > 0, height > 0, width <= 0x7FFF_FFFF, height <= 0x7FFF_FFFF else {
            throw malformed("the picture is \(width) × \(height) pixels, expected 1 to 2147483647 each way")
        }
        depth = Int(data[8])
        guard let colourType = ColourType(rawValue: data[9]) else {
            throw malformed("colour type \(data[9]) does not exist, expected 0, 2, 3, 4 or 6")
        }
        self.colourType = colourType
        let depths =
            switch colourType {
            case .gray: [1, 2, 4, 8, 16]
            case .palette: [1, 2, 4, 8]
            case .rgb, .grayAlpha, .rgba: [8, 16]
            }
        guard depths.contains(depth) else {
            throw malformed("depth \(depth) does not go with colour type \(data[9])")
        }
        guard data[10] == 0, data[11] == 0, data[12] <= 1 else {
            throw malformed("compression \(data[10]), filter \(data[11]), interlace \(data[12]): expected 0, 0, 0 or 1")
        }
        isInterlaced = data[12] == 1
    }
}

/// Where the pixels of one pass of an interlaced picture lie; a plain picture is one pass over everything.
struct PNGPass {
    let left: Int
    let top: Int
    let stepX: Int
    let stepY: Int
    /// Pixels of the pass in a row, and its rows; a pass with either 0 takes no room in the file.
    let width: Int
    let height: Int

    private init(_ header: PNGHeader, left: Int, top: Int, stepX: Int, stepY: Int) {
        (self.left, self.top, self.stepX, self.stepY) = (left, top, stepX, stepY)
        width = (header.width - left + stepX - 1) / stepX
        height = (header.height - top + stepY - 1) / stepY
    }

    /// The passes of a picture that hold pixels: Adam7, PNG specification section 8.2.
    static func passes(of header: PNGHeader) -> [PNGPass] {
        guard header.isInterlaced else { return [PNGPass(header, left: 0, top: 0, stepX: 1, stepY: 1)] }
        return [
            PNGPass(header, left: 0, top: 0, stepX: 8, stepY: 8),
            PNGPass(header, left: 4, top: 0, stepX: 8, stepY: 8),
            PNGPass(header, left: 0, top: 4, stepX: 4, stepY: 8),
            PNGPass(header, left: 2, top: 0, stepX: 4, stepY: 4),
            PNGPass(header, left: 0, top: 2, stepX: 2, stepY: 4),
            PNGPass(header, left: 1, top: 0, stepX: 2, stepY: 2),
            PNGPass(header, left: 0, top: 1, stepX: 1, stepY: 2),
        ].filter { $0.width > 0 && $0.height > 0 }
    }
}

/// Where a PNG file may say which way up it is.
struct PNGMetadata {
    /// The orientation that the eXIf chunk gives.
    var exif: Int?
    private var rawProfile: Int?
    /// The last XMP packet.
    private var xmp: PNGText?

    /// Far more than the first directory of EXIF data takes, where the orientation stands.
    private static let profileLimit = 1 << 16
    /// Pillow refuses files whose text becomes longer.
    private static let packetLimit = 1 << 20

    /// EXIF orientation, 1…8.
    var orientation: Int {
        exif ?? rawProfile ?? xmp.flatMap { xmpOrientation($0.contents(limit: Self.packetLimit)) } ?? 1
    }

    mutating func take(_ text: PNGText) {
        switch text.keyword {
        case "XML:com.adobe.xmp": xmp = text
        case "Raw profile type exif", "Raw profile type APP1":
            rawProfile = exifOrientation(Self.profile(in: text.contents(limit: Self.profileLimit))[...])
        default: break
        }
    }

    /// EXIF data as ImageMagick wrote it before PNG had a chunk for it: a text that says the profile's name, its length,
    /// and its bytes in hexadecimal digits.
    private static func profile(in text: ArraySlice<UInt8>) -> [UInt8] {
        let lines = text.prefix(profileLimit).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in lines.dropFirst(3).joined() {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue.map(UInt8.init) else { break }
            if let first = high { bytes.append(first << 4 | value) }
            high = high == nil ? value : nil
        }
        return bytes
    }
}

/// A text chunk (tEXt, zTXt or iTXt), its text still as it is stored.
struct PNGText {
    let keyword: String
    private let stored: ArraySlice<UInt8>
    private let isCompressed: Bool

    /// - Returns: nil for other chunks and broken ones.
    init?(_ chunk: PNGChunk, _ bytes: [UInt8]) {
        let data = bytes[chunk.data]
        guard let end = data.firstIndex(of: 0) else { return nil }
        keyword = String(decoding: data[..<end], as: UTF8.self)
        let rest = data[(end + 1)...]
        switch chunk.type {
        case "tEXt": (isCompressed, stored) = (false, rest)
        // A byte for the compression method, of which there is one.
        case "zTXt": (isCompressed, stored) = (true, rest.dropFirst())
        case "iTXt":
            guard let flag = rest.first, let method = rest.dropFirst().first, flag == 0 || method == 0 else {
                return nil
            }
            // The language and the keyword in it, each with a zero at its end.
            let parts = rest.dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return nil }
            (isCompressed, stored) = (flag != 0, parts[2])
        default: return nil
        }
    }

    /// The text; of compressed text at least its first `limit` bytes, and not much more.
    func contents(limit: Int) -> ArraySlice<UInt8> {
        guard isCompressed else { return stored }
        guard var stream = try? ZlibStream(Array(stored)) else { return [] }
        var text: [UInt8] = []
        while text.count < limit {
            let progress = stream.next { (piece) throws(Never) in text.append(contentsOf: piece) }
            guard case .more = progress else { break }
        }
        return text[...]
    }
}
