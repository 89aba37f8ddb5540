/// A text chunk (tEXt, zTXt or iTXt), its text still as it is stored.
struct PNGText {
    let keyword: String
    private let stored: ArraySlice<UInt8>
    private let isCompressed: Bool

    /// - Returns: nil for other chunks and broken ones.
    init?(_ chunk: PNGChunk, _ bytes: [UInt8]) {
        let data = bytes[chunk.data]
        guard let end = data.firstIndex(of: 0) else { return nil }
        keyword = String(decoding: data[..<end], as: UTF8.self)
        let rest = data[(end + 1)...]
        switch chunk.type {
        case "tEXt": (isCompressed, stored) = (false, rest)
        // A byte for the compression method, of which there is one.
        case "zTXt": (isCompressed, stored) = (true, rest.dropFirst())
        case "iTXt":
            guard let flag = rest.first, let method = rest.dropFirst().first, flag == 0 || method == 0 else {
                return nil
            }
            // The language and the keyword in it, each with a zero at its end.
            let parts = rest.dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return nil }
            (isCompressed, stored) = (flag != 0, parts[2])
        default: return nil
        }
    }

    /// The text; of compressed text at least its first `limit` bytes, and not much more.
    func contents(limit: Int) -> ArraySlice<UInt8> {
        guard isCompressed else { return stored }
        guard var stream = try? ZlibStream(Array(stored)) else { return [] }
        var text: [UInt8] = []
        while text.count < limit {
            let progress = stream.next { (piece) throws(Never) in text.append(contentsOf: piece) }
            guard case .more = progress else { break }
        }
        return text[...]
    }
}
