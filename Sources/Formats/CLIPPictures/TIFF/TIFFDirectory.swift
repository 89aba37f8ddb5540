/// The first directory of a TIFF file: numbers by tag (TIFF 6.0, section 2; BigTIFF).
struct TIFFDirectory {
    let isLittleEndian: Bool
    private let isBig: Bool
    private let bytes: [UInt8]
    /// Of each tag: its type, how many numbers it has, and where they are.
    private var entries: [Int: (type: Int, count: Int, offset: Int)] = [:]

    static func recognises(_ bytes: [UInt8]) -> Bool {
        // Canon's raw files have a mark of their own after a TIFF header.
        let isCanonRaw = bytes.count >= 10 && bytes[8..<10].elementsEqual("CR".utf8)
        let headers: [[UInt8]] = [
            [0x49, 0x49, 0x2A, 0], [0x4D, 0x4D, 0, 0x2A], [0x49, 0x49, 0x2B, 0], [0x4D, 0x4D, 0, 0x2B],
        ]
        return !isCanonRaw && headers.contains { bytes.starts(with: $0) }
    }

    init(_ bytes: [UInt8], format: String) throws(PictureError) {
        self.bytes = bytes
        isLittleEndian = bytes.first == 0x49
        isBig = bytes.count >= 4 && bytes[isLittleEndian ? 2 : 3] == 0x2B
        func truncated(_ problem: String) -> PictureError {
            .truncated(format: format, offset: bytes.count, problem: problem)
        }
        let offsetSize = isBig ? 8 : 4
        guard let start = number(at: isBig ? 8 : 4, size: offsetSize) else { throw truncated("inside its header") }
        let countSize = isBig ? 8 : 2
        guard let count = number(at: start, size: countSize) else {
            throw truncated("its header says that the directory begins at byte \(start)")
        }
        let entrySize = 4 + 2 * offsetSize
        guard count > 0, count <= 65535 else {
            throw .malformed(format: format, offset: start, problem: "the directory has \(count) entries")
        }
        for index in 0..<count {
            let at = start + countSize + index * entrySize
            guard let tag = number(at: at, size: 2), let type = number(at: at + 2, size: 2),
                let length = number(at: at + 4, size: offsetSize)
            else { break }
            guard let size = TIFFDirectory.sizes[type], length > 0, length <= bytes.count / size else { continue }
            let valueAt = at + 4 + offsetSize
            let offset = length * size <= offsetSize ? valueAt : number(at: valueAt, size: offsetSize)
            guard let offset, offset <= bytes.count - length * size, entries[tag] == nil else { continue }
            entries[tag] = (type, length, offset)
        }
    }

    /// Bytes of a number of each type that counts here: BYTE, SHORT, LONG, undefined bytes, LONG8, IFD8.
    private static let sizes = [1: 1, 3: 2, 4: 4, 7: 1, 16: 8, 18: 8]

    private func number(at offset: Int, size: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - size else { return nil }
        var value: UInt64 = 0
        for index in 0..<size {
            value = value << 8 | UInt64(bytes[offset + (isLittleEndian ? size - 1 - index : index)])
        }
        // Nothing in a file that fits memory is farther away.
        return value < 1 << 62 ? Int(value) : nil
    }

    /// All numbers of a tag; nil when it is not there.
    func numbers(_ tag: Int) -> [Int]? {
        guard let entry = entries[tag], let size = TIFFDirectory.sizes[entry.type] else { return nil }
        return (0..<entry.count).map { number(at: entry.offset + $0 * size, size: size) ?? 0 }
    }

    /// The first number of a tag.
    func number(_ tag: Int) -> Int? {
        guard let entry = entries[tag], let size = TIFFDirectory.sizes[entry.type] else { return nil }
        return number(at: entry.offset, size: size)
    }

    /// EXIF orientation, 1…8; nil where there is none.
    var orientation: Int? { exifOrientation(bytes[...]) }

    /// The bytes of a tag as they are.
    func bytes(_ tag: Int) -> ArraySlice<UInt8>? {
        guard let entry = entries[tag], let size = TIFFDirectory.sizes[entry.type] else { return nil }
        return bytes[entry.offset..<entry.offset + entry.count * size]
    }
}
