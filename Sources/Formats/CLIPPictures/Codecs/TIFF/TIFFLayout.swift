internal import CLIPSystem

/// The first directory of a TIFF file: numbers by tag (TIFF 6.0, section 2; BigTIFF).
struct TIFFDirectory {
    let isLittleEndian: Bool
    private let isBig: Bool
    private let bytes: [UInt8]
    /// Of each tag: its type, how many numbers it has, and where they are.
    private var entries: [Int: (type: Int, count: Int, offset: Int)] = [:]

    static func recognises(_ bytes: [UInt8]) -> Bool {
        // Canon's raw files have a mark of their own after a TIFF header.
        let isCanonRaw = bytes.count >= 10 && bytes[8..<10].elementsEqual("CR".utf8)
        let headers: [[UInt8]] = [
            [0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A], [0x49, 0x49, 0x2B, 0], [0x4D, 0x4D, 0, 0x2B],
        ]
        return !isCanonRaw && headers.contains { bytes.starts(with: $0) }
    }

    init(_ bytes: [UInt8], format: String) throws(CLIPError) {
        self.bytes = bytes
        isLittleEndian = bytes.first == 0x49
        isBig = bytes.count >= 4 && bytes[isLittleEndian ? 2 : 3] == 0x2B
        func truncated(_ problem: String) -> CLIPError {
            .truncated(format: format, offset: bytes.count, problem: problem)
        }
        let offsetSize = isBig ? 8 : 4
        guard let start = number(at: isBig ? 8 : 4, size: offsetSize) else { throw truncated("inside its header") }
        let countSize = isBig ? 8 : 2
        guard let count = number(at: start, size: countSize) else {
            throw truncated("its header says that the directory begins at byte \(start)")
        }
        let entrySize = 4 + 2 * offsetSize
        guard count > 0, count <= 65535 else {
            throw .malformed(format: format, offset: start, problem: "the directory has \(count) entries")
        }
        for index in 0..<count {
            let at = start + countSize + index * entrySize
            guard let tag = number(at: at, size: 2), let type = number(at: at + 2, size: 2),
                let length = number(at: at + 4, size: offsetSize)
            else { break }
            guard let size = TIFFDirectory.sizes[type], length > 0, length <= bytes.count / size else { continue }
            let valueAt = at + 4 + offsetSize
            let offset = length * size <= offsetSize ? valueAt : number(at: valueAt, size: offsetSize)
            guard let offset, offset <= bytes.count - length * size, entries[tag] == nil else { continue }
            entries[tag] = (type, length, offset)
        }
    }

    /// Bytes of a number of each type that counts here: BYTE, SHORT, LONG, undefined bytes, LONG8, IFD8.
    private static let sizes = [1: 1, 3: 2, 4: 4, 7: 1, 16: 8, 18: 8]

    private func number(at offset: Int, size: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - size else { return nil }
        var value: UInt64 = 0
        for index in 0..<size {
            value = value << 8 | UInt64(bytes[offset + (isLittleEndian ? size - 1 - index : index)])
        }
        // Nothing in a file that fits memory is farther away.
        return value < 1 << 62 ? Int(value) : nil
    }

    /// All numbers of a tag; nil when it is not there.
    func numbers(_ tag: Int) -> [Int]? {
        guard let entry = entries[tag], let size = TIFFDirectory.sizes[entry.type] else { return nil }
        return (0..<entry.count).map { number(at: entry.offset + $0 * size, size: size) ?? 0 }
    }

    /// The first number of a tag.
    func number(_ tag: Int) -> Int? {
        guard let entry = entries[tag], let size = TIFFDirectory.sizes[entry.type] else { return nil }
        return number(at: entry.offset, size: size)
    }

    /// EXIF orientation, 1…8; nil where there is none.
    var orientation: Int? { exifOrientation(bytes[...]) }

    /// The bytes of a tag as they are.
    func bytes(_ tag: Int) -> ArraySlice<UInt8>? {
        guard let entry = entries[tag], let size = TIFFDirectory.sizes[entry.type] else { return nil }
        return bytes[entry.offset..<entry.offset + entry.count * size]
    }
}

