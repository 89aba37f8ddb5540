package import CLIPPictures
package import CLIPSystem

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// A picture, decoded to 8-bit RGB, ready to be embedded.
public struct Picture: Sendable {
    package let bitmap: Bitmap

    package init(bitmap: Bitmap) { self.bitmap = bitmap }

    /// Pixels across, as the file has them.
    public var width: Int { bitmap.fullWidth }
    /// Pixels down, as the file has them.
    public var height: Int { bitmap.fullHeight }

    /// Whether it is the preview inside a camera's raw file: the largest JPEG that the camera made of what the sensor saw, often
    /// smaller than that and developed as the camera does it.
    public var isPreview: Bool { bitmap.isPreview }

    /// Reads and decodes a picture file, whatever its name says it is.
    ///
    /// A path is a `URL` everywhere in this library: it is what apps have, and it holds every name that a file system does.
    /// Bytes that are not UTF-8 stand in it percent-encoded, `file:///photos/caf%E9.jpg`; no `String` could say them.
    /// - Throws: `CLIPError` of kind `.picture` when the file can't be read or decoded.
    public init(contentsOf url: URL, options: PictureOptions = PictureOptions()) throws(CLIPError) {
        self = try PictureInput.file(url).picture(options)
    }

    /// Decodes a picture from the bytes of a file.
    /// - Throws: `CLIPError` of kind `.picture`.
    public init(bytes: [UInt8], options: PictureOptions = PictureOptions()) throws(CLIPError) {
        try self.init(bytes: bytes, name: nil, options: options)
    }

    /// Takes pixels that are in memory already.
    /// - Parameters:
    ///   - pixels: rows from the top, `bytesPerRow` apart.
    ///   - width: pixels across, at least 1.
    ///   - height: pixels down, at least 1.
    ///   - format: what a pixel is made of, and in what order.
    ///   - bytesPerRow: the distance of two rows; nil when rows follow each other without padding.
    ///   - options: what becomes of alpha, and the most pixels.
    /// - Throws: `CLIPError` of kind `.argument` when there are too few bytes for the size given, or too many pixels.
    public init(
        pixels: UnsafeRawBufferPointer, width: Int, height: Int, format: PixelFormat, bytesPerRow: Int? = nil,
        options: PictureOptions = PictureOptions()
    ) throws(CLIPError) {
        bitmap = try PixelRows(
            pixels: pixels, width: width, height: height, format: format, bytesPerRow: bytesPerRow, options: options
        ).bitmap(alpha: options.decoding.alpha)
    }

    /// Whether a file found in a folder looks like a picture by its name. What it is gets decided by its bytes.
    public static func isPictureName(_ path: String) -> Bool { PictureFormats.isPictureName(path.utf8) }

    /// Takes pixels from an array; everything else is as in the initialiser above.
    public init(
        pixels: [UInt8], width: Int, height: Int, format: PixelFormat, bytesPerRow: Int? = nil,
        options: PictureOptions = PictureOptions()
    ) throws(CLIPError) {
        self = try pixels.withUnsafeBufferPointer { buffer throws(CLIPError) in
            try Picture(
                pixels: UnsafeRawBufferPointer(buffer), width: width, height: height, format: format,
                bytesPerRow: bytesPerRow, options: options)
        }
    }

    /// The picture as the bytes of a PNG file.
    public func png() -> [UInt8] { encodePNG(bitmap) }

    /// The picture as the bytes of a JPEG file: baseline, with colours as fine as brightness.
    /// - Parameter quality: 1…100, on the scale of libjpeg.
    public func jpeg(quality: Int = 80) -> [UInt8] { encodeJPEG(bitmap, quality: quality) }

    /// A small copy, to be shown: the longest edge has `edge` pixels at most, and a picture that has no more stays as it is.
    ///
    /// Of a file nothing is decoded that the copy doesn't need if `PictureOptions.leastEdge` is `edge` too.
    /// - Parameter edge: at least 1.
    public func thumbnail(edge: Int) -> Picture {
        let longest = max(bitmap.width, bitmap.height)
        guard longest > max(1, edge) else {
            return Picture(bitmap: Bitmap(width: bitmap.width, height: bitmap.height, pixels: bitmap.pixels))
        }
        func scaled(_ length: Int) -> Int { max(1, (length * max(1, edge) + longest / 2) / longest) }
        let (width, height) = (scaled(bitmap.width), scaled(bitmap.height))
        return Picture(
            bitmap: bitmap.resized(
                width: width, height: height, filter: .bilinear))
    }
}

extension Picture {
    /// Reads and decodes the picture file at `path`.
    init(path: PathBytes, options: PictureOptions) throws(CLIPError) {
        try self.init(bytes: try pictureBytes(path), name: path.text, options: options)
    }

