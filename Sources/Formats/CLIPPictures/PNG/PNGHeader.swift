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

    init(_ chunk: PNGChunk, _ bytes: [UInt8]) throws(PictureError) {
        let data = Array(bytes[chunk.data])
        func malformed(_ problem: String) -> PictureError {
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
