/// Why a picture could not be decoded. `description` is one line: what, where, expected, found, what to do next.
package enum PictureError: Error, Equatable, CustomStringConvertible {
    /// The file's bytes could not be had; `problem` says it in the system's words.
    case unreadable(problem: String)
    /// None of the decoders knows the first bytes.
    case unknownFormat(firstBytes: [UInt8])
    /// The format is known but not decoded, or not with this feature; `advice` says what to do.
    case unsupported(format: String, feature: String?, advice: String)
    /// The bytes contradict the format at `offset`.
    case malformed(format: String, offset: Int, problem: String)
    /// The data ends too early.
    case truncated(format: String, offset: Int, problem: String)
    /// More pixels than `maximumPixels`.
    case tooLarge(format: String, width: Int, height: Int, limit: Int)

    package var description: String {
        switch self {
        case .unreadable(let problem): return problem
        case .unknownFormat(let firstBytes):
            if firstBytes.isEmpty { return "the file is empty: a picture was expected" }
            let hex = firstBytes.prefix(8).map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }
            return "not a picture of a known format: it begins with \(hex.joined(separator: " "))"
        case .unsupported(let format, let feature, let advice):
            return "\(format)\(feature.map { " with " + $0 } ?? "") is not supported: \(advice)"
        case .malformed(let format, let offset, let problem):
            return "broken \(format) at byte \(offset): \(problem)"
        case .truncated(let format, let offset, let problem):
            return "truncated \(format): the data ends at byte \(offset), \(problem);"
                + " --allow-truncated decodes what is there"
        case .tooLarge(let format, let width, let height, let limit):
            return "\(format) of \(width) × \(height) pixels is over the limit of \(limit) pixels;"
                + " --max-pixels raises it"
        }
    }
}