    /// - Parameter name: the file, for errors.
    init(bytes: [UInt8], name: String?, options: PictureOptions) throws(CLIPError) {
        try checkCancellation()
        do throws(CLIPError) {
            bitmap = try decodePicture(bytes, options: options.decoding)
        } catch {
            throw error.at(name)
        }
    }
}

/// A picture that is read when its turn comes: a file, or the bytes of one.
public struct PictureInput: Sendable, Equatable {
    package enum Source: Sendable, Equatable {
        case path(PathBytes)
        case bytes([UInt8])
        /// An address that is no file's.
        case address
    }

    package let source: Source
    /// What to call it: the path of a file, where a part that is not UTF-8 is replaced, or the name that it was given.
    public let name: String

    /// The picture file at a file URL; one inside a tar or zip archive by the archive's path, `::` and its name there, unless a file
    /// has this very name.
    public static func file(_ url: URL) -> PictureInput {
        guard let path = PathBytes(url) else { return PictureInput(source: .address, name: url.absoluteString) }
        return file(path)
    }

    /// The bytes of a picture file, and the name to call it by.
    public static func bytes(_ bytes: [UInt8], name: String) -> PictureInput {
        PictureInput(source: .bytes(bytes), name: name)
    }

    package static func file(_ path: PathBytes) -> PictureInput {
        PictureInput(source: .path(path), name: path.text)
    }

    /// Reads and decodes it.
    /// - Throws: `CLIPError` of kind `.picture`, or of kind `.cancelled`.
    package func picture(_ options: PictureOptions) throws(CLIPError) -> Picture {
        switch source {
        case .path(let path): try Picture(path: path, options: options)
        case .bytes(let bytes): try Picture(bytes: bytes, name: name, options: options)
        case .address: throw CLIPError(.picture, path: name, "is not a file: download the picture first")
        }
    }
}

/// How the bytes of a pixel are to be read. Alpha is straight, not premultiplied.
public enum PixelFormat: Sendable, CaseIterable {
    /// Three bytes: red, green, blue.
    case rgb
    /// Four bytes: red, green, blue, alpha.
    case rgba
    /// Three bytes: blue, green, red.
    case bgr
    /// Four bytes: blue, green, red, alpha.
    case bgra
    /// One byte.
    case gray
}

/// The choices that a picture file leaves open.
public struct PictureOptions: Sendable {
    package var decoding = DecodingOptions()

    /// Settings as the reference pipeline has them: alpha over white, upright, at most 200 million pixels.
    public init() {}

    /// Whether transparency is composited over white, as transformers 5.21 and later do, or dropped.
    public var compositesAlphaOverWhite: Bool {
        get { decoding.alpha == .white }
        set { decoding.alpha = newValue ? .white : .drop }
    }
    /// Whether pictures are turned upright by their EXIF orientation.
    public var appliesOrientation: Bool {
        get { decoding.appliesOrientation }
        set { decoding.appliesOrientation = newValue }
    }
    /// Whether 16-bit grey is clipped at 255 as Pillow does, rather than scaled.
    public var clipsGray16: Bool {
        get { decoding.gray16 == .clip }
        set { decoding.gray16 = newValue ? .clip : .high }
    }
    /// Whether what there is of a truncated picture is decoded.
    public var allowsTruncated: Bool {
        get { decoding.allowTruncated }
        set { decoding.allowTruncated = newValue }
    }
    /// The pixels that a JPEG's edges keep at least if it is scaled to a half, a quarter or an eighth while it is decoded;
    /// nil decodes every pixel.
    ///
    /// Large photos take a third of the time or less. Give `ModelInfo.resizedEdge`: embeddings then differ a
    /// little from the exact ones.
    public var leastEdge: Int? {
        get { decoding.leastEdge }
        set { decoding.leastEdge = newValue.map { max($0, 1) } }
    }
    /// How many threads may decode one large picture, 1 by default; the pixels are the same. JPEG is the format that is
    /// decoded in parts so far.
    public var threads: Int {
        get { decoding.threads }
        set { decoding.threads = max(newValue, 1) }
    }

    /// Whether pictures that nothing here decodes (HEIC, AVIF, JPEG XL) are given to decoders of the system, if those are there:
    /// `SystemDecoder.all()`.
    ///
    /// On Apple's systems that is ImageIO, and this is true by default. Elsewhere it is false by default: libheif and libjxl are C
    /// libraries that run in this process, and a fault in them is one of the process.
    public var usesSystemDecoders: Bool {
        get { decoding.systemDecoding != .never }
        set { decoding.systemDecoding = !newValue ? .never : SystemDecoding.usual == .never ? .here : .usual }
    }