/// How the pixels of a TIFF picture are laid out, from its directory.
struct TIFFLayout {
    /// What samples mean.
    enum Colour {
        case gray(isInverted: Bool)
        case rgb
        case palette
        case cmyk
        /// JPEG's own colour conversion, which its decoder undoes.
        case jpegYCC
    }

    /// Whether a sample after the colours is opacity.
    enum Opacity {
        case none
        case plain
        /// Colours were multiplied by it.
        case multiplied
    }

    enum SampleFormat {
        case unsigned
        case signed
        case float
    }

    let width: Int
    let height: Int
    let colour: Colour
    let opacity: Opacity
    let sampleFormat: SampleFormat
    let bitsPerSample: Int
    let samplesPerPixel: Int
    /// Whether the samples of a pixel are apart, a plane each.
    let isPlanar: Bool
    let compression: Int
    /// Of fax compression (`T4Options`): 1 for two dimensions, 2 for uncompressed parts, 4 for aligned line ends.
    let faxOptions: Int
    /// Whether rows hold differences to the pixel to the left.
    let hasPredictor: Bool
    /// Whether the bits of all bytes are in reverse order.
    let isBitReversed: Bool
    let orientation: Int
    /// Size of a strip or a tile, and where their data lies, row by row, plane by plane.
    let chunkWidth: Int
    let chunkHeight: Int
    let offsets: [Int]
    let byteCounts: [Int]

    var chunksAcross: Int { (width + chunkWidth - 1) / chunkWidth }
    var chunksDown: Int { (height + chunkHeight - 1) / chunkHeight }
    /// Samples that lie side by side in a chunk.
    var samplesPerChunkPixel: Int { isPlanar ? 1 : samplesPerPixel }
    /// Bytes of a row of a chunk.
    var chunkRowBytes: Int { (chunkWidth * samplesPerChunkPixel * bitsPerSample + 7) / 8 }

