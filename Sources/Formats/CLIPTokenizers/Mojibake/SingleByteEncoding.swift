/// An encoding with a byte for each character, as `MojibakeTables` has it.
struct SingleByteEncoding: Sendable {
    /// Of Latin-1 nil: its bytes are the characters' numbers.
    private let index: Int?

    /// In the order in which they are tried.
    static let all =
        [SingleByteEncoding(index: nil)] + MojibakeTables.encodings.indices.map(SingleByteEncoding.init(index:))
    static let windows1252 = SingleByteEncoding(index: MojibakeTables.windows1252)

    var isMacRoman: Bool { index == MojibakeTables.macRoman }
    /// Whether the bytes that Windows leaves free are the controls of Latin-1, and one stands for lost characters.
    var isSloppy: Bool { index.map { $0 < MojibakeTables.sloppyCount } ?? false }

    /// The bytes of a text; nil if it has characters that the encoding hasn't.
    func encode(_ text: [CanonicalComposition.Element]) -> [Mojibake.Byte]? {
        var bytes: [Mojibake.Byte] = []
        bytes.reserveCapacity(text.count)
        let table = index.map { SixBitTable(MojibakeTables.encodings[$0]) }
        for element in text {
            var byte = element.scalar
            if byte >= 0x80, let table {
                guard let row = table.row(of: UInt64(byte), keyLength: 4, rowLength: 6) else { return nil }
                byte = table.number(at: row + 4, count: 2)
            }
            // Where this byte stands for what got lost, it can't stand for itself.
            guard byte < 0x100, !isSloppy || element.scalar != 0x1A else { return nil }
            bytes.append(Mojibake.Byte(value: UInt8(byte), offset: element.offset))
        }
        return bytes
    }

    /// The character of a byte that is not ASCII.
    func decode(_ byte: UInt8) -> UInt32 {
        guard let index else { return UInt32(byte) }
        let table = SixBitTable(MojibakeTables.encodings[index])
        let row = stride(from: 0, to: table.count, by: 6).first { table.number(at: $0 + 4, count: 2) == UInt32(byte) }
        return row.map { table.number(at: $0, count: 4) } ?? UInt32(byte)
    }
}
