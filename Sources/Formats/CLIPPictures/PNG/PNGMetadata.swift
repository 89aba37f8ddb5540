/// Where a PNG file may say which way up it is.
struct PNGMetadata {
    /// The orientation that the eXIf chunk gives.
    var exif: Int?
    private var rawProfile: Int?
    /// The last XMP packet.
    private var xmp: PNGText?

    /// Far more than the first directory of EXIF data takes, where the orientation stands.
    private static let profileLimit = 1 << 16
    /// Pillow refuses files whose text becomes longer.
    private static let packetLimit = 1 << 20

    /// EXIF orientation, 1…8.
    var orientation: Int {
        exif ?? rawProfile ?? xmp.flatMap { xmpOrientation($0.contents(limit: Self.packetLimit)) } ?? 1
    }

    mutating func take(_ text: PNGText) {
        switch text.keyword {
        case "XML:com.adobe.xmp": xmp = text
        case "Raw profile type exif", "Raw profile type APP1":
            rawProfile = exifOrientation(Self.profile(in: text.contents(limit: Self.profileLimit))[...])
        default: break
        }
    }

    /// EXIF data as ImageMagick wrote it before PNG had a chunk for it: a text that says the profile's name, its length,
    /// and its bytes in hexadecimal digits.
    private static func profile(in text: ArraySlice<UInt8>) -> [UInt8] {
        let lines = text.prefix(profileLimit).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in lines.dropFirst(3).joined() {
            guard let value = Character(UnicodeScalar(digit)).hexDigitValue.map(UInt8.init) else { break }
            if let first = high { bytes.append(first << 4 | value) }
            high = high == nil ? value : nil
        }
        return bytes
    }
}