    /// The most pixels that a picture may have.
    public var maximumPixels: Int {
        get { decoding.maximumPixels }
        set { decoding.maximumPixels = newValue }
    }
}

/// How a picture that is not square becomes the square that the image encoder takes.
public enum PictureFit: String, Sendable, CaseIterable {
    /// The shortest edge is resized to the model's size and the middle is kept: the ends of wide pictures are lost.
    case crop
    /// The picture is resized to the square, whatever its proportions.
    case squash
    /// The longest edge is resized to the model's size and the rest is filled.
    case pad
    /// Square windows along the long side, both ends included, are embedded each and averaged.
    case multicrop
}

/// The bytes of the picture file at `path`.
/// - Throws: `CLIPError` of kind `.picture` in the system's words.
func pictureBytes(_ path: PathBytes) throws(CLIPError) -> [UInt8] {
    do throws(CLIPError) {
        return try readPictureFile(path)
    } catch {
        throw error.at(path.text)
    }
}

/// The bytes of the picture that an open descriptor brings, which stays open. What doesn't begin as one is not read on.
/// - Parameter name: what it is, for errors.
/// - Throws: `CLIPError` of kind `.picture`.
package func pictureBytes(descriptor: Int32, name: String) throws(CLIPError) -> [UInt8] {
    do throws(CLIPError) {
        return try readPicture(descriptor: descriptor)
    } catch {
        throw error.at(name)
    }
}

/// Pixels that lie in memory, their size checked against the bytes that are there.
struct PixelRows {
    private let pixels: UnsafeRawBufferPointer
    private let width: Int
    private let height: Int
    private let format: PixelFormat
    private let bytesPerRow: Int

    init(
        pixels: UnsafeRawBufferPointer, width: Int, height: Int, format: PixelFormat, bytesPerRow: Int?,
        options: PictureOptions
    ) throws(CLIPError) {
        guard width > 0, height > 0 else {
            throw CLIPError(.argument, "a picture of \(width) × \(height) pixels, expected at least 1 × 1")
        }
        let (count, overflow) = width.multipliedReportingOverflow(by: height)
        // Rows of four bytes a pixel can't overflow below this.
        guard !overflow, count <= min(options.maximumPixels, 1 << 48) else {
            throw CLIPError(
                .argument,
                "a picture of \(width) × \(height) pixels, expected at most \(options.maximumPixels) pixels: "
                    + "raise PictureOptions.maximumPixels")
        }
        let row = width * format.byteCount
        let stride = bytesPerRow ?? row
        guard stride >= row else {
            throw CLIPError(.argument, "\(stride) bytes per row, expected at least \(row) for \(width) pixels")
        }
        let (before, overflow1) = stride.multipliedReportingOverflow(by: height - 1)
        let (needed, overflow2) = before.addingReportingOverflow(row)
        guard !overflow1, !overflow2, needed <= pixels.count else {
            throw CLIPError(
                .argument,
                "\(pixels.count) bytes of pixels, expected \(overflow1 || overflow2 ? "more than fit" : "\(needed)") "
                    + "for \(width) × \(height) with \(stride) bytes per row")
        }
        self.pixels = pixels
        self.width = width
        self.height = height
        self.format = format
        self.bytesPerRow = stride
    }

    /// The pixels as RGB.
    func bitmap(alpha: DecodingOptions.Alpha) -> Bitmap {
        let (step, red, blue) = (format.byteCount, format.redOffset, format.blueOffset)
        let green = format == .gray ? 0 : 1
        let composites = step == 4 && alpha == .white
        let samples = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { output, count in
            count = 3 * width * height
            var target = 0
            for y in 0..<height {
                var source = y * bytesPerRow
                for _ in 0..<width {
                    var colour = (pixels[source + red], pixels[source + green], pixels[source + blue])
                    if composites {
                        let opacity = pixels[source + 3]
                        colour = (
                            overWhite(colour.0, opacity), overWhite(colour.1, opacity), overWhite(colour.2, opacity)
                        )
                    }
                    output[target] = colour.0
                    output[target + 1] = colour.1
                    output[target + 2] = colour.2
                    source += step
                    target += 3
                }
            }
        }
        return Bitmap(width: width, height: height, pixels: samples)
    }
}

extension PixelFormat {
    fileprivate var byteCount: Int {
        switch self {
        case .gray: 1
        case .rgb, .bgr: 3
        case .rgba, .bgra: 4
        }
    }

    fileprivate var redOffset: Int { self == .bgr || self == .bgra ? 2 : 0 }
    fileprivate var blueOffset: Int { self == .rgb || self == .rgba ? 2 : 0 }
}
