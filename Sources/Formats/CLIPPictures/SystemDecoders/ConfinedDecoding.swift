#if !canImport(ImageIO)
internal import CLIPSystem
internal import CLIPThreads

/// A picture decoded by a library of the system in a process of its own, whose memory and time are limited: a fault in the
/// library costs this picture.
///
/// The process gets a `Request` and the picture behind it as a file on standard input. It answers with a `Reply`, and behind it either
/// the pixels or an error's words.
package enum ConfinedDecoding {
    /// Seconds that the process may compute, and how long it is waited for.
    private static let (computing, waiting) = (60, 180.0)
    /// Memory for the program itself, and for each pixel: decoders hold a picture several times, also in floats.
    private static let (base, perPixel) = (1 << 30, 64)
    private static let longestWords = 2000

    private struct Request {
        let library: UInt8
        let dropsAlpha: Bool
        let appliesOrientation: Bool
        let maximumPixels: Int
    }

    private struct Reply {
        var isPicture = false
        /// Whether more pixels would have to be allowed.
        var isTooLarge = false
        var width = 0
        var height = 0
        /// Bytes of an error's words.
        var wordCount = 0
    }

    /// Has `program` decode a picture.
    /// - Throws: `CLIPError` of the picture, also when the process doesn't answer; of kind `.cancelled`.
    static func decode(
        _ bytes: [UInt8], format: String, library: SystemLibrary, program: String, arguments: [String],
        options: DecodingOptions
    ) throws(CLIPError) -> Bitmap {
        let request = Request(
            library: library.rawValue, dropsAlpha: options.alpha == .drop,
            appliesOrientation: options.appliesOrientation, maximumPixels: options.maximumPixels)
        let helper: RunningHelper
        do throws(SystemError) {
            let input = try hidden(withUnsafeBytes(of: request) { Array($0) }, bytes)
            defer { close(input) }
            helper = try HelperProgram(path: program).begin(arguments, input: input)
        } catch {
            throw CLIPError(.picture, "\(format) can't be handed to the process that decodes it", error)
        }
        let deadline = monotonicSeconds() + waiting
        func receive(_ buffer: UnsafeMutableBufferPointer<UInt8>) throws(CLIPError) {
            let count = try helper.receive(into: UnsafeMutableRawBufferPointer(buffer), until: deadline) {
                () throws(CLIPError) in
                guard !Cancellation.isRequested else { throw CLIPError(.cancelled, "the task was cancelled") }
            }
            if count == buffer.count { return }
            guard count != nil else {
                throw failure(format, library, "took longer than \(Int(waiting)) seconds over it")
            }
            throw failure(format, library, ending(helper))
        }
        var reply = Reply()
        var received = [UInt8](repeating: 0, count: MemoryLayout<Reply>.size)
        try received.withUnsafeMutableBufferPointer { buffer throws(CLIPError) in try receive(buffer) }
        received.withUnsafeBytes { bytes in
            // Of what comes from there nothing is taken for granted, a truth value neither.
            reply.isPicture = bytes[0] == 1
            reply.isTooLarge = bytes[1] == 1
            reply.width = bytes.loadUnaligned(fromByteOffset: 8, as: Int.self)
            reply.height = bytes.loadUnaligned(fromByteOffset: 16, as: Int.self)
            reply.wordCount = bytes.loadUnaligned(fromByteOffset: 24, as: Int.self)
        }
        guard reply.isPicture else {
            var words = [UInt8](repeating: 0, count: max(0, min(reply.wordCount, longestWords)))
            try words.withUnsafeMutableBufferPointer { buffer throws(CLIPError) in try receive(buffer) }
            throw CLIPError(
                .picture, String(decoding: words, as: UTF8.self), advice: reply.isTooLarge ? .raisePixelLimit : nil)
        }
        guard reply.width > 0, reply.height > 0 else { throw failure(format, library, "answers nonsense") }
        _ = try options.checkedPixelCount(format: format, width: reply.width, height: reply.height)
        var pixels = pictureMemory(3 * reply.width * reply.height)
        try pixels.withUnsafeMutableBufferPointer { buffer throws(CLIPError) in try receive(buffer) }
        return Bitmap(width: reply.width, height: reply.height, pixels: pixels)
    }

    private static func failure(_ format: String, _ library: SystemLibrary, _ problem: String) -> CLIPError {
        CLIPError(.picture, "broken \(format), or a fault of the system's \(library.name), which \(problem)")
    }

    private static func ending(_ helper: RunningHelper) -> String {
        switch try? helper.end() {
        case .signal(SIGXCPU), .signal(SIGKILL): "took more time or memory than a picture may"
        case .signal(let number) where number == SIGABRT:
            "gave up on it (signal \(number)), perhaps for want of memory"
        case .signal(let number): "crashed on it (signal \(number))"
        default: "ended without an answer"
        }
    }

    /// An open file without a name that holds these bytes, to be read from its beginning.
    private static func hidden(_ parts: [UInt8]...) throws(SystemError) -> Int32 {
        let (path, descriptor) = try makeTemporaryFile()
        unlink(path)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        do throws(SystemError) {
            for part in parts { try writeAll(part, to: descriptor) }
            guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw SystemError.last }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Answers the request on standard input: what the process does that `decode` begins.
    /// - Returns: the exit status.
    package static func answer() -> Int32 {
        var status = stat()
        let requestSize = MemoryLayout<Request>.size
        guard fstat(STDIN_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size >= requestSize
        else {
            return 1
        }
        let byteCount = Int(status.st_size)
        ProcessLimits.forbidFiles()
        ProcessLimits.setSeconds(computing)
        guard let message = try? readAll(from: STDIN_FILENO, at: 0, count: byteCount), message.count == byteCount,
            let library = SystemLibrary(rawValue: message[0])
        else { return 1 }
        var options = DecodingOptions()
        options.alpha = message[1] != 0 ? .drop : .white
        options.appliesOrientation = message[2] != 0
        options.maximumPixels = message.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: Int.self) }
        let space = base + 8 * byteCount
        func limit(_ pixels: Int) -> Int { space + perPixel * min(max(pixels, 0), 1 << 40) }
        ProcessLimits.setMemory(space, most: limit(options.maximumPixels))
        let bytes = Array(message[requestSize...])
        var reply = Reply()
        var content: [UInt8]
        do throws(CLIPError) {
            let format = ForeignFormat(bytes)?.name ?? library.name
            let bitmap = try library.decode(bytes, format: format, options: options) { pixels in
                ProcessLimits.setMemory(limit(pixels), most: limit(options.maximumPixels))
            }
            (reply.isPicture, reply.width, reply.height) = (true, bitmap.width, bitmap.height)
            content = bitmap.pixels
        } catch {
            content = Array(error.message.utf8.prefix(longestWords))
            (reply.isTooLarge, reply.wordCount) = (error.advice == .raisePixelLimit, content.count)
        }
        do throws(SystemError) {
            try writeAll(withUnsafeBytes(of: reply) { Array($0) }, to: STDOUT_FILENO)
            try writeAll(content, to: STDOUT_FILENO)
        } catch {
            return 1
        }
        return 0
    }
}
#endif
