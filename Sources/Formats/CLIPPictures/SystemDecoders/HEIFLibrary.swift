#if !canImport(ImageIO)
internal import CLIPSystem

/// The system's libheif, which decodes HEIC and AVIF: the functions of its C interface (libheif/heif.h) that are needed.
struct HEIFLibrary: Sendable {
    static let shared = HEIFLibrary()

    private typealias Pointer = OpaquePointer?
    /// A `heif_error`: the kind of error in the low half, what it is in the high one. The structure has a message too and comes
    /// back in two registers, of which this is the first, by the calling conventions of x86-64 and arm64.
    private typealias Status = UInt64

    private let allocateContext: @convention(c) () -> Pointer
    private let freeContext: @convention(c) (Pointer) -> Void
    private let setThreads: (@convention(c) (Pointer, Int32) -> Void)?
    private let read: @convention(c) (Pointer, UnsafeRawPointer?, Int, UnsafeRawPointer?) -> Status
    private let primaryImage: @convention(c) (Pointer, UnsafeMutablePointer<Pointer>) -> Status
    private let releaseHandle: @convention(c) (Pointer) -> Void
    private let handleWidth: @convention(c) (Pointer) -> Int32
    private let handleHeight: @convention(c) (Pointer) -> Int32
    private let storedWidth: @convention(c) (Pointer) -> Int32
    private let storedHeight: @convention(c) (Pointer) -> Int32
    private let hasAlpha: @convention(c) (Pointer) -> Int32
    private let allocateOptions: @convention(c) () -> UnsafeMutablePointer<UInt8>?
    private let freeOptions: @convention(c) (UnsafeMutablePointer<UInt8>?) -> Void
    private let decodeImage:
        @convention(c) (Pointer, UnsafeMutablePointer<Pointer>, Int32, Int32, UnsafePointer<UInt8>?) -> Status
    private let releaseImage: @convention(c) (Pointer) -> Void
    private let imageWidth: @convention(c) (Pointer, Int32) -> Int32
    private let imageHeight: @convention(c) (Pointer, Int32) -> Int32
    private let plane: @convention(c) (Pointer, Int32, UnsafeMutablePointer<Int32>) -> UnsafePointer<UInt8>?

    /// What it calls itself.
    let version: String
    /// What it has decoders for.
    let formats: [String]

    private init?() {
        #if arch(x86_64) || arch(arm64)
        guard let library = DynamicLibrary(["libheif.so.1"]),
            let allocateContext = library.function("heif_context_alloc", as: (@convention(c) () -> Pointer).self),
            let freeContext = library.function("heif_context_free", as: (@convention(c) (Pointer) -> Void).self),
            let read = library.function(
                "heif_context_read_from_memory_without_copy",
                as: (@convention(c) (Pointer, UnsafeRawPointer?, Int, UnsafeRawPointer?) -> Status).self),
            let primaryImage = library.function(
                "heif_context_get_primary_image_handle",
                as: (@convention(c) (Pointer, UnsafeMutablePointer<Pointer>) -> Status).self),
            let releaseHandle = library.function(
                "heif_image_handle_release", as: (@convention(c) (Pointer) -> Void).self),
            let handleWidth = library.function(
                "heif_image_handle_get_width", as: (@convention(c) (Pointer) -> Int32).self),
            let handleHeight = library.function(
                "heif_image_handle_get_height", as: (@convention(c) (Pointer) -> Int32).self),
            let storedWidth = library.function(
                "heif_image_handle_get_ispe_width", as: (@convention(c) (Pointer) -> Int32).self),
            let storedHeight = library.function(
                "heif_image_handle_get_ispe_height", as: (@convention(c) (Pointer) -> Int32).self),
            let hasAlpha = library.function(
                "heif_image_handle_has_alpha_channel", as: (@convention(c) (Pointer) -> Int32).self),
            let allocateOptions = library.function(
                "heif_decoding_options_alloc", as: (@convention(c) () -> UnsafeMutablePointer<UInt8>?).self),
            let freeOptions = library.function(
                "heif_decoding_options_free", as: (@convention(c) (UnsafeMutablePointer<UInt8>?) -> Void).self),
            let decodeImage = library.function(
                "heif_decode_image",
                as: (@convention(c) (Pointer, UnsafeMutablePointer<Pointer>, Int32, Int32, UnsafePointer<UInt8>?) ->
                    Status).self),
            let releaseImage = library.function("heif_image_release", as: (@convention(c) (Pointer) -> Void).self),
            let imageWidth = library.function(
                "heif_image_get_width", as: (@convention(c) (Pointer, Int32) -> Int32).self),
            let imageHeight = library.function(
                "heif_image_get_height", as: (@convention(c) (Pointer, Int32) -> Int32).self),
            let plane = library.function(
                "heif_image_get_plane_readonly",
                as: (@convention(c) (Pointer, Int32, UnsafeMutablePointer<Int32>) -> UnsafePointer<UInt8>?).self),
            let version = library.function(
                "heif_get_version", as: (@convention(c) () -> UnsafePointer<CChar>?).self),
            let hasDecoder = library.function(
                "heif_have_decoder_for_format", as: (@convention(c) (Int32) -> Int32).self)
        else { return nil }
        // Newer versions load the decoders that are files of their own here.
        _ = library.function("heif_init", as: (@convention(c) (UnsafeRawPointer?) -> Status).self)?(nil)
        self.allocateContext = allocateContext
        self.freeContext = freeContext
        setThreads = library.function("heif_context_set_max_decoding_threads")
        self.read = read
        self.primaryImage = primaryImage
        self.releaseHandle = releaseHandle
        self.handleWidth = handleWidth
        self.handleHeight = handleHeight
        self.storedWidth = storedWidth
        self.storedHeight = storedHeight
        self.hasAlpha = hasAlpha
        self.allocateOptions = allocateOptions
        self.freeOptions = freeOptions
        self.decodeImage = decodeImage
        self.releaseImage = releaseImage
        self.imageWidth = imageWidth
        self.imageHeight = imageHeight
        self.plane = plane
        self.version = version().map { String(cString: $0) } ?? "of unknown version"
        formats = [("HEIC", 1), ("AVIF", 4)].filter { hasDecoder($0.1) != 0 }.map(\.0)
        #else
        return nil
        #endif
    }

