internal import CLIPSystem
import Synchronization

/// What becomes of pictures that the system may decode and nothing here does: HEIC, AVIF, JPEG XL.
package enum SystemDecoding: Sendable, Equatable {
    /// They are refused by name.
    case never
    /// The system's decoders do it, in this process.
    case here
    #if !canImport(ImageIO)
    /// A program is run for each, which answers by `ConfinedDecoding.answer`.
    case apart(program: String, arguments: [String])
    #endif

    /// What holds where nobody says otherwise.
    package static var usual: SystemDecoding {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    #if canImport(ImageIO)
    /// Part of the system, and what every app there decodes pictures by.
    private static let current = Mutex(SystemDecoding.here)
    #else
    private static let current = Mutex(SystemDecoding.never)
    #endif

    /// Whether pictures of a format are decoded by what is on this machine.
    func decodes(_ format: ForeignFormat) -> Bool {
        guard self != .never else { return false }
        #if canImport(ImageIO)
        return format.isPicture
        #else
        return format.library?.formats.contains(format.name) ?? false
        #endif
    }

    /// Whether files whose names end so are pictures that are decoded by what is on this machine.
    func decodes(fileExtension: String) -> Bool {
        guard self != .never else { return false }
        #if canImport(ImageIO)
        return ImageIODecoder.fileExtensions.contains(fileExtension)
        #else
        return SystemLibrary.allCases.contains {
            $0.fileExtensions.contains(fileExtension) && !$0.formats.isEmpty
        }
        #endif
    }

    /// What to do to have pictures of a format read.
    func advice(on format: ForeignFormat) -> String {
        #if !canImport(ImageIO)
        if self != .never, let library = format.library { return "\(library.advice); or \(format.advice)" }
        #endif
        return format.advice
    }
}

/// Decodes a picture by what is on this machine; nil for a format that nobody decodes.
/// - Throws: `CLIPError` for a damaged picture, and where a decoder would have to be installed.
func decodeBySystem(_ bytes: [UInt8], options: DecodingOptions) throws(CLIPError) -> Bitmap? {
    guard options.systemDecoding != .never else { return nil }
    #if canImport(ImageIO)
    return try ImageIODecoder.decode(bytes, options: options)
    #else
    guard let format = ForeignFormat(bytes), let library = format.library else { return nil }
    // That it isn't there is said without asking anybody.
    guard library.version != nil else { return nil }
    if case .apart(let program, let arguments) = options.systemDecoding {
        return try ConfinedDecoding.decode(
            bytes, format: format.name, library: library, program: program, arguments: arguments, options: options)
    }
    return try library.decode(bytes, format: format.name, options: options)
    #endif
}
