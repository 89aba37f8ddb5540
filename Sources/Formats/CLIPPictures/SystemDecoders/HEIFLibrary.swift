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
        guard let library = DynamicLibrary(["libheif.so.1"]) else { return nil }
        do throws(DynamicLibrary.MissingFunction) {
            allocateContext = try library.required("heif_context_alloc")
            freeContext = try library.required("heif_context_free")
            read = try library.required("heif_context_read_from_memory_without_copy")
            primaryImage = try library.required("heif_context_get_primary_image_handle")
            releaseHandle = try library.required("heif_image_handle_release")
            handleWidth = try library.required("heif_image_handle_get_width")
            handleHeight = try library.required("heif_image_handle_get_height")
            storedWidth = try library.required("heif_image_handle_get_ispe_width")
            storedHeight = try library.required("heif_image_handle_get_ispe_height")
            hasAlpha = try library.required("heif_image_handle_has_alpha_channel")
            allocateOptions = try library.required("heif_decoding_options_alloc")
            freeOptions = try library.required("heif_decoding_options_free")
            decodeImage = try library.required("heif_decode_image")
            releaseImage = try library.required("heif_image_release")
            imageWidth = try library.required("heif_image_get_width")
            imageHeight = try library.required("heif_image_get_height")
            plane = try library.required("heif_image_get_plane_readonly")
            let version: @convention(c) () -> UnsafePointer<CChar>? = try library.required("heif_get_version")
            let hasDecoder: @convention(c) (Int32) -> Int32 = try library.required("heif_have_decoder_for_format")
            setThreads = library.function("heif_context_set_max_decoding_threads")
            // Newer versions load the decoders that are files of their own here.
            _ = library.function("heif_init", as: (@convention(c) (UnsafeRawPointer?) -> Status).self)?(nil)
            self.version = version().map { String(cString: $0) } ?? "of unknown version"
            formats = [("HEIC", 1), ("AVIF", 4)].filter { hasDecoder($0.1) != 0 }.map(\.0)
        } catch {
            return nil
        }
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
