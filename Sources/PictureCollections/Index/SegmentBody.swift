/// The body of a segment that is small enough to be made in memory.
struct SegmentBody {
    let header: SegmentHeader
    private let body: [UInt8]

    /// Header and body.
    var bytes: [UInt8] { header.bytes + body }

    /// - Parameters:
    ///   - pictures: entries that have a vector, with its stored bytes.
    ///   - failures: entries that have none.
    ///   - removals: earlier entries that hold no longer.
    init(
        pictures: [(record: EntryRecord, vector: [UInt8])], failures: [EntryRecord], removals: [Int],
        firstEntry: Int, offset: Int, dimension: Int, type: VectorType
    ) {
        var records = pictures.map { picture in
            var record = picture.record
            record.vectorChecksum = CRC32C.checksum(picture.vector)
            return record
        }
        records += failures
        var header = SegmentHeader(
            kind: .pictures, entryCount: records.count, vectorCount: pictures.count, removalCount: removals.count,
            textByteCount: records.reduce(0) { $0 + $1.name.count + $1.message.count }, firstEntry: firstEntry,
            offset: offset)
        let layout = header.layout(dimension: dimension, type)
        var body = [UInt8](repeating: 0, count: layout.byteCount)
        for (row, picture) in pictures.enumerated() {
            SegmentBody.place(picture.vector, row: row, in: &body, type)
        }
        var text = 0
        for (index, record) in records.enumerated() {
            let start = layout.entries.lowerBound + index * EntryRecord.byteCount
            body.replaceSubrange(start..<start + EntryRecord.byteCount, with: record.bytes(textOffset: text))
            for part in [record.name, record.message] {
                let start = layout.texts.lowerBound + text
                body.replaceSubrange(start..<start + part.count, with: part)
                text += part.count
            }
        }
        for (index, ordinal) in removals.enumerated() {
            withUnsafeBytes(of: UInt64(ordinal).littleEndian) {
                let start = layout.removals.lowerBound + 8 * index
                body.replaceSubrange(start..<start + 8, with: $0)
            }
        }
        header.removalChecksum = CRC32C.checksum(Array(body[layout.removals]))
        header.bodyChecksum = CRC32C.checksum(body)
        self.header = header
        self.body = body
    }

    /// Puts a vector into its lane of the panel that holds row `row`: `[row / 16][column][row % 16]`.
    static func place(_ vector: [UInt8], row: Int, in panels: inout [UInt8], _ type: VectorType) {
        panels.withUnsafeMutableBytes { place(vector, row: row, in: $0, type) }
    }

    static func place(_ vector: [UInt8], row: Int, in panels: UnsafeMutableRawBufferPointer, _ type: VectorType) {
        let width = type.byteCount
        let start = row / 16 * 16 * vector.count + row % 16 * width
        precondition(start + 16 * (vector.count - width) + width <= panels.count)
        for column in 0..<vector.count / width {
            for byte in 0..<width { panels[start + column * 16 * width + byte] = vector[column * width + byte] }
        }
    }

    /// The stored bytes of the vector in lane `row` of `panels`, its values one after another.
    static func vector(
        row: Int, of panels: UnsafeRawBufferPointer, dimension: Int, _ type: VectorType
    ) -> [UInt8] {
        let width = type.byteCount
        let start = row / 16 * 16 * dimension * width + row % 16 * width
        return [UInt8](unsafeUninitializedCapacity: dimension * width) { target, count in
            count = dimension * width
            for column in 0..<dimension {
                for byte in 0..<width {
                    target[column * width + byte] = panels[start + column * 16 * width + byte]
                }
            }
        }
    }

    /// A segment that says whence the pictures come.
    init(_ sources: IndexSources, firstEntry: Int, offset: Int) {
        let text = sources.bytes
        var header = SegmentHeader(
            kind: .sources, entryCount: 0, vectorCount: 0, removalCount: 0, textByteCount: text.count,
            firstEntry: firstEntry, offset: offset)
        body = text + [UInt8](repeating: 0, count: (64 - text.count % 64) % 64)
        header.removalChecksum = CRC32C.checksum([])
        header.bodyChecksum = CRC32C.checksum(body)
        self.header = header
    }

    /// A segment that says: everything before was synced.
    static func seal(firstEntry: Int, offset: Int) -> [UInt8] {
        SegmentHeader(
            kind: .seal, entryCount: 0, vectorCount: 0, removalCount: 0, textByteCount: 0, firstEntry: firstEntry,
            offset: offset
        ).bytes
    }
}
