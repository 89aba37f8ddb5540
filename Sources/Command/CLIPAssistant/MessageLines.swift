internal import CLIPSystem

/// The lines of a descriptor, one message each (Model Context Protocol, "stdio").
struct MessageLines {
    enum Line {
        case message([UInt8])
        /// Longer than messages may be: it was passed over.
        case tooLong
    }

    /// A picture of 24 MB in base64, and what is said about it.
    static let longest = 32 << 20

    private let descriptor: Int32
    private let limit: Int
    private var buffer: [UInt8] = []
    /// Up to where the buffer holds no end of a line.
    private var searched = 0
    private var isPassingOver = false
    private var isAtEnd = false

    init(_ descriptor: Int32, limit: Int = longest) {
        self.descriptor = descriptor
        self.limit = limit
    }

    /// The next line that isn't blank, without its end; nil after the last.
    mutating func next() throws(SystemError) -> Line? {
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer[..<end])
                buffer.removeSubrange(...end)
                searched = 0
                if isPassingOver {
                    isPassingOver = false
                    return .tooLong
                }
                if line.count > limit { return .tooLong }
                if !line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { return .message(line) }
                continue
            }
            searched = buffer.count
            if isPassingOver || buffer.count > limit {
                isPassingOver = true
                buffer.removeAll()
                searched = 0
            }
            if isAtEnd {
                // A last line without an end is cut short: nothing is known of what it was to say.
                guard isPassingOver || !buffer.isEmpty else { return nil }
                defer { (buffer, searched, isPassingOver) = ([], 0, false) }
                return isPassingOver ? .tooLong : .message(buffer)
            }
            let part = try readSome(from: descriptor, atMost: 1 << 16)
            if part.isEmpty { isAtEnd = true } else { buffer += part }
        }
    }
}
