/// The picture formats, known by their first bytes. A new decoder is one file and one line in `decoders`.
package enum PictureFormats {
    /// Asked in this order; at most one recognises a file.
    package static let decoders: [any PictureDecoder.Type] = [
        PNGDecoder.self,
        JPEGDecoder.self,
        NetpbmDecoder.self,
        BMPDecoder.self,
        GIFDecoder.self,
        QOIDecoder.self,
        WebPDecoder.self,
        TIFFDecoder.self,
        ICODecoder.self,
        // Targa has no signature: whatever another format claims is that.
        TGADecoder.self,
    ]

    /// Extensions, lower-case, of what `decoders` reads: the files taken when a folder is walked.
    package static let fileExtensions: Set<String> = [
        "png", "apng", "jpg", "jpeg", "jpe", "jfif", "ppm", "pgm", "pbm", "pnm", "pam", "bmp", "dib", "gif", "qoi",
        "webp", "tif", "tiff", "ico", "tga",
    ]

    /// Extensions, lower-case, of camera makers' raw files: many begin as TIFF files do, and hold a small preview there.
    static let rawExtensions: Set<String> = [
        "3fr", "ari", "arw", "bay", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "iiq", "k25", "kdc", "mef", "mos",
        "mrw", "nef", "nrw", "orf", "pef", "ptx", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
    ]

    /// Whether a file found in a folder looks like a picture by its name. What it is gets decided by its bytes.
    package static func isPictureName(_ path: some Collection<UInt8>) -> Bool {
        fileExtension(path).map { fileExtensions.contains($0) } ?? false
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
    package static func unnamed(_ path: some Collection<UInt8>, firstBytes: [UInt8]) -> Unnamed {
        let suffix = fileExtension(path)
        let isRaw = suffix.map { rawExtensions.contains($0) } ?? false
        for decoder in decoders where decoder.recognises(unnamed: firstBytes) {
            if !isRaw || decoder != TIFFDecoder.self { return .picture }
        }
        let foreign = ForeignFormat(firstBytes)
        if isRaw, let suffix {
            return .other(kind: suffix.uppercased(), advice: foreign?.advice ?? ForeignFormat.rawAdvice)
        }
        if let foreign, foreign.isPicture { return .other(kind: foreign.name, advice: foreign.advice) }
        return .other(kind: suffix?.uppercased() ?? foreign?.name ?? "of no known kind", advice: nil)
    }
}

/// Decodes a picture of any known format into 8-bit RGB, upright unless `options` says otherwise.
/// - Throws: `PictureError`; a format that is known but not decoded is refused by name, with advice.
package func decodePicture(
    _ bytes: [UInt8], options: DecodingOptions = DecodingOptions()
) throws(PictureError) -> Bitmap {
    for decoder in PictureFormats.decoders where decoder.recognises(bytes) {
        let image: DecodedPicture
        do {
            image = try decoder.decode(bytes, options: options)
        } catch .truncated(let format, let offset, let problem) where options.allowTruncated {
            // What is there is not enough: the error must not advise what was tried.
            throw .malformed(format: format, offset: offset, problem: "the data ends here, \(problem)")
        }
        return options.appliesOrientation ? image.bitmap.upright(orientation: image.orientation) : image.bitmap
    }
    throw undecoded(bytes)
}

/// Checks whether a file that begins with these bytes, and goes on, may be one that `decodePicture` decodes.
/// - Throws: what `decodePicture` says of the whole file, if not.
func checkBeginning(_ bytes: [UInt8]) throws(PictureError) {
    guard PictureFormats.decoders.contains(where: { $0.mayRecognise(beginning: bytes) }) else { throw undecoded(bytes) }
}

/// The error about bytes that no decoder takes.
private func undecoded(_ bytes: [UInt8]) -> PictureError {
    if let foreign = ForeignFormat(bytes) {
        return .unsupported(format: foreign.name, feature: nil, advice: foreign.advice)
    }
    return .unknownFormat(firstBytes: Array(bytes.prefix(16)))
}

extension DecodingOptions {
    /// Checks a picture's size before anything is allocated for it.
    /// - Returns: the number of pixels, which together with any row arithmetic fits an `Int`.
    package func checkedPixelCount(format: String, width: Int, height: Int) throws(PictureError) -> Int {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        // A row of 16-bit RGBA is eight bytes a pixel: 2^48 pixels leave room for every later product.
        guard !overflow, pixels <= min(maximumPixels, 1 << 48) else {
            throw .tooLarge(format: format, width: width, height: height, limit: maximumPixels)
        }
        return pixels
    }
}
