internal import CLIPSystem

/// Camera makers' raw files. Of what the sensor saw nothing is developed here: the largest JPEG inside is decoded, which the camera, or
/// a program after it, made of it.
enum RawPreviewDecoder: PictureDecoder {
    static let formatName = "camera raw"
    static let fileExtensions = [
        "3fr", "arw", "cr2", "cr3", "dng", "erf", "mef", "nef", "nrw", "orf", "pef", "raf", "rw2", "rwl", "sr2", "srw",
    ]

    static func recognises(_ bytes: [UInt8]) -> Bool {
        recognises(unnamed: bytes) || TIFFDirectories(bytes)?.areOfSensor ?? false
    }

    static func recognises(unnamed firstBytes: [UInt8]) -> Bool {
        func has(_ magic: String, at offset: Int = 0) -> Bool {
            firstBytes.count >= offset + magic.utf8.count && firstBytes[offset...].starts(with: magic.utf8)
        }
        // Canon, Olympus, Panasonic, Fujifilm.
        return has("CR\u{2}", at: 8) && (has("II*\0") || has("MM\0*")) || has("ftypcrx ", at: 4) || has("IIRO")
            || has("IIRS")
            || has("MMOR") || has("IIU\0") || has("FUJIFILMCCD-RAW")
    }

    static func mayRecognise(beginning bytes: [UInt8]) -> Bool { recognises(unnamed: bytes) }

    static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture {
        let previews = previews(in: bytes)
        guard !previews.isEmpty else {
            throw .unsupported(
                format: formatName, feature: "no JPEG inside", advice: ForeignFormat.rawAdvice)
        }
        var failure: CLIPError?
        // What looked like the beginning of a JPEG may be something else.
        for preview in previews.prefix(3) {
            do throws(CLIPError) {
                var picture = try JPEGDecoder.decode(Array(bytes[preview.start...]), options: options)
                // Most previews lie as the sensor does, and the raw file says how that was held.
                if picture.orientation == 1 { picture.orientation = orientation(of: bytes) }
                picture.isPreview = true
                return picture
            } catch {
                failure = failure ?? error
                if error.advice == .raisePixelLimit { break }
            }
        }
        throw failure ?? .malformed(format: formatName, offset: 0, problem: "its JPEG can't be decoded")
    }

    /// A JPEG inside, by where it begins.
    struct Preview {
        let start: Int
        let pixels: Int
    }

    /// The JPEGs of eight bits in grey or colour, the largest first. What a sensor saw may be a JPEG too, of another kind.
    ///
    /// They are looked for from the file's first byte to the last, since each maker says elsewhere where they are.
    static func previews(in bytes: [UInt8]) -> [Preview] {
        var found: [Preview] = []
        bytes.withUnsafeBufferPointer { bytes in
            // However often a hostile file begins one: all together no longer than this.
            var markers = 1 << 20
            var start = 0
            while start + 4 < bytes.count, markers > 0,
                let hit = memchr(bytes.baseAddress! + start, 0xFF, bytes.count - start - 4)
            {
                let place = UnsafeRawPointer(hit) - UnsafeRawPointer(bytes.baseAddress!)
                start = place + 1
                guard bytes[place + 1] == 0xD8, bytes[place + 2] == 0xFF,
                    let pixels = pixelCount(bytes, place + 2, &markers)
                else { continue }
                found.append(Preview(start: place, pixels: pixels))
            }
        }
        // Of equal ones the first.
        return found.enumerated().sorted { ($1.element.pixels, $0.offset) < ($0.element.pixels, $1.offset) }.map(
            \.element)
    }

