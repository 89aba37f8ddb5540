/// The picture formats, known by their first bytes. A new decoder is one file and one line in `decoders`.
package enum ImageFormats {
    /// Asked in this order; at most one recognises a file.
    package static let decoders: [any ImageDecoder.Type] = [
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

    /// Whether a file found in a folder looks like a picture by its name. What it is gets decided by its bytes.
    package static func isPictureName(_ path: String) -> Bool {
        let bytes = path.utf8
        guard let dot = bytes.lastIndex(of: UInt8(ascii: ".")), bytes.distance(from: dot, to: bytes.endIndex) <= 6
        else { return false }
        return fileExtensions.contains(String(path[path.index(after: dot)...]).lowercased())
    }
}

/// Decodes a picture of any known format into 8-bit RGB, upright unless `options` says otherwise.
/// - Throws: `ImageError`; a format that is known but not decoded is refused by name, with advice.
package func decodeImage(
    _ bytes: [UInt8], options: DecodingOptions = DecodingOptions()
) throws(ImageError) -> Bitmap {
    for decoder in ImageFormats.decoders where decoder.recognises(bytes) {
        let image: DecodedImage
        do {
            image = try decoder.decode(bytes, options: options)
        } catch .truncated(let format, let offset, let problem) where options.allowTruncated {
            // What is there is not enough: the error must not advise what was tried.
            throw .malformed(format: format, offset: offset, problem: "the data ends here, \(problem)")
        }
        return options.appliesOrientation ? image.bitmap.upright(orientation: image.orientation) : image.bitmap
    }
    if let foreign = ForeignFormat(bytes) {
        throw .unsupported(format: foreign.name, feature: nil, advice: foreign.advice)
    }
    throw .unknownFormat(firstBytes: Array(bytes.prefix(16)))
}

extension DecodingOptions {
    /// Checks a picture's size before anything is allocated for it.
    /// - Returns: the number of pixels, which together with any row arithmetic fits an `Int`.
    package func checkedPixelCount(format: String, width: Int, height: Int) throws(ImageError) -> Int {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        // A row of 16-bit RGBA is eight bytes a pixel: 2^48 pixels leave room for every later product.
        guard !overflow, pixels <= min(maximumPixels, 1 << 48) else {
            throw .tooLarge(format: format, width: width, height: height, limit: maximumPixels)
        }
        return pixels
    }
}
