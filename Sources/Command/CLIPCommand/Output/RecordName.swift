import CLIP

extension FieldValue {
    /// An input that has no result, and why.
    static func failure(_ input: RecordName, _ message: String) -> FieldValue {
        .object([("input", .text(input.text)), ("error", .text(message)), ("input_bytes", .nameBytes(input.bytes))])
    }
}

/// What a record calls a file or text: as text, and as the bytes that a file's name is where they are no UTF-8.
struct RecordName {
    let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    init(bytes: [UInt8]) { self.bytes = bytes }

    init(_ input: PictureInput) {
        if case .filePath(let bytes) = input { self.bytes = bytes } else { bytes = Array(input.name.utf8) }
    }

    /// What is not UTF-8 is replaced.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
