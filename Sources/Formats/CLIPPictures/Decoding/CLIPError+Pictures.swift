package import CLIPSystem

// Why a picture could not be decoded: what, where, expected, found, what to do next.
extension CLIPError {
    /// The file's bytes could not be had.
    package static func unreadable(_ problem: String) -> CLIPError { CLIPError(.picture, problem) }

    /// The same because of a call that failed.
    package static func unreadable(_ problem: String, _ cause: SystemError) -> CLIPError {
        CLIPError(.picture, problem, cause)
    }

    /// None of the decoders knows the first bytes.
    package static func unknownFormat(firstBytes: [UInt8]) -> CLIPError {
        if firstBytes.isEmpty { return CLIPError(.picture, "the file is empty: a picture was expected") }
        let hex = firstBytes.prefix(8).map { hexadecimal([$0]) }
        return CLIPError(.picture, "not a picture of a known format: it begins with \(hex.joined(separator: " "))")
    }

    /// The format is known but not decoded, or not with this feature; `advice` says what to do.
    package static func unsupported(format: String, feature: String?, advice: String) -> CLIPError {
        CLIPError(.picture, "\(format)\(feature.map { " with " + $0 } ?? "") is not supported: \(advice)")
    }

    /// The bytes contradict the format at `offset`.
    package static func malformed(format: String, offset: Int, problem: String) -> CLIPError {
        CLIPError(.picture, "broken \(format) at byte \(offset): \(problem)")
    }

    /// The data ends too early.
    package static func truncated(format: String, offset: Int, problem: String) -> CLIPError {
        CLIPError(
            .picture, "truncated \(format): the data ends at byte \(offset), \(problem)", advice: .allowTruncated)
    }

    /// More pixels than `limit`.
    package static func tooLarge(format: String, width: Int, height: Int, limit: Int) -> CLIPError {
        CLIPError(
            .picture, "\(format) of \(width) × \(height) pixels is over the limit of \(limit) pixels",
            advice: .raisePixelLimit)
    }
}
