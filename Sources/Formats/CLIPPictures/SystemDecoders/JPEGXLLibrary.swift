#if !canImport(ImageIO)
internal import CLIPSystem

/// The system's libjxl, which decodes JPEG XL: the functions of its C interface (jxl/decode.h) that are needed.
struct JPEGXLLibrary: Sendable {
    static let shared = JPEGXLLibrary()

    private typealias Pointer = OpaquePointer?

    private let create: @convention(c) (UnsafeRawPointer?) -> Pointer
    private let destroy: @convention(c) (Pointer) -> Void
    private let subscribe: @convention(c) (Pointer, Int32) -> UInt32
    private let keepOrientation: @convention(c) (Pointer, Int32) -> UInt32
    private let straightenAlpha: @convention(c) (Pointer, Int32) -> UInt32
    private let setInput: @convention(c) (Pointer, UnsafePointer<UInt8>?, Int) -> UInt32
    private let closeInput: @convention(c) (Pointer) -> Void
    private let process: @convention(c) (Pointer) -> UInt32
    private let basicInfo: @convention(c) (Pointer, UnsafeMutableRawPointer?) -> UInt32
    private let setOutput: @convention(c) (Pointer, UnsafeRawPointer?, UnsafeMutableRawPointer?, Int) -> UInt32

    /// What it calls itself.
    let version: String

    private init?() {
        // No version before 1.0 promises to be the next one's; these functions are the same in all of them.
        guard
            let library = DynamicLibrary(
                ["libjxl.so.1"] + (7...12).reversed().map { "libjxl.so.0.\($0)" })
        else { return nil }
        do throws(DynamicLibrary.MissingFunction) {
            create = try library.required("JxlDecoderCreate")
            destroy = try library.required("JxlDecoderDestroy")
            subscribe = try library.required("JxlDecoderSubscribeEvents")
            keepOrientation = try library.required("JxlDecoderSetKeepOrientation")
            straightenAlpha = try library.required("JxlDecoderSetUnpremultiplyAlpha")
            setInput = try library.required("JxlDecoderSetInput")
            closeInput = try library.required("JxlDecoderCloseInput")
            process = try library.required("JxlDecoderProcessInput")
            basicInfo = try library.required("JxlDecoderGetBasicInfo")
            setOutput = try library.required("JxlDecoderSetImageOutBuffer")
            let version: @convention(c) () -> UInt32 = try library.required("JxlDecoderVersion")
            let number = Int(version())
            self.version = "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
        } catch {
            return nil
        }
    }

    /// `JxlDecoderStatus`.
    private enum Status {
        static let success: UInt32 = 0
        static let needsMoreInput: UInt32 = 2
        static let needsOutput: UInt32 = 5
        static let basicInfo: UInt32 = 0x40
        static let fullImage: UInt32 = 0x1000
    }

    /// The first picture, turned upright by the library.
    func decode(
        _ bytes: [UInt8], options: DecodingOptions, willDecode: (_ pixels: Int) -> Void
    ) throws(CLIPError) -> Bitmap {
        let format = "JPEG XL"
        let decoder = create(nil)
        defer { destroy(decoder) }
        _ = subscribe(decoder, Int32(Status.basicInfo | Status.fullImage))
        _ = keepOrientation(decoder, options.appliesOrientation ? 0 : 1)
        _ = straightenAlpha(decoder, 1)
        return try bytes.withUnsafeBufferPointer { bytes throws(CLIPError) in
            _ = setInput(decoder, bytes.baseAddress, bytes.count)
            closeInput(decoder)
            var info: BasicInfo?
            var pixels: UnsafeMutableRawBufferPointer?
            defer { pixels?.deallocate() }
            while true {
                switch process(decoder) {
                case Status.basicInfo:
                    let found = try readInfo(decoder)
                    willDecode(
                        try options.checkedPixelCount(format: format, width: found.width, height: found.height))
                    info = found
                case Status.needsOutput:
                    guard let info, pixels == nil else { throw broken("libjxl asks twice where to decode to") }
                    let memory = UnsafeMutableRawBufferPointer.allocate(
                        byteCount: info.width * info.height * (info.hasAlpha ? 4 : 3), alignment: 64)
                    pixels = memory
                    var layout = PixelLayout(channels: info.hasAlpha ? 4 : 3)
                    guard setOutput(decoder, &layout, memory.baseAddress, memory.count) == Status.success else {
                        throw broken("libjxl can't give eight bits a sample")
                    }
                case Status.fullImage:
                    guard let info, let start = pixels?.baseAddress else {
                        throw broken("libjxl decodes it to nothing")
                    }
                    return LibraryPixels(
                        start: UnsafePointer(start.assumingMemoryBound(to: UInt8.self)), width: info.width,
                        height: info.height, bytesPerRow: info.width * (info.hasAlpha ? 4 : 3), hasAlpha: info.hasAlpha
                    ).bitmap(options.alpha)
                case Status.needsMoreInput: throw broken("the file ends too early")
                case Status.success: throw broken("it holds no picture")
                default: throw broken("libjxl \(version) can't decode it")
                }
            }
        }
    }

    private func broken(_ problem: String) -> CLIPError { CLIPError(.picture, "broken JPEG XL: \(problem)") }

    private struct BasicInfo {
        let width: Int
        let height: Int
        let hasAlpha: Bool
    }

    /// Of `JxlBasicInfo` the fields that are needed, by their places in the structure.
    private func readInfo(_ decoder: Pointer) throws(CLIPError) -> BasicInfo {
        var fields = [UInt32](repeating: 0, count: 256)
        let status = fields.withUnsafeMutableBytes { basicInfo(decoder, $0.baseAddress) }
        let (width, height) = (Int(fields[1]), Int(fields[2]))
        guard status == Status.success, width > 0, height > 0 else { throw broken("its header makes no sense") }
        return BasicInfo(width: width, height: height, hasAlpha: fields[15] > 0)
    }
}

/// `JxlPixelFormat`: interleaved samples of eight bits, rows without padding.
private struct PixelLayout {
    let channels: UInt32
    /// JXL_TYPE_UINT8.
    let type: Int32 = 2
    let byteOrder: Int32 = 0
    let alignment: Int = 0

    init(channels: Int) { self.channels = UInt32(channels) }
}
#endif
