import CLIP

/// What an index keeps of a picture besides its vector: FORMAT.md, "Entries".
struct EntryRecord: Equatable {
    static let byteCount = 80

    /// The file as it was read.
    var identity = FileIdentity(byteCount: 0, modified: 0)
    /// SHA-256 of the file's bytes; zeros when they could not be read.
    var contentHash: ContentHash
    /// The size of the upright picture, in pixels; 0 × 0 when it could not be decoded.
    var width: Int
    var height: Int
    /// The path's bytes, relative to the folder of the index where they don't begin with a slash.
    var name: [UInt8]
    /// Why there is no vector; empty when there is one.
    var message: [UInt8] = []
    var vectorChecksum: UInt32 = 0

    /// - Parameter textOffset: where the name and the message after it lie in the segment's texts.
    func bytes(textOffset: Int) -> [UInt8] {
        var fields = ByteFields(count: EntryRecord.byteCount)
        fields.set(UInt64(identity.byteCount), at: 0)
        fields.set(identity.modified, at: 8)
        fields.set(contentHash.bytes, at: 16)
        fields.set(UInt64(textOffset), at: 48)
        fields.set(UInt32(name.count), at: 56)
        fields.set(UInt32(message.count), at: 60)
        fields.set(UInt32(width), at: 64)
        fields.set(UInt32(height), at: 68)
        fields.set(vectorChecksum, at: 72)
        fields.set(CRC32C.checksum(Array(fields.bytes[..<76]) + name + message), at: 76)
        return fields.bytes
    }

    /// Reads an entry, its checksum included.
    /// - Parameters:
    ///   - bytes: the 80 bytes.
    ///   - texts: all texts of the segment.
    /// - Returns: nil when it is damaged.
    init?(_ bytes: UnsafeRawBufferPointer, texts: UnsafeRawBufferPointer) {
        guard let text = EntryRecord.text(of: bytes, in: texts) else { return nil }
        var sum = CRC32C()
        sum.update(bytes[part: 0..<76])
        sum.update(text)
        guard sum.value == bytes.field(76), bytes.field(0, as: UInt64.self) <= UInt64(Int.max) else { return nil }
        let nameLength = Int(bytes.field(56, as: UInt32.self))
        identity = FileIdentity(byteCount: Int(bytes.field(0, as: UInt64.self)), modified: bytes.field(8))
        contentHash = ContentHash(bytes: bytes[part: 16..<48])
        width = Int(bytes.field(64, as: UInt32.self))
        height = Int(bytes.field(68, as: UInt32.self))
        name = Array(text[part: 0..<nameLength])
        message = Array(text[part: nameLength..<text.count])
        vectorChecksum = bytes.field(72)
    }

    init(
        identity: FileIdentity, contentHash: ContentHash, width: Int, height: Int, name: [UInt8],
        message: [UInt8] = []
    ) {
        self.identity = identity
        self.contentHash = contentHash
        self.width = width
        self.height = height
        self.name = name
        self.message = message
    }

    /// Name and message of an entry, unchecked but for their place.
    static func text(of bytes: UnsafeRawBufferPointer, in texts: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let offset = bytes.field(48, as: UInt64.self)
        let count = Int(bytes.field(56, as: UInt32.self)) + Int(bytes.field(60, as: UInt32.self))
        guard offset <= UInt64(texts.count), count <= texts.count - Int(offset) else { return nil }
        return texts[part: Int(offset)..<Int(offset) + count]
    }
}

extension EntryRecord {
    /// Why there is no vector.
    var failure: CLIPError {
        get {
            let text = String(decoding: message, as: UTF8.self)
            for (advice, words) in EntryRecord.advices where text.hasSuffix(words) {
                return CLIPError(.picture, String(text.dropLast(words.count)), advice: advice)
            }
            return CLIPError(.picture, text)
        }
        set {
            let words = EntryRecord.advices.first { $0.advice == newValue.advice }?.words ?? ""
            message = Array((newValue.message + words).utf8)
        }
    }

    /// How messages in the file spell what can be done.
    private static let advices: [(advice: CLIPError.Advice, words: String)] = [
        (.allowTruncated, "; --allow-truncated decodes what is there"), (.raisePixelLimit, "; --max-pixels raises it"),
    ]
}

/// What tells cheaply that a file is still the same: its size, and when it was last changed.
struct FileIdentity: Equatable {
    var byteCount: Int
    /// A stamp of its times, negative; in older indexes nanoseconds since 1970. 0 when the file was changed so shortly
    /// before it was read that a later change could carry the same time.
    var modified: Int64
}

/// SHA-256 of a file's bytes.
struct ContentHash: Hashable {
    private let words: SIMD4<UInt64>

    /// - Parameter bytes: 32 of them.
    init(bytes: UnsafeRawBufferPointer) {
        words = SIMD4(bytes.field(0), bytes.field(8), bytes.field(16), bytes.field(24))
    }

    init(bytes: [UInt8]) { self = bytes.withUnsafeBytes { ContentHash(bytes: $0) } }

    /// Of a file that could not be read.
    static let none = ContentHash(bytes: [UInt8](repeating: 0, count: 32))

    var bytes: [UInt8] {
        (0..<4).flatMap { word in withUnsafeBytes(of: words[word].littleEndian) { Array($0) } }
    }

    /// Eight bytes of it: as good a number as any for a table.
    var prefix: UInt64 { words[0] }
}