    init(_ directory: TIFFDirectory, fileSize: Int, format: String, _ options: DecodingOptions) throws(CLIPError) {
        func malformed(_ problem: String) -> CLIPError { .malformed(format: format, offset: 8, problem: problem) }
        func unsupported(_ feature: String) -> CLIPError {
            .unsupported(
                format: format, feature: feature,
                advice: "convert it to PNG first, for example with `magick in.tif out.png`")
        }
        // A first picture that is reduced, with others below it: the preview of a camera's raw data (NEF, ARW, DNG).
        if let kind = directory.number(254), kind & 1 == 1, directory.number(330) != nil {
            throw .unsupported(
                format: "camera raw", feature: nil,
                advice: "develop it to JPEG or TIFF first, for example with `darktable-cli in.nef out.jpg`")
        }
        guard let width = directory.number(256), let height = directory.number(257), width > 0, height > 0 else {
            throw malformed("the directory states no size of at least 1 × 1")
        }
        self.width = width
        self.height = height
        _ = try options.checkedPixelCount(format: format, width: width, height: height)

        compression = directory.number(259) ?? 1
        faxOptions = directory.number(compression == 4 ? 293 : 292) ?? 0
        let extra = directory.numbers(338) ?? []
        samplesPerPixel = directory.number(277) ?? 1
        guard (1...6).contains(samplesPerPixel) else {
            throw malformed("\(samplesPerPixel) samples a pixel, expected 1 to 6")
        }
        let bits = directory.numbers(258) ?? [1]
        bitsPerSample = bits[0]
        guard bits.prefix(samplesPerPixel).allSatisfy({ $0 == bits[0] }), [1, 2, 4, 8, 16, 32].contains(bits[0]) else {
            throw unsupported("samples of \(bits.map(String.init).joined(separator: ", ")) bits")
        }
        isPlanar = directory.number(284) == 2 && samplesPerPixel > 1
        switch directory.number(339) ?? 1 {
        case 1, 4: sampleFormat = .unsigned
        case 2: sampleFormat = .signed
        case 3: sampleFormat = .float
        default: throw unsupported("complex samples")
        }

        let colours: Int
        switch directory.number(262) ?? 0 {
        case 0, 1:
            colour = .gray(isInverted: directory.number(262) ?? 0 == 0)
            colours = 1
        case 2:
            colour = .rgb
            colours = 3
        case 3:
            colour = .palette
            colours = 1
        case 5 where compression != 7:
            colour = .cmyk
            colours = 4
        case 6 where compression == 7 && !isPlanar && samplesPerPixel == 3:
            colour = .jpegYCC
            colours = 3
        case let other:
            let names = [
                4: "a mask", 5: "CMYK in JPEG", 6: "YCbCr colours", 8: "CIELAB colours", 32803: "raw sensor data",
            ]
            throw unsupported(names[other] ?? "photometric interpretation \(other)")
        }
        guard samplesPerPixel >= colours else {
            throw malformed("\(samplesPerPixel) samples a pixel, expected at least \(colours)")
        }
        if samplesPerPixel == colours {
            opacity = .none
        } else if extra.isEmpty {
            // RGB with a fourth sample that nothing is said of is opacity to Pillow.
            opacity = colours == 3 && samplesPerPixel == 4 ? .plain : .none
        } else {
            opacity = extra[0] == 1 ? .multiplied : extra[0] == 2 || extra[0] == 999 ? .plain : .none
        }
        let isWide = bitsPerSample == 32 || sampleFormat != .unsigned
        let isUnusual =
            samplesPerPixel > 1 ? bitsPerSample < 8 || isWide : sampleFormat == .float && bitsPerSample != 32
        guard !isUnusual, sampleFormat != .signed || bitsPerSample >= 8 else {
            throw unsupported("\(samplesPerPixel) samples of \(bitsPerSample) bits a pixel")
        }
        if case .palette = colour, bitsPerSample > 8 { throw unsupported("palette indices of \(bitsPerSample) bits") }

        if compression == 7 {
            var isInverted = false
            if case .gray(true) = colour { isInverted = true }
            guard bitsPerSample == 8, !isPlanar, opacity == .none, samplesPerPixel == colours, !isInverted else {
                throw unsupported("JPEG compression of other than grey and RGB pictures")
            }
        }
        let predictor = directory.number(317) ?? 1
        hasPredictor = predictor == 2 && [5, 8, 32946].contains(compression)
        guard predictor == 1 || predictor == 2, !hasPredictor || bitsPerSample >= 8 else {
            throw unsupported("predictor \(predictor)")
        }
        isBitReversed = directory.number(266) == 2
        orientation = directory.orientation ?? directory.bytes(700).flatMap(xmpOrientation) ?? 1

        let isTiled = directory.number(322) != nil && directory.number(324) != nil
        chunkWidth = isTiled ? directory.number(322) ?? 0 : width
        chunkHeight = isTiled ? directory.number(323) ?? 0 : min(directory.number(278) ?? height, height)
        guard chunkWidth > 0, chunkHeight > 0 else { throw malformed("a strip or tile has no pixels") }
        _ = try options.checkedPixelCount(format: format, width: chunkWidth, height: chunkHeight)
        let across = (width + chunkWidth - 1) / chunkWidth
        let down = (height + chunkHeight - 1) / chunkHeight
        // Tiles reach over the edge, but all together they are not much more than the picture.
        _ = try options.checkedPixelCount(format: format, width: across * chunkWidth, height: down * chunkHeight)

        offsets = directory.numbers(isTiled ? 324 : 273) ?? []
        let counts = directory.numbers(isTiled ? 325 : 279)
        let needed = across * down * (isPlanar ? samplesPerPixel : 1)
        guard offsets.count >= needed || options.allowTruncated else {
            throw malformed("the directory has \(offsets.count) strips or tiles, expected \(needed)")
        }
        // Old writers leave the counts out: to the end of the file then.
        byteCounts = offsets.enumerated().map { index, offset in
            let stated = counts.flatMap { index < $0.count ? $0[index] : nil } ?? fileSize
            return max(0, min(stated, fileSize - offset))
        }
    }
}
