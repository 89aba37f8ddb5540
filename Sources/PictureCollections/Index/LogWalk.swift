import CLIP
import CLIPSystem

/// Finds the segments of a log and what a run that was cut short left at its end.
struct LogWalk {
    private let file: OpenFile
    private let header: IndexHeader
    let byteCount: Int
    private(set) var segments: [(SegmentHeader, SegmentLayout)] = []
    private(set) var live = LiveEntries()
    private(set) var entryCount = 0
    private(set) var end = IndexHeader.byteCount
    private(set) var isSealed = false
    /// Where the last run that came to its end ended.
    private(set) var sealedEnd: Int?
    /// The last segment of sources.
    private(set) var sources: IndexSources?

    /// - Parameter end: takes what comes behind for not there.
    init(_ file: OpenFile, header: IndexHeader, end: Int = .max) {
        self.file = file
        self.header = header
        byteCount = min(end, file.byteCount)
    }

    /// - Throws: when the structure is damaged, unless `salvages`: then it ends there.
    mutating func run(salvages: Bool) throws(CLIPError) {
        do throws(CLIPError) {
            while try step() {}
        } catch {
            guard salvages else { throw error }
            isSealed = false
        }
        for (segment, layout) in segments { live.add(segment, layout) }
        for (segment, layout) in segments where segment.removalCount > 0 {
            for ordinal in try removals(segment, layout) { live.remove(ordinal) }
        }
    }

    /// Takes the next segment.
    /// - Returns: false after the last whole one.
    private mutating func step() throws(CLIPError) -> Bool {
        guard byteCount - end >= SegmentHeader.byteCount else { return false }
        let bytes = try file.read(at: end, count: SegmentHeader.byteCount)
        guard bytes.count == SegmentHeader.byteCount else { return false }
        // Zeros: the file grew, but its power went before the data came.
        guard bytes.contains(where: { $0 != 0 }) else { return false }
        let segment = bytes.withUnsafeBytes { SegmentHeader($0, offset: end, firstEntry: entryCount) }
        guard let segment else {
            throw CLIPError(
                .index, path: file.path,
                "the segment at byte \(end) of \(byteCount) is damaged: the \(entryCount) records before it are intact",
                advice: .salvageIndex)
        }
        let layout = segment.layout(dimension: header.dimension, header.elementType)
        guard layout.byteCount <= byteCount - end - SegmentHeader.byteCount else { return false }
        let next = end + SegmentHeader.byteCount + layout.byteCount
        // A segment that ends the file without a seal may be one whose data never came to the disk.
        if segment.kind != .seal, next == byteCount || byteCount - next < SegmentHeader.byteCount {
            guard try checksum(segment, layout) == segment.bodyChecksum else { return false }
        }
        isSealed = segment.kind == .seal && next == byteCount
        end = next
        if segment.kind == .seal { sealedEnd = end }
        if segment.kind == .sources { sources = try text(segment, layout) }
        if segment.kind == .pictures {
            _ = try removals(segment, layout)
            segments.append((segment, layout))
            entryCount += segment.entryCount
        }
        return true
    }

    /// What a segment of sources says.
    private func text(_ segment: SegmentHeader, _ layout: SegmentLayout) throws(CLIPError) -> IndexSources? {
        guard segment.textByteCount <= 1 << 24, try checksum(segment, layout) == segment.bodyChecksum else {
            return nil
        }
        let start = segment.offset + SegmentHeader.byteCount + layout.texts.lowerBound
        return IndexSources(try file.read(at: start, count: segment.textByteCount))
    }

    /// The entries that a segment removes, all of them earlier ones.
    private func removals(_ segment: SegmentHeader, _ layout: SegmentLayout) throws(CLIPError) -> [Int] {
        guard segment.removalCount > 0 else { return [] }
        let start = segment.offset + SegmentHeader.byteCount + layout.removals.lowerBound
        let bytes = try file.read(at: start, count: layout.removals.count)
        let ordinals = bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - 7, by: 8).map { bytes.field($0, as: UInt64.self) }
        }
        guard CRC32C.checksum(bytes) == segment.removalChecksum,
            ordinals.allSatisfy({ $0 < UInt64(segment.firstEntry) })
        else {
            throw CLIPError(
                .index, path: file.path,
                "the list of removals in the segment at byte \(segment.offset) is damaged: the records before it are intact",
                advice: .salvageIndex)
        }
        return ordinals.map { Int($0) }
    }

    private func checksum(_ segment: SegmentHeader, _ layout: SegmentLayout) throws(CLIPError) -> UInt32 {
        var sum = CRC32C()
        let start = segment.offset + SegmentHeader.byteCount
        for offset in stride(from: 0, to: layout.byteCount, by: 1 << 20) {
            let bytes = try file.read(at: start + offset, count: min(1 << 20, layout.byteCount - offset))
            bytes.withUnsafeBytes { sum.update($0) }
        }
        return sum.value
    }
}

/// Which entries of a log hold: one bit each.
struct LiveEntries: Sendable {
    private var words: [UInt64] = []
    /// Pictures with a vector.
    private(set) var vectorCount = 0
    /// Pictures that could not be read.
    private(set) var failureCount = 0
    private var segments: [(first: Int, vectorEnd: Int)] = []

    /// Counts the entries of the next segment.
    mutating func add(_ segment: SegmentHeader, _ layout: SegmentLayout) {
        let end = segment.firstEntry + segment.entryCount
        if words.count * 64 < end {
            words += [UInt64](repeating: 0, count: (end + 63) / 64 - words.count)
        }
        for ordinal in segment.firstEntry..<end { words[ordinal >> 6] |= 1 << UInt64(ordinal & 63) }
        vectorCount += segment.vectorCount
        failureCount += segment.entryCount - segment.vectorCount
        if segment.entryCount > 0 {
            segments.append((segment.firstEntry, segment.firstEntry + segment.vectorCount))
        }
    }

    mutating func remove(_ ordinal: Int) {
        guard contains(ordinal) else { return }
        words[ordinal >> 6] &= ~(1 << UInt64(ordinal & 63))
        if hasVector(ordinal) { vectorCount -= 1 } else { failureCount -= 1 }
    }

    @inline(__always)
    func contains(_ ordinal: Int) -> Bool {
        ordinal >> 6 < words.count && words[ordinal >> 6] >> UInt64(ordinal & 63) & 1 == 1
    }

    private func hasVector(_ ordinal: Int) -> Bool {
        var (low, high) = (0, segments.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if segments[middle].first <= ordinal { low = middle } else { high = middle }
        }
        return ordinal < segments[low].vectorEnd
    }
}
