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
    static let rawExtensions = Set(RawPreviewDecoder.fileExtensions).union([
        "ari", "bay", "crw", "dcr", "fff", "iiq", "k25", "kdc", "mos", "mrw", "ptx", "raw", "srf", "x3f",
    ])

    /// Whether a file found in a folder looks like a picture by its name. What it is gets decided by its bytes.
    /// - Parameter systemDecoding: which pictures of other formats are taken too.
    package static func isPictureName(
        _ path: some Collection<UInt8>, systemDecoding: SystemDecoding = .usual
    ) -> Bool {
        fileExtension(of: path).map { fileExtensions.contains($0) || systemDecoding.decodes(fileExtension: $0) }
            ?? false
    }

    /// Whether a file is named as camera makers' raw files are, of which the preview inside is decoded.
    package static func isRawName(_ path: some Collection<UInt8>) -> Bool {
        fileExtension(of: path).map { RawPreviewDecoder.fileExtensions.contains($0) } ?? false
    }

    /// What a file is by its first bytes that needs a decoder of the system which isn't there or isn't wanted, and what to do to
    /// have it read; nil for any other.
    package static func lackingDecoder(
        firstBytes: [UInt8], systemDecoding: SystemDecoding
    ) -> (format: String, advice: String)? {
        guard let foreign = ForeignFormat(firstBytes), foreign.isDecodedBySystems, !systemDecoding.decodes(foreign)
        else { return nil }
        return (foreign.name, systemDecoding.advice(on: foreign))
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
        let suffix = fileExtension(of: path)
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
