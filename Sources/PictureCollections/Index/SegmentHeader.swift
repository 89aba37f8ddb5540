/// The 64 bytes before each part of the log: FORMAT.md, "Segments".
struct SegmentHeader: Equatable {
    static let byteCount = 64
    private static let magic: UInt32 = 0x4753_4C43

    enum Kind: UInt32 {
        case pictures = 0
        /// Everything before it was synced: what is wrong there is damage, not an interrupted run.
        case seal = 1
        /// Whence the pictures come; the last one counts.
        case sources = 2
    }

    var kind: Kind
    /// Pictures that are recorded here, those that can't be read included.
    var entryCount: Int
    /// The first of the entries so many have a vector.
    var vectorCount: Int
    /// Earlier entries that hold no longer.
    var removalCount: Int
    var textByteCount: Int
    /// The number of entries in all segments before.
    var firstEntry: Int
    /// Where this header stands in the file.
    var offset: Int
    var removalChecksum: UInt32 = 0
    var bodyChecksum: UInt32 = 0

    /// Where the parts of a body of vectors with `dimension` values lie, in bytes from the end of the header.
    func layout(dimension: Int, _ type: VectorType) -> SegmentLayout {
        SegmentLayout(
            vectorCount: vectorCount, entryCount: entryCount, removalCount: removalCount,
            textByteCount: textByteCount, vectorPanelByteCount: 16 * dimension * type.byteCount)
    }

    var bytes: [UInt8] {
        var fields = ByteFields(count: SegmentHeader.byteCount)
        fields.set(SegmentHeader.magic, at: 0)
        fields.set(kind.rawValue, at: 4)
        fields.set(UInt32(entryCount), at: 8)
        fields.set(UInt32(vectorCount), at: 12)
        fields.set(UInt32(removalCount), at: 16)
        fields.set(UInt64(textByteCount), at: 24)
        fields.set(UInt64(firstEntry), at: 32)
        fields.set(UInt64(offset), at: 40)
        fields.set(removalChecksum, at: 48)
        fields.set(bodyChecksum, at: 52)
        fields.set(CRC32C.checksum(Array(fields.bytes[..<60])), at: 60)
        return fields.bytes
    }
}

extension SegmentHeader {
    /// Reads the header at the start of `bytes`, which holds at least 64.
    /// - Returns: nil when it is none, damaged, or not of the place `offset`.
    init?(_ bytes: UnsafeRawBufferPointer, offset: Int, firstEntry: Int) {
        guard bytes.field(0) == SegmentHeader.magic, CRC32C.checksum(bytes[part: 0..<60]) == bytes.field(60),
            let kind = Kind(rawValue: bytes.field(4)), bytes.field(40) == UInt64(offset),
            bytes.field(32) == UInt64(firstEntry), bytes.field(24, as: UInt64.self) < 1 << 48
        else { return nil }
        self.kind = kind
        entryCount = Int(bytes.field(8, as: UInt32.self))
        vectorCount = Int(bytes.field(12, as: UInt32.self))
        removalCount = Int(bytes.field(16, as: UInt32.self))
        textByteCount = Int(bytes.field(24, as: UInt64.self))
        self.firstEntry = firstEntry
        self.offset = offset
        removalChecksum = bytes.field(48)
        bodyChecksum = bytes.field(52)
        guard vectorCount <= entryCount else { return nil }
    }
}

/// Where the parts of a segment's body lie: vectors, entries, removals, texts, each from a multiple of 64 bytes on.
///
/// The counts are of 32 bits, the dimension of 17: sums can't overflow.
struct SegmentLayout: Equatable {
    let vectors: Range<Int>
    let entries: Range<Int>
    let removals: Range<Int>
    let texts: Range<Int>
    /// The length of the body, a multiple of 64.
    let byteCount: Int

    init(vectorCount: Int, entryCount: Int, removalCount: Int, textByteCount: Int, vectorPanelByteCount: Int) {
        func padded(_ count: Int) -> Int { (count + 63) / 64 * 64 }
        vectors = 0..<(vectorCount + 15) / 16 * vectorPanelByteCount
        let entriesStart = padded(vectors.upperBound)
        entries = entriesStart..<entriesStart + entryCount * EntryRecord.byteCount
        let removalsStart = padded(entries.upperBound)
        removals = removalsStart..<removalsStart + removalCount * 8
        let textsStart = padded(removals.upperBound)
        texts = textsStart..<textsStart + textByteCount
        byteCount = padded(texts.upperBound)
    }
}
