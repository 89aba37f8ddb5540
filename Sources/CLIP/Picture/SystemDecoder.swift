internal import CLIPPictures

/// A decoder of the system for pictures that nothing here decodes. It is looked for at run time, and nothing needs it.
public struct SystemDecoder: Sendable, Equatable {
    /// What it is called: `libheif`, `libjxl` or `ImageIO`.
    public let name: String
    /// Whether it is on this machine.
    public let isThere: Bool
    /// Its version, where it has one of its own and is there.
    public let version: String?
    /// The formats that it decodes here: `HEIC`, `AVIF`, `JPEG XL`. None when it isn't there; a libheif without one of its
    /// own decoders decodes fewer.
    public let formats: [String]
    /// What installs it, for people, such as "apt install libheif1"; nil where it is part of the system.
    public let installation: String?

    /// All that there may be on a system such as this.
    public static func all() -> [SystemDecoder] {
        #if canImport(ImageIO)
        [
            SystemDecoder(
                name: "ImageIO", isThere: true, version: nil, formats: ["HEIC", "AVIF", "JPEG XL"], installation: nil)
        ]
        #else
        SystemLibrary.allCases.map { library in
            SystemDecoder(
                name: library.name, isThere: library.version != nil, version: library.version,
                formats: library.formats, installation: library.installation)
        }
        #endif
    }
}

extension PictureOptions {
    /// From now on options that are made let the system's decoders read pictures, or don't. For a program to call, before it reads
    /// any.
    /// - Parameter program: what is run for each such picture with the argument that `answerDecodingRequest` is for; nil for
    ///   never.
    package static func useSystemDecoders(of program: (path: String, arguments: [String])?) {
        #if canImport(ImageIO)
        SystemDecoding.usual = program == nil ? .never : .here
        #else
        SystemDecoding.usual = program.map { .apart(program: $0.path, arguments: $0.arguments) } ?? .never
        #endif
    }

    /// Decodes the picture on standard input for the process that has run this one.
    /// - Returns: the exit status.
    package static func answerDecodingRequest() -> Int32 {
        #if canImport(ImageIO)
        1
        #else
        ConfinedDecoding.answer()
        #endif
    }
}
