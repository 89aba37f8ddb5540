package import CLIPSystem

/// The picture formats, known by their first bytes. A new decoder is one file and one line in `decoders`.
package enum PictureFormats {
    /// Asked in this order; at most one recognises a file, but that many raw files are TIFF files too.
    package static let decoders: [any PictureDecoder.Type] = [
        PNGDecoder.self,
        JPEGDecoder.self,
        NetpbmDecoder.self,
        BMPDecoder.self,
        GIFDecoder.self,
        QOIDecoder.self,
        WebPDecoder.self,
        RawPreviewDecoder.self,
        TIFFDecoder.self,
        ICODecoder.self,
        // Targa has no signature: whatever another format claims is that.
        TGADecoder.self,
    ]

    /// Extensions, lower-case, of what `decoders` reads: the files taken when a folder is walked.
    package static let fileExtensions = Set(decoders.flatMap { $0.fileExtensions })

    /// Extensions, lower-case, of camera makers' raw files: many begin as TIFF files do, and hold a small preview there.
    static let rawExtensions: Set<String> = [
        "3fr", "ari", "arw", "bay", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "k25", "kdc", "mef", "mos",
        "mrw", "nef", "nrw", "orf", "pef", "ptx", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
    ]

    /// Whether a file found in a folder looks like a picture by its name. What it is gets decided by its bytes.
    /// - Parameter systemDecoding: which pictures of other formats are taken too.
    package static func isPictureName(
        _ path: some Collection<UInt8>, systemDecoding: SystemDecoding = .usual
    ) -> Bool {
        fileExtension(path).map { fileExtensions.contains($0) || systemDecoding.decodes(fileExtension: $0) } ?? false
    }

    /// Whether a file is named as camera makers' raw files are, of which the preview inside is decoded.
    package static func isRawName(_ path: some Collection<UInt8>) -> Bool {
        fileExtension(path).map { RawPreviewDecoder.fileExtensions.contains($0) } ?? false
    }

    /// Whether a file is a picture, by its first bytes, that needs a decoder of the system which isn't there or isn't wanted.
    package static func lacksDecoder(firstBytes: [UInt8], systemDecoding: SystemDecoding) -> Bool {
        guard let foreign = ForeignFormat(firstBytes) else { return false }
        return foreign.isDecodedBySystems && !systemDecoding.decodes(foreign)
    }

    /// What follows the last dot of the last name in `path`, lower-case; nil where nothing does, or what is no word.
    static func fileExtension(_ path: some Collection<UInt8>) -> String? {
        let name = Array(path.suffix(64))
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0, name[dot - 1] != UInt8(ascii: "/") else {
            return nil
        }
        let letters = name[(dot + 1)...]
        guard (1...12).contains(letters.count), letters.allSatisfy({ isWordByte($0) }) else { return nil }
        return String(decoding: letters, as: UTF8.self).lowercased()
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"):
            true
        default: false
        }
    }

    /// How many of a file's first bytes tell what it is.
    package static let signatureLength = 64

    /// What a file is whose name is no picture's.
    package enum Unnamed: Equatable {
        case picture
        /// Something else: the kind as people call it, `HEIC`, and what to do to have it read, where that is known.
        case other(kind: String, advice: String?)
    }

    /// What a file is whose name is no picture's, by its first 64 bytes.
    /// - Parameter systemDecoding: which pictures of other formats are taken too.
    package static func unnamed(
        _ path: some Collection<UInt8>, firstBytes: [UInt8], systemDecoding: SystemDecoding = .usual
    ) -> Unnamed {
        let suffix = fileExtension(path)
        let isRaw = suffix.map { rawExtensions.contains($0) } ?? false
        for decoder in decoders where decoder.recognises(unnamed: firstBytes) {
            if !isRaw || decoder != TIFFDecoder.self { return .picture }
        }
        let foreign = ForeignFormat(firstBytes)
        if isRaw, let suffix {
            return .other(kind: suffix.uppercased(), advice: foreign?.advice ?? ForeignFormat.rawAdvice)
        }
        if let foreign, foreign.isPicture {
            if systemDecoding.decodes(foreign) { return .picture }
            return .other(kind: foreign.name, advice: systemDecoding.advice(on: foreign))
        }
        return .other(kind: suffix?.uppercased() ?? foreign?.name ?? "of no known kind", advice: nil)
    }
}

