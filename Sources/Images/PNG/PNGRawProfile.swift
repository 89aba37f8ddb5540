/// EXIF data as ImageMagick wrote it before PNG had a chunk for it: a text chunk "Raw profile type exif" (or "APP1")
/// that says the profile's name, its length, and its bytes in hexadecimal digits.
enum PNGRawProfile {
    /// Far more than the first directory takes, where the orientation stands.
    private static let limit = 1 << 16

    /// The beginning of the profile in a tEXt or zTXt chunk; nil in any other.
    static func exif(_ chunk: PNGChunk, _ bytes: [UInt8]) -> [UInt8]? {
        let data = bytes[chunk.data]
        guard let end = data.firstIndex(of: 0) else { return nil }
        let keyword = String(decoding: data[..<end], as: UTF8.self)
        guard ["Raw profile type exif", "Raw profile type APP1"].contains(keyword) else { return nil }
        switch chunk.type {
        case "tEXt": return decoded(data[(end + 1)...].prefix(limit))
        case "zTXt": return decoded(inflated(data.dropFirst(keyword.utf8.count + 2))[...])
        default: return nil
        }
    }

    private static func inflated(_ data: ArraySlice<UInt8>) -> [UInt8] {
        guard var stream = try? ZlibStream(Array(data)) else { return [] }
        var text: [UInt8] = []
        while text.count < limit {
            let progress = stream.next { (piece) throws(Never) in text.append(contentsOf: piece) }
            guard case .more = progress else { break }
        }
        return text
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
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