    // enum heif_colorspace, heif_chroma, heif_channel.
    private static let rgb: Int32 = 1
    private static let interleavedRGB: Int32 = 10
    private static let interleavedRGBA: Int32 = 11
    private static let interleavedChannel: Int32 = 10

    /// The primary picture. The library turns it upright, so that EXIF's orientation, which says the same again, isn't asked.
    func decode(
        _ bytes: [UInt8], format: String, options: DecodingOptions, willDecode: (_ pixels: Int) -> Void
    ) throws(CLIPError) -> Bitmap {
        let context = allocateContext()
        defer { freeContext(context) }
        setThreads?(context, Int32(clamping: options.threads))
        // The bytes stay where they are as long as the context.
        return try bytes.withUnsafeBufferPointer { bytes throws(CLIPError) in
            try check(read(context, bytes.baseAddress, bytes.count, nil), format)
            var handle: Pointer
            handle = nil
            try check(primaryImage(context, &handle), format)
            defer { releaseHandle(handle) }
            return try decode(handle, format: format, options: options, willDecode: willDecode)
        }
    }

    private func decode(
        _ handle: Pointer, format: String, options: DecodingOptions, willDecode: (_ pixels: Int) -> Void
    ) throws(CLIPError) -> Bitmap {
        // What is decoded is of the stored size, which may be cut down.
        let pixels = max(
            try options.checkedPixelCount(
                format: format, width: Int(storedWidth(handle)), height: Int(storedHeight(handle))),
            try options.checkedPixelCount(
                format: format, width: Int(handleWidth(handle)), height: Int(handleHeight(handle))))
        willDecode(pixels)
        let settings = allocateOptions()
        defer { freeOptions(settings) }
        // The second byte of its structure in every version: whether it is left as it is stored.
        settings?[1] = options.appliesOrientation ? 0 : 1
        let isOpaque = hasAlpha(handle) == 0
        var image: Pointer
        image = nil
        try check(
            decodeImage(
                handle, &image, HEIFLibrary.rgb,
                isOpaque ? HEIFLibrary.interleavedRGB : HEIFLibrary.interleavedRGBA, settings), format)
        defer { releaseImage(image) }
        var bytesPerRow: Int32 = 0
        let start = plane(image, HEIFLibrary.interleavedChannel, &bytesPerRow)
        let width = Int(imageWidth(image, HEIFLibrary.interleavedChannel))
        let height = Int(imageHeight(image, HEIFLibrary.interleavedChannel))
        guard let start, width > 0, height > 0, Int(bytesPerRow) >= width * (isOpaque ? 3 : 4) else {
            throw .malformed(format: format, offset: 0, problem: "libheif decodes it to nothing")
        }
        _ = try options.checkedPixelCount(format: format, width: width, height: height)
        return LibraryPixels(
            start: start, width: width, height: height, bytesPerRow: Int(bytesPerRow), hasAlpha: !isOpaque
        ).bitmap(options.alpha)
    }

    private func check(_ status: Status, _ format: String) throws(CLIPError) {
        let (kind, detail) = (Int(truncatingIfNeeded: status & 0xFFFF_FFFF), Int(truncatingIfNeeded: status >> 32))
        guard kind != 0 else { return }
        // heif_suberror_Unsupported_codec, and an error of plugins.
        if detail == 3000 || kind == 11 {
            throw .unsupported(
                format: format, feature: nil,
                advice: "the system's libheif \(version) has no decoder for it, install one: "
                    + "`apt install libheif-plugin-libde265` for HEIC, `libheif-plugin-dav1d` for AVIF")
        }
        let problem =
            switch kind {
            case 2 where detail == 100: "the file ends too early"
            case 2 where detail == 1000: "it claims to be larger than libheif allows"
            case 2: "its contents contradict the format"
            case 4: "it uses a feature that libheif \(version) doesn't know"
            case 6: "it wants more memory than there is for it"
            case 7: "the decoder fails"
            default: "it can't be decoded"
            }
        throw CLIPError(.picture, "broken \(format): \(problem) (libheif's error \(kind).\(detail))")
    }
}
#endif
