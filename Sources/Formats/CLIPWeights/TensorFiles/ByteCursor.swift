internal import CLIPSystem

/// Reads little-endian numbers and texts from bytes, front to back, never past their end.
struct ByteCursor {
    let path: String
    /// What is read, for messages, such as `header`.
    let part: String
    private let bytes: UnsafeRawBufferPointer
    private(set) var position: Int

    /// - Parameter bytes: valid for as long as the cursor is used.
    init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0, path: String, part: String) {
        self.bytes = bytes
        self.position = position
        self.path = path
        self.part = part
    }

    var remaining: Int { bytes.count - position }

    mutating func byte() throws(CLIPError) -> UInt8 { try integer(UInt8.self) }

    mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws(CLIPError) -> Number {
        let start = try advance(MemoryLayout<Number>.size)
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Number.self))
    }

    /// A number that counts or measures something in the file.
    mutating func count<Number: FixedWidthInteger>(_ type: Number.Type) throws(CLIPError) -> Int {
        let number = try integer(type)
        guard let count = Int(exactly: number), count >= 0 else {
            throw fault("\(number) is no count", at: position - MemoryLayout<Number>.size)
        }
        return count
    }

    /// The next `count` bytes.
    mutating func slice(_ count: Int) throws(CLIPError) -> UnsafeRawBufferPointer {
        let start = try advance(count)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
    }

    /// The next `count` bytes as text; what is not UTF-8 is replaced.
    mutating func text(_ count: Int) throws(CLIPError) -> String {
        String(decoding: try slice(count), as: UTF8.self)
    }

    /// The text up to the next line feed, which is skipped.
    mutating func line() throws(CLIPError) -> String {
        guard let end = bytes[position...].firstIndex(of: 0x0A) else {
            throw fault("a line without an end", at: position)
        }
        let text = String(decoding: bytes[position..<end], as: UTF8.self)
        position = end + 1
        return text
    }

    func fault(_ problem: String) -> CLIPError { fault(problem, at: position) }

    func fault(_ problem: String, at place: Int) -> CLIPError {
        CLIPError(.model, path: path, "\(part), byte \(place): \(problem)")
    }

    private mutating func advance(_ count: Int) throws(CLIPError) -> Int {
        guard count <= bytes.count - position, count >= 0 else {
            throw fault(
                "\(count) more bytes expected, \(bytes.count - position) are there: it is cut short, fetch it again")
        }
        defer { position += count }
        return position
    }
}
