#if !canImport(ImageIO)
internal import CLIPSystem

/// A library of the system that decodes what nothing here does. It is opened when it is wanted, and nothing needs it.
package enum SystemLibrary: UInt8, CaseIterable, Sendable {
    case heif, jxl

    package var name: String {
        switch self {
        case .heif: "libheif"
        case .jxl: "libjxl"
        }
    }

    /// What there is to do for somebody who hasn't got it.
    package var installation: String {
        switch self {
        case .heif: "`apt install libheif1`"
        case .jxl: "`apt install libjxl0.7` on Debian 12, `libjxl0.11` on Debian 13"
        }
    }

    /// What the names of its pictures end in, lower-case.
    var fileExtensions: [String] {
        switch self {
        case .heif: ["avif", "heic", "heics", "heif", "hif"]
        case .jxl: ["jxl"]
        }
    }

    /// Its version; nil if it isn't there.
    package var version: String? {
        switch self {
        case .heif: HEIFLibrary.shared?.version
        case .jxl: JPEGXLLibrary.shared?.version
        }
    }

    /// The formats that it decodes; none if it isn't there, fewer than it might if it has no decoder for one of them.
    package var formats: [String] {
        switch self {
        case .heif: HEIFLibrary.shared?.formats ?? []
        case .jxl: JPEGXLLibrary.shared == nil ? [] : ["JPEG XL"]
        }
    }

    /// Decodes in this process.
    /// - Parameters:
    ///   - format: what the picture is, for errors.
    ///   - willDecode: takes the size once it is known and allowed.
    /// - Throws: `CLIPError` for a damaged picture, one of more pixels than are allowed, and where the library isn't there.
    func decode(
        _ bytes: [UInt8], format: String, options: DecodingOptions,
        willDecode: (_ pixels: Int) -> Void = { _ in }
    ) throws(CLIPError) -> Bitmap {
        switch self {
        case .heif:
            guard let library = HEIFLibrary.shared else { throw isMissing(for: format) }
            return try library.decode(bytes, format: format, options: options, willDecode: willDecode)
        case .jxl:
            guard let library = JPEGXLLibrary.shared else { throw isMissing(for: format) }
            return try library.decode(bytes, options: options, willDecode: willDecode)
        }
    }

    /// The error about a picture that this library would decode.
    func isMissing(for format: String) -> CLIPError {
        .unsupported(format: format, feature: nil, advice: advice)
    }

    /// What to do to have its pictures read.
    var advice: String { "the system's \(name) decodes it, install that: \(installation)" }
}

/// Interleaved samples of eight bits that a library has decoded, with or without opacity.
struct LibraryPixels {
    let start: UnsafePointer<UInt8>
    let width: Int
    let height: Int
    let bytesPerRow: Int
    let hasAlpha: Bool

    /// The picture in RGB, what shines through as `alpha` says.
    func bitmap(_ alpha: DecodingOptions.Alpha) -> Bitmap {
        var pixels = pictureMemory(3 * width * height)
        pixels.withUnsafeMutableBufferPointer { output in
            for y in 0..<height {
                let row = UnsafeBufferPointer(start: start + y * bytesPerRow, count: width * (hasAlpha ? 4 : 3))
                let target = UnsafeMutableBufferPointer(rebasing: output[(3 * y * width)..<(3 * (y + 1) * width)])
                guard hasAlpha else {
                    _ = target.update(fromContentsOf: row)
                    continue
                }
                for x in 0..<width {
                    let opacity = alpha == .white ? row[4 * x + 3] : 255
                    for channel in 0..<3 { target[3 * x + channel] = overWhite(row[4 * x + channel], opacity) }
                }
            }
        }
        return Bitmap(width: width, height: height, pixels: pixels)
    }
}
#endif
