import CLIP
import CLIPSystem

/// What rewriting an index left out besides what held no longer.
struct CompactionResult {
    /// Entries that were damaged: their pictures are embedded again by the next run.
    var damagedCount = 0
}

extension IndexLog {
    /// Whether a rewritten file would be read noticeably faster or be noticeably smaller: many small segments, or more
    /// than a quarter of what was once recorded holds no longer.
    var isWorthCompacting: Bool {
        guard !isReadOnly else { return false }
        let live = snapshot.live.vectorCount + snapshot.live.failureCount
        return snapshot.segments.count > 256 || snapshot.entryCount - live > max(1024, live / 3)
    }

    /// Writes what holds to a new file, as one segment, and renames it over the old one, where a link to it leads. Whoever
    /// has the old one open keeps it as it was. Nothing may be appended afterwards.
    ///
    /// - Parameter relocation: other names of what is in a folder.
    /// - Complexity: O(file size); memory O(1) but for a panel of vectors.
    func compact(_ relocation: IndexRelocation? = nil) throws(CLIPError) -> CompactionResult {
        try checkIsWritable()
        let place: PathBytes
        do throws(SystemError) {
            place = try location.resolved()
        } catch {
            throw CLIPError(.index, path: path, "can't be found", error)
        }
        let temporary = PathBytes(place.bytes + Array(".new".utf8))
        // Left by a run that was killed: the lock says that it is nobody's.
        try? temporary.remove()
        let target = try OpenFile(temporary, O_RDWR | O_CREAT | O_TRUNC, kind: .index)
        do throws(CLIPError) {
            var writer = CompactedFile(snapshot, target, relocation)
            try writer.write()
            try target.sync()
            do throws(SystemError) {
                try temporary.rename(to: place)
            } catch {
                throw CLIPError(.index, path: path, "can't be replaced", error)
            }
            try? place.folder.syncFolder()
            return writer.result
        } catch {
            try? temporary.remove()
            if error.kind == .cancelled { throw error }
            throw error.saying("\(error.message): the index is as it was before").at(path)
        }
    }
}

/// Writes the entries of an index that hold, vectors first.
private struct CompactedFile {
    private let source: IndexFile
    private let target: OpenFile
    private let relocation: IndexRelocation?
    private(set) var result = CompactionResult()
    private var position = 0
    private var buffer: [UInt8] = []
    private var sum = CRC32C()

    init(_ source: IndexFile, _ target: OpenFile, _ relocation: IndexRelocation?) {
        self.source = source
        self.target = target
        self.relocation = relocation
    }

    mutating func write() throws(CLIPError) {
        let live = try intactEntries()
        let texts = live.reduce(0) { $0 + textByteCount(of: $1) }
        var header = SegmentHeader(
            kind: .pictures, entryCount: live.count, vectorCount: live.count { source.hasVector($0) },
            removalCount: 0, textByteCount: texts, firstEntry: 0, offset: IndexHeader.byteCount)
        try put(source.header.bytes)
        if !live.isEmpty {
            try flush()
            position += SegmentHeader.byteCount
            sum = CRC32C()
            try writeBody(header, live)
            header.bodyChecksum = sum.value
            try target.write(header.bytes, at: IndexHeader.byteCount)
        }
        if let sources = source.sources {
            let sources = relocation?.sources(sources) ?? sources
            try put(SegmentBody(sources, firstEntry: live.count, offset: position + buffer.count).bytes)
        }
        try put(SegmentBody.seal(firstEntry: live.count, offset: position + buffer.count))
        try flush()
    }

    private mutating func writeBody(_ header: SegmentHeader, _ live: [Int]) throws(CLIPError) {
        let (dimension, type) = (source.header.dimension, source.header.elementType)
        let layout = header.layout(dimension: dimension, type)
        let start = position
        for first in stride(from: 0, to: header.vectorCount, by: 16) {
            try checkCancellation()
            var panel = [UInt8](repeating: 0, count: 16 * dimension * type.byteCount)
            for row in first..<min(first + 16, header.vectorCount) {
                SegmentBody.place(source.vectorBytes(live[row]), row: row - first, in: &panel, type)
            }
            try put(panel)
        }
        try pad(to: start + layout.entries.lowerBound)
        var text = 0
        for ordinal in live {
            guard let record = record(ordinal) else { continue }
            try put(record.bytes(textOffset: text))
            text += record.name.count + record.message.count
        }
        try pad(to: start + layout.texts.lowerBound)
        for ordinal in live {
            guard let record = record(ordinal) else { continue }
            try put(record.name + record.message)
        }
        try pad(to: start + layout.byteCount)
        try flush()
    }

    /// The entries that hold and are not damaged, those with a vector first.
    private mutating func intactEntries() throws(CLIPError) -> [Int] {
        var (vectors, failures): ([Int], [Int]) = ([], [])
        for segment in source.segments {
            for ordinal in segment.entries where source.live.contains(ordinal) {
                try checkCancellation()
                let hasVector = ordinal - segment.header.firstEntry < segment.header.vectorCount
                guard let record = source.record(ordinal),
                    !hasVector || CRC32C.checksum(source.vectorBytes(ordinal)) == record.vectorChecksum
                else {
                    result.damagedCount += 1
                    continue
                }
                guard self.record(ordinal) != nil else { continue }
                if hasVector { vectors.append(ordinal) } else { failures.append(ordinal) }
            }
        }
        return vectors + failures
    }

    /// What is recorded of an entry, under the name that it has from now on; nil of one that has none.
    private func record(_ ordinal: Int) -> EntryRecord? {
        guard let relocation else { return source.record(ordinal) }
        guard var record = source.record(ordinal), let name = relocation.name(of: record) else { return nil }
        record.name = name
        return record
    }

    private func textByteCount(of ordinal: Int) -> Int {
        record(ordinal).map { $0.name.count + $0.message.count } ?? 0
    }

    private mutating func put(_ bytes: [UInt8]) throws(CLIPError) {
        buffer += bytes
        if buffer.count >= 1 << 20 { try flush() }
    }

    private mutating func pad(to end: Int) throws(CLIPError) {
        try put([UInt8](repeating: 0, count: end - position - buffer.count))
    }

    private mutating func flush() throws(CLIPError) {
        buffer.withUnsafeBytes { sum.update($0) }
        try target.write(buffer, at: position)
        position += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }
}