/// Decodes a picture of any known format into 8-bit RGB, upright unless `options` says otherwise.
/// - Throws: `CLIPError`; a format that is known but not decoded is refused by name, with advice.
package func decodePicture(
    _ bytes: [UInt8], options: DecodingOptions = DecodingOptions()
) throws(CLIPError) -> Bitmap {
    for decoder in PictureFormats.decoders where decoder.recognises(bytes) {
        let image: DecodedPicture
        do throws(CLIPError) {
            image = try decoder.decode(bytes, options: options)
        } catch {
            // What is there is not enough: the error must not advise what was tried.
            var error = error
            if options.allowTruncated, error.advice == .allowTruncated { error.advice = nil }
            throw error
        }
        var bitmap = options.appliesOrientation ? image.bitmap.upright(orientation: image.orientation) : image.bitmap
        bitmap.isPreview = image.isPreview
        return bitmap
    }
    if let bitmap = try decodeBySystem(bytes, options: options) { return bitmap }
    throw undecoded(bytes, options.systemDecoding)
}

/// Checks whether a file that begins with these bytes, and goes on, may be one that `decodePicture` decodes.
/// - Throws: what `decodePicture` says of the whole file, if not.
func checkBeginning(_ bytes: [UInt8]) throws(CLIPError) {
    if let foreign = ForeignFormat(bytes), foreign.isDecodedBySystems { return }
    guard PictureFormats.decoders.contains(where: { $0.mayRecognise(beginning: bytes) }) else {
        throw undecoded(bytes, .usual)
    }
}

/// The error about bytes that no decoder takes.
private func undecoded(_ bytes: [UInt8], _ systemDecoding: SystemDecoding) -> CLIPError {
    if let foreign = ForeignFormat(bytes) {
        var error = CLIPError.unsupported(
            format: foreign.name, feature: nil, advice: systemDecoding.advice(on: foreign))
        #if !canImport(ImageIO)
        if systemDecoding == .never, foreign.library?.version != nil { error.advice = .useSystemDecoders }
        #endif
        return error
    }
    return .unknownFormat(firstBytes: Array(bytes.prefix(16)))
}

/// Formats that people have and that no decoder here reads: naming them makes a better error than "unknown".
struct ForeignFormat {
    let name: String
    let advice: String

    /// What to do with a camera maker's raw file.
    static let rawAdvice = "develop it to JPEG or TIFF first, for example with `darktable-cli in.raw out.jpg`"
    private static let isoMedia = "a video or another ISO media file"

    /// Whether it is a picture rather than a video or a document.
    var isPicture: Bool { name != "PDF" && name != ForeignFormat.isoMedia }

    private init(_ name: String, _ command: String = "magick in out.png") {
        self.name = name
        advice = "convert it to PNG or JPEG first, for example with `\(command)`"
    }

    /// The format that `bytes` begins with; nil for one that nobody names here.
    init?(_ bytes: [UInt8]) {
        func has(_ magic: String, at offset: Int = 0) -> Bool {
            bytes.count >= offset + magic.utf8.count && bytes[offset...].starts(with: magic.utf8)
        }
        func has(_ magic: [UInt8]) -> Bool { bytes.starts(with: magic) }

        if has("ftyp", at: 4) {
            self.init(isoMedia: String(decoding: bytes.dropFirst(8).prefix(4), as: UTF8.self))
        } else if has([0xFF, 0x0A]) || has([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A]) {
            self.init("JPEG XL", "djxl in.jxl out.png")
        } else if has([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20]) || has([0xFF, 0x4F, 0xFF, 0x51]) {
            self.init("JPEG 2000", "magick in.jp2 out.png")
        } else if has("<svg") {
            self.init("SVG", "rsvg-convert in.svg -o out.png")
        } else if has("%PDF") {
            self.init("PDF", "pdftoppm -png -singlefile in.pdf out")
        } else if let match = Self.plain.first(where: { has($0.magic) }) {
            self.init(match.name)
        } else {
            return nil
        }
    }

    /// Whether there are systems whose decoders read it.
    var isDecodedBySystems: Bool {
        #if canImport(ImageIO)
        isPicture
        #else
        library != nil
        #endif
    }

    #if !canImport(ImageIO)
    /// The library of the system that decodes it, if one does.
    var library: SystemLibrary? {
        switch name {
        case "HEIC", "AVIF": .heif
        case "JPEG XL": .jxl
        default: nil
        }
    }
    #endif

    private init(isoMedia brand: String) {
        switch brand {
        case "avif", "avis": self.init("AVIF", "magick in.avif out.png")
        case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1":
            self.init("HEIC", "heif-convert in.heic out.png")
        default: self.init(Self.isoMedia, "ffmpeg -i in.mp4 -frames:v 1 out.png")
        }
    }

    private static let plain: [(name: String, magic: [UInt8])] = [
        ("Photoshop", Array("8BPS".utf8)), ("OpenEXR", [0x76, 0x2F, 0x31, 0x01]),
        ("Radiance HDR", Array("#?RADIANCE".utf8)), ("FITS", Array("SIMPLE  =".utf8)), ("DDS", Array("DDS ".utf8)),
        ("PFM", [0x50, 0x66, 0x0A]), ("PFM", [0x50, 0x46, 0x0A]),
    ]
}
