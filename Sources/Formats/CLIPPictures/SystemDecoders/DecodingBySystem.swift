internal import CLIPSystem

extension SystemDecoding {
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

extension ForeignFormat {
    /// Whether there are systems whose decoders read it.
    var isDecodedBySystems: Bool {
        #if canImport(ImageIO)
        isPicture
        #else
        library != nil
        #endif
    }

    #if !canImport(ImageIO)
    /// The library of the system that decodes it, if one does.
    var library: SystemLibrary? {
        switch name {
        case "HEIC", "AVIF": .heif
        case "JPEG XL": .jxl
        default: nil
        }
    }
    #endif
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
