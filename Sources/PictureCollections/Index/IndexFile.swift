import CLIP
import CLIPSystem
import CLIPCompute

/// An index file as it was when it was opened: mapped, its segments found, and which entries hold.
///
/// Only headers and lists of removals are read: 64 bytes a segment and 8 a removal. What was appended later is not seen;
/// the bytes that are mapped never change nor go away, since a compacted file is another file under the same name.
final class IndexFile: Sendable {
    /// One part of the log.
    struct Segment: Sendable {
        let header: SegmentHeader
        let layout: SegmentLayout
        /// Valid while the file lives.
        nonisolated(unsafe) let body: UnsafeRawBufferPointer

        var entries: Range<Int> { header.firstEntry..<header.firstEntry + header.entryCount }
        var texts: UnsafeRawBufferPointer { body[part: layout.texts] }

        func entryBytes(_ ordinal: Int) -> UnsafeRawBufferPointer {
            let start = layout.entries.lowerBound + (ordinal - header.firstEntry) * EntryRecord.byteCount
            return body[part: start..<start + EntryRecord.byteCount]
        }
    }

    let location: PathBytes
    let header: IndexHeader
    /// Those that hold entries or removals.
    let segments: [Segment]
    let live: LiveEntries
    /// Entries of all segments, those that hold no longer included.
    let entryCount: Int
    /// Where the next segment goes.
    let end: Int
    /// Whether the last run came to its end.
    let isSealed: Bool
    /// Whence its pictures come; nil where it doesn't say.
    let sources: IndexSources?
    /// Bytes behind the last whole segment: what a run was writing when it was cut short.
    let tornByteCount: Int
    private let mapping: MappedFile

    /// The file to be read. While a run goes on it is as it was when the one before ended, if there was one.
    convenience init(path: PathBytes) throws(CLIPError) {
        try self.init(try OpenFile(path, O_RDONLY, kind: .index), isForReading: true)
    }

    /// - Parameters:
    ///   - salvages: take what comes before damage to the structure, rather than refuse the file.
    ///   - isForReading: leave out what a run that still goes on has written.
    init(_ file: OpenFile, salvages: Bool = false, isForReading: Bool = false) throws(CLIPError) {
        location = file.location
        let start = try file.read(at: 0, count: IndexHeader.byteCount)
        guard !start.isEmpty else {
            throw CLIPError(.index, path: file.path, "is empty: its first run was cut short, index again")
        }
        header = try IndexHeader(start, path: file.path)
        var log = LogWalk(file, header: header)
        try log.run(salvages: salvages)
        if isForReading, !log.isSealed, let end = log.sealedEnd, file.isLocked {
            log = LogWalk(file, header: header, end: end)
            try log.run(salvages: false)
        }
        (end, isSealed, entryCount) = (log.end, log.isSealed, log.entryCount)
        tornByteCount = log.byteCount - log.end
        live = log.live
        sources = log.sources
        mapping = try MappedFile(file, byteCount: log.end)
        let bytes = mapping.bytes
        segments = log.segments.map { header, layout in
            let start = header.offset + SegmentHeader.byteCount
            return Segment(header: header, layout: layout, body: bytes[part: start..<start + layout.byteCount])
        }
    }

    /// For messages.
    var path: String { location.text }

    /// The segment that holds entry `ordinal`. O(log segments).
    func segment(of ordinal: Int) -> Segment {
        var (low, high) = (0, segments.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if segments[middle].header.firstEntry <= ordinal { low = middle } else { high = middle }
        }
        // A segment of removals alone begins at the same entry as the next.
        while ordinal >= segments[low].entries.upperBound { low += 1 }
        return segments[low]
    }

    /// The vectors of a segment, nil when it has none.
    func vectors(of segment: Segment) -> PanelPackedMatrix? {
        guard segment.header.vectorCount > 0 else { return nil }
        return PanelPackedMatrix(
            inputs: header.dimension, outputs: segment.header.vectorCount,
            elementType: header.elementType == .float16 ? .float16 : .float32,
            bytes: segment.body[part: segment.layout.vectors], owner: mapping)
    }

    /// What is recorded of entry `ordinal`; nil when it is damaged.
    func record(_ ordinal: Int) -> EntryRecord? {
        let segment = segment(of: ordinal)
        return EntryRecord(segment.entryBytes(ordinal), texts: segment.texts)
    }

    /// The name of entry `ordinal`, its checksum not looked at; nil when its place can't be.
    func withName<Result>(_ ordinal: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        let segment = segment(of: ordinal)
        let bytes = segment.entryBytes(ordinal)
        guard let text = EntryRecord.text(of: bytes, in: segment.texts) else { return nil }
        return body(text[part: 0..<Int(bytes.field(56, as: UInt32.self))])
    }

    /// The hash of the contents of entry `ordinal`, its checksum not looked at.
    func contentHash(_ ordinal: Int) -> ContentHash {
        ContentHash(bytes: segment(of: ordinal).entryBytes(ordinal)[part: 16..<48])
    }

    /// Whether entry `ordinal` has a vector.
    func hasVector(_ ordinal: Int) -> Bool {
        let header = segment(of: ordinal).header
        return ordinal - header.firstEntry < header.vectorCount
    }

    /// The stored bytes of the vector of entry `ordinal`, its values one after another.
    func vectorBytes(_ ordinal: Int) -> [UInt8] {
        let segment = segment(of: ordinal)
        return SegmentBody.vector(
            row: ordinal - segment.header.firstEntry, of: segment.body, dimension: header.dimension, header.elementType)
    }

    /// The values of the vector of entry `ordinal`.
    func vector(_ ordinal: Int) -> [Float] { header.elementType.values(vectorBytes(ordinal)) }
}
