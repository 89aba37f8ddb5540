internal import CLIPInstructionSets
package import CLIPKernels
package import CLIPSystem

/// One picture format. Adding a format is one file that conforms to this, and one line in `PictureFormats`.
package protocol PictureDecoder: SendableMetatype {
    /// The format's name as people write it: `PNG`, `JPEG`.
    static var formatName: String { get }
    /// What the names of such files end in, lower-case, without the dot: files so named are taken when a folder is walked.
    static var fileExtensions: [String] { get }

    /// Whether the bytes begin as this format does. Names and extensions never count.
    static func recognises(_ bytes: [UInt8]) -> Bool

    /// Whether a file whose name says nothing is of this format, by its first 64 bytes: as `recognises`, unless that
    /// goes by a few letters which a text may begin with too.
    static func recognises(unnamed firstBytes: [UInt8]) -> Bool

    /// Whether a file that begins with these bytes, and goes on, may be of this format: as `recognises`, unless that
    /// looks at the end.
    static func mayRecognise(beginning bytes: [UInt8]) -> Bool

    /// Decodes the first picture in `bytes`.
    /// - Throws: `CLIPError`, never a trap, whatever the bytes are.
    static func decode(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> DecodedPicture
}

extension PictureDecoder {
    package static func recognises(unnamed firstBytes: [UInt8]) -> Bool { recognises(firstBytes) }

    package static func mayRecognise(beginning bytes: [UInt8]) -> Bool { recognises(bytes) }
}

/// What a decoder found: the pixels as stored, and how to turn them upright.
package struct DecodedPicture: Sendable {
    package var bitmap: Bitmap
    /// EXIF orientation, 1…8; 1 when the file has none or a broken one.
    package var orientation: Int
    /// Whether it is the preview inside a camera's raw file.
    package var isPreview = false

    package init(bitmap: Bitmap, orientation: Int = 1) {
        self.bitmap = bitmap
        self.orientation = orientation
    }
}

/// The choices that a picture file leaves open.
package struct DecodingOptions: Sendable {
    /// How transparency becomes RGB.
    package enum Alpha: String, Sendable, CaseIterable {
        /// Composited over white, as transformers 5.21 and later do.
        case white
        /// Dropped: the colour under it shows, as in Pillow's `convert("RGB")`.
        case drop
    }

    /// How 16-bit grey becomes 8-bit.
    package enum Gray16: String, Sendable, CaseIterable {
        /// The high byte.
        case high
        /// Clipped at 255, as Pillow does.
        case clip
    }

    package var maximumPixels = 200_000_000
    package var systemDecoding = SystemDecoding.usual
    package var allowTruncated = false
    package var alpha = Alpha.white
    package var appliesOrientation = true
    package var gray16 = Gray16.high
    /// Lets a JPEG be scaled down to a half, a quarter or an eighth while it is decoded, as long as neither edge gets
    /// fewer pixels than this; nil decodes every pixel.
    package var leastEdge: Int?
    /// How many threads may decode one large picture; the result is the same.
    package var threads = 1
    /// Pictures of fewer pixels are decoded by one thread: waking another takes as long.
    package var leastSharedPixels = 1 << 20
    /// The result is the same for all.
    package var kernels = InstructionSet.current.kernels.pictures

    package init() {}

    /// Checks a picture's size before anything is allocated for it.
    /// - Returns: the number of pixels, which together with any row arithmetic fits an `Int`.
    package func checkedPixelCount(format: String, width: Int, height: Int) throws(CLIPError) -> Int {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        // A row of 16-bit RGBA is eight bytes a pixel: 2^48 pixels leave room for every later product.
        guard !overflow, pixels <= min(maximumPixels, 1 << 48) else {
            throw .tooLarge(format: format, width: width, height: height, limit: maximumPixels)
        }
        return pixels
    }
}
