import CLIP
import CLIPSystem

/// The first 512 bytes of an index file: FORMAT.md, "Header".
struct IndexHeader: Equatable {
    static let byteCount = 512
    static let magic = Array("CLIPINDX".utf8)
    static let version: UInt32 = 1
    private static let longestName = 440

    let elementType: VectorType
    /// The number of values in a vector.
    let dimension: Int
    /// How pictures were read and fitted.
    let settings: PictureSettings
    /// 64 hexadecimal digits.
    let fingerprint: String
    /// What to call the model in messages.
    let modelName: String

    init(
        elementType: VectorType, dimension: Int, settings: PictureSettings, fingerprint: String, modelName: String
    ) {
        self.elementType = elementType
        self.dimension = dimension
        self.settings = settings
        self.fingerprint = fingerprint
        self.modelName = String(
            decoding: Array(modelName.utf8.suffix(IndexHeader.longestName)), as: Unicode.UTF8.self)
    }

    var bytes: [UInt8] {
        var fields = ByteFields(count: IndexHeader.byteCount)
        fields.set(IndexHeader.magic, at: 0)
        fields.set(IndexHeader.version, at: 8)
        fields.set(elementType.code, at: 12)
        fields.set(UInt32(dimension), at: 16)
        fields.set(settings.bits, at: 20)
        fields.set(hexadecimalBytes(fingerprint), at: 24)
        let name = Array(modelName.utf8.prefix(IndexHeader.longestName))
        fields.set(UInt32(name.count), at: 56)
        fields.set(name, at: 64)
        fields.set(CRC32C.checksum(Array(fields.bytes[..<508])), at: 508)
        return fields.bytes
    }

    /// Reads a header.
    /// - Parameter path: of the index, for errors.
    /// - Throws: why `bytes` is none.
    init(_ bytes: [UInt8], path: String) throws(CLIPError) {
        self = try bytes.withUnsafeBufferPointer { bytes throws(CLIPError) in
            try IndexHeader(UnsafeRawBufferPointer(bytes), path)
        }
    }

    private init(_ bytes: UnsafeRawBufferPointer, _ path: String) throws(CLIPError) {
        func fault(_ message: String, advice: CLIPError.Advice? = nil) -> CLIPError {
            CLIPError(.index, path: path, message, advice: advice)
        }
        guard bytes.prefix(8).elementsEqual(IndexHeader.magic) else {
            throw fault("is not an index of pictures: make one", advice: .makeIndex)
        }
        guard bytes.count >= IndexHeader.byteCount else {
            throw fault(
                "has \(bytes.count) bytes, expected a header of \(IndexHeader.byteCount): its first run was cut short, "
                    + "delete it and index again")
        }
        let version = bytes.field(8, as: UInt32.self)
        guard CRC32C.checksum(bytes[part: 0..<508]) == bytes.field(508) else {
            throw fault("the header's checksum is wrong: the file is damaged, delete it and index again")
        }
        guard version == IndexHeader.version else {
            throw fault(
                "is an index of format version \(version), this program reads version \(IndexHeader.version)")
        }
        let (dimension, nameLength) = (bytes.field(16, as: UInt32.self), bytes.field(56, as: UInt32.self))
        guard let elementType = VectorType(code: bytes.field(12)), (1...65536).contains(dimension),
            nameLength <= IndexHeader.longestName, let settings = PictureSettings(bits: bytes.field(20))
        else {
            throw fault("the header makes no sense: another program wrote it, delete it and index again")
        }
        self.elementType = elementType
        self.dimension = Int(dimension)
        self.settings = settings
        fingerprint = hexadecimal(bytes[24..<56])
        modelName = String(decoding: bytes[64..<64 + Int(nameLength)], as: Unicode.UTF8.self)
    }
}

/// The 32 bytes that 64 hexadecimal digits stand for; what is none of them counts as zero.
func hexadecimalBytes(_ text: String) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 32)
    for (index, character) in text.prefix(64).enumerated() {
        bytes[index / 2] |= UInt8(character.hexDigitValue ?? 0) << (index % 2 == 0 ? 4 : 0)
    }
    return bytes
}