    /// The pixels of the JPEG whose markers begin at `start`; nil for what is none that shows a picture.
    private static func pixelCount(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ markers: inout Int) -> Int? {
        var place = start
        while place + 9 < bytes.count, bytes[place] == 0xFF, markers > 0 {
            markers -= 1
            let marker = bytes[place + 1]
            let length = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
            switch marker {
            case 0xFF:
                place += 1
                continue
            case 0xC0, 0xC1, 0xC2:
                let height = Int(bytes[place + 5]) << 8 | Int(bytes[place + 6])
                let width = Int(bytes[place + 7]) << 8 | Int(bytes[place + 8])
                guard bytes[place + 4] == 8, [1, 3].contains(bytes[place + 9]), width > 0, height > 0 else {
                    return nil
                }
                return width * height
            case 0xC4, 0xDB, 0xDD, 0xE0...0xEF, 0xFE:
                guard length >= 2 else { return nil }
                place += 2 + length
            default: return nil
            }
        }
        return nil
    }

    /// How the raw file says that the camera was held.
    private static func orientation(of bytes: [UInt8]) -> Int {
        // Olympus and Panasonic have letters of their own where TIFF has 42; all else is the same.
        if bytes.starts(with: "IIRO".utf8) || bytes.starts(with: "IIRS".utf8) || bytes.starts(with: "IIU\0".utf8) {
            return exifOrientation(([0x49, 0x49, 0x2A, 0] + bytes[4...])[...]) ?? 1
        }
        if bytes.starts(with: "MMOR".utf8) { return exifOrientation(([0x4D, 0x4D, 0, 0x2A] + bytes[4...])[...]) ?? 1 }
        if bytes.starts(with: "II*\0".utf8) || bytes.starts(with: "MM\0*".utf8) {
            return exifOrientation(bytes[...]) ?? 1
        }
        // CR3: the first directory of EXIF data stands in a box of its own, near the beginning.
        let beginning = bytes.prefix(1 << 16)
        if let box = beginning.firstIndex(where: { $0 == UInt8(ascii: "C") }, of: "CMT1") {
            return exifOrientation(bytes[(box + 4)...]) ?? 1
        }
        return 1
    }
}

extension ArraySlice<UInt8> {
    /// Where `word` stands first; `isFirst` tells the bytes that it may begin with.
    fileprivate func firstIndex(where isFirst: (UInt8) -> Bool, of word: String) -> Int? {
        indices.first { isFirst(self[$0]) && self[$0...].starts(with: word.utf8) }
    }
}

/// The directories of a TIFF file, as far as they tell whether it holds what a sensor saw.
private struct TIFFDirectories {
    private let bytes: [UInt8]
    private let isLittleEndian: Bool

    init?(_ bytes: [UInt8]) {
        isLittleEndian = bytes.starts(with: "II*\0".utf8)
        guard isLittleEndian || bytes.starts(with: "MM\0*".utf8) else { return nil }
        self.bytes = bytes
    }

    /// Whether one of them has the colours of a sensor (TIFF/EP, ISO 12234-2) or is of Adobe's DNG.
    var areOfSensor: Bool {
        var pending = [number(at: 4, 4) ?? 0]
        var known: Set<Int> = []
        while let start = pending.popLast(), known.count < 64 {
            guard start > 0, known.insert(start).inserted, let count = number(at: start, 2) else { continue }
            for index in 0..<min(count, 1024) {
                let entry = start + 2 + 12 * index
                guard let tag = number(at: entry, 2), let type = number(at: entry + 2, 2),
                    let length = number(at: entry + 4, 4), let value = number(at: entry + 8, type == 3 ? 2 : 4)
                else { break }
                switch tag {
                // DNGVersion.
                case 0xC612: return true
                // PhotometricInterpretation: a mosaic of colours, or what was made of one.
                case 0x0106 where value == 32803 || value == 34892: return true
                // SubIFDs.
                case 0x014A where length == 1: pending.append(value)
                case 0x014A: pending += (0..<min(length, 16)).compactMap { number(at: value + 4 * $0, 4) }
                default: continue
                }
            }
            if let next = number(at: start + 2 + 12 * count, 4) { pending.append(next) }
        }
        return false
    }

    private func number(at offset: Int, _ size: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - size else { return nil }
        return (0..<size).reduce(0) { value, place in
            value << 8 | Int(bytes[offset + (isLittleEndian ? size - 1 - place : place)])
        }
    }
}
