/// Formats that people have and that no decoder here reads: naming them makes a better error than "unknown".
struct ForeignFormat {
    let name: String
    let advice: String

    /// What to do with a camera maker's raw file.
    static let rawAdvice = "develop it to JPEG or TIFF first, for example with `darktable-cli in.raw out.jpg`"
    private static let isoMedia = "a video or another ISO media file"

    /// Whether it is a picture rather than a video or a document.
    var isPicture: Bool { name != "PDF" && name != ForeignFormat.isoMedia }

    private init(_ name: String, _ command: String = "magick in out.png") {
        self.name = name
        advice = "convert it to PNG or JPEG first, for example with `\(command)`"
    }

    /// The format that `bytes` begins with; nil for one that nobody names here.
    init?(_ bytes: [UInt8]) {
        func has(_ magic: String, at offset: Int = 0) -> Bool {
            bytes.count >= offset + magic.utf8.count && bytes[offset...].starts(with: magic.utf8)
        }
        func has(_ magic: [UInt8]) -> Bool { bytes.starts(with: magic) }

        if has("ftyp", at: 4) {
            self.init(isoMedia: String(decoding: bytes.dropFirst(8).prefix(4), as: UTF8.self))
        } else if has([0xFF, 0x0A]) || has([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A]) {
            self.init("JPEG XL", "djxl in.jxl out.png")
        } else if has([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20]) || has([0xFF, 0x4F, 0xFF, 0x51]) {
            self.init("JPEG 2000", "magick in.jp2 out.png")
        } else if has("<svg") {
            self.init("SVG", "rsvg-convert in.svg -o out.png")
        } else if has("%PDF") {
            self.init("PDF", "pdftoppm -png -singlefile in.pdf out")
        } else if let match = Self.plain.first(where: { has($0.magic) }) {
            self.init(match.name)
        } else {
            return nil
        }
    }

    private init(isoMedia brand: String) {
        switch brand {
        case "avif", "avis": self.init("AVIF", "magick in.avif out.png")
        case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1":
            self.init("HEIC", "heif-convert in.heic out.png")
        default: self.init(Self.isoMedia, "ffmpeg -i in.mp4 -frames:v 1 out.png")
        }
    }

    private static let plain: [(name: String, magic: [UInt8])] = [
        ("Photoshop", Array("8BPS".utf8)), ("OpenEXR", [0x76, 0x2F, 0x31, 0x01]),
        ("Radiance HDR", Array("#?RADIANCE".utf8)), ("FITS", Array("SIMPLE  =".utf8)), ("DDS", Array("DDS ".utf8)),
        ("PFM", [0x50, 0x66, 0x0A]), ("PFM", [0x50, 0x46, 0x0A]),
    ]
}
