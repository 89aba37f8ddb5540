/// Formats that people have and that no decoder here reads: naming them makes a better error than "unknown".
enum ForeignFormat {
    /// The name of the format that `bytes` begins with.
    static func name(of bytes: [UInt8]) -> String? {
        func has(_ magic: String, at offset: Int = 0) -> Bool {
            bytes.count >= offset + magic.utf8.count && bytes[offset...].starts(with: magic.utf8)
        }
        func has(_ magic: [UInt8]) -> Bool { bytes.starts(with: magic) }

        if has("ftyp", at: 4) { return isoMediaName(brand: bytes.dropFirst(8).prefix(4)) }
        if has([0xFF, 0x0A]) || has([0, 0, 0, 0x0C, 0x4A, 0x58, 0x4C, 0x20, 0x0D, 0x0A, 0x87, 0x0A]) {
            return "JPEG XL"
        }
        if has([0, 0, 0, 0x0C, 0x6A, 0x50, 0x20, 0x20]) || has([0xFF, 0x4F, 0xFF, 0x51]) { return "JPEG 2000" }
        if has([0x49, 0x49, 0x2A, 0]), has("CR", at: 8) { return "Canon raw" }
        if has("IIRO") || has("IIRS") || has("MMOR") { return "Olympus raw" }
        if has([0x49, 0x49, 0x55, 0]) { return "Panasonic raw" }
        if has("FUJIFILMCCD-RAW") { return "Fujifilm raw" }
        if has("8BPS") { return "Photoshop" }
        if has([0x76, 0x2F, 0x31, 0x01]) { return "OpenEXR" }
        if has("#?RADIANCE") { return "Radiance HDR" }
        if has("SIMPLE  =") { return "FITS" }
        if has("DDS ") { return "DDS" }
        if has("%PDF") { return "PDF" }
        if has("<svg") { return "SVG" }
        return nil
    }

    private static func isoMediaName(brand: ArraySlice<UInt8>) -> String {
        switch String(decoding: brand, as: UTF8.self) {
        case "avif", "avis": "AVIF"
        case "heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1": "HEIC"
        case "crx ": "Canon raw"
        default: "a video or ISO media file"
        }
    }
}
