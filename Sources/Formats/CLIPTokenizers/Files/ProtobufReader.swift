/// Reads the fields of one protocol-buffers message, and trusts no length.
struct ProtobufReader {
    enum Value {
        case integer(UInt64)
        case bits32(UInt32)
        case bits64
        case bytes(ArraySlice<UInt8>)
    }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next field; nil at the end.
    /// - Throws: with the byte where the message makes no sense.
    mutating func next() throws(TokenizerError) -> (number: Int, value: Value)? {
        guard position < bytes.endIndex else { return nil }
        let start = position
        let key = try integer()
        guard case let number = key >> 3, number >= 1, number < 1 << 29 else {
            throw fault("a field of number \(key >> 3)", at: start)
        }
        switch key & 7 {
        case 0: return (Int(number), .integer(try integer()))
        case 1:
            _ = try take(8)
            return (Int(number), .bits64)
        case 2:
            let start = position
            guard let count = Int(exactly: try integer()) else { throw fault("a length beyond all files", at: start) }
            return (Int(number), .bytes(try take(count)))
        case 5: return (Int(number), .bits32(try take(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }))
        default: throw fault("a field of an unknown kind, \(key & 7)", at: start)
        }
    }

    private mutating func integer() throws(TokenizerError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < bytes.endIndex else { throw fault("its end inside a number", at: start) }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw fault("a number of more than ten bytes", at: start)
    }

    private mutating func take(_ count: Int) throws(TokenizerError) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else {
            throw fault("a field of \(count) bytes, \(bytes.endIndex - position) are left", at: position)
        }
        position += count
        return bytes[position - count..<position]
    }

    private func fault(_ found: String, at offset: Int) -> TokenizerError {
        TokenizerError(
            file: "spiece.model", problem: "byte \(offset): found \(found): it is damaged, fetch it again")
    }
}
