import CLIP
import CLIPSystem

/// The index file as its one writer has it: locked, what an interrupted run left cut off, ready to be appended to.
///
/// A segment is on the disk before the next is begun, so that whatever ends the process or the machine costs no more than
/// the one that was being written.
final class IndexLog {
    let location: PathBytes
    /// Whether a file that was there had lost its end, to a run that was cut short or in copying.
    let wasCutShort: Bool
    private let file: OpenFile
    /// The file as it was when it was locked.
    private(set) var snapshot: IndexFile
    private var end: Int
    private var entryCount: Int
    private var isSealed: Bool
    /// Of the segments that were appended since then.
    private var appended: [SegmentHeader] = []

    /// Opens or makes the index at `path`.
    /// - Parameters:
    ///   - header: of an index that is new; nil when there must be one.
    ///   - waits: for another writer to end, rather than refuse.
    ///   - salvages: cuts off what is behind damage to the structure.
    convenience init(
        path location: PathBytes, header: IndexHeader?, waits: Bool, salvages: Bool = false
    ) throws(CLIPError) {
        try self.init(
            IndexLog.locked(location, creates: header != nil, waits: waits), header: header, salvages: salvages)
    }

    /// The same of a file that is open and locked.
    init(_ file: OpenFile, header: IndexHeader?, salvages: Bool = false) throws(CLIPError) {
        location = file.location
        self.file = file
        try IndexLog.begin(file, header)
        snapshot = try IndexFile(file, salvages: salvages)
        wasCutShort = !snapshot.isSealed && file.byteCount > IndexHeader.byteCount
        (end, entryCount, isSealed) = (snapshot.end, snapshot.entryCount, snapshot.isSealed)
        if file.byteCount > end {
            try checkIsWritable()
            try file.truncate(to: end)
            try file.sync()
        }
    }

    /// Whether it can be read alone: all is well then as long as there is nothing to write.
    var isReadOnly: Bool { file.isReadOnly }

    /// For messages.
    var path: String { location.text }

    var header: IndexHeader { snapshot.header }

    /// Appends a segment and waits until it is on the disk.
    /// - Returns: the number of its first entry.
    /// - Throws: when it can't be written. The file is then as it was before.
    @discardableResult
    func append(
        pictures: [(record: EntryRecord, vector: [UInt8])], failures: [EntryRecord] = [], removals: [Int] = []
    ) throws(CLIPError) -> Int {
        let first = entryCount
        guard !pictures.isEmpty || !failures.isEmpty || !removals.isEmpty else { return first }
        let segment = SegmentBody(
            pictures: pictures, failures: failures, removals: removals, firstEntry: first, offset: end,
            dimension: header.dimension, type: header.elementType)
        try write(segment.bytes)
        appended.append(segment.header)
        entryCount += pictures.count + failures.count
        isSealed = false
        return first
    }

    /// The stored bytes of the vector of an entry, of one too that was appended since the snapshot.
    func vectorBytes(_ entry: Int) throws(CLIPError) -> [UInt8] {
        guard entry >= snapshot.entryCount else { return snapshot.vectorBytes(entry) }
        var (low, high) = (0, appended.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if appended[middle].firstEntry <= entry { low = middle } else { high = middle }
        }
        let segment = appended[low]
        let (row, panelByteCount) = (entry - segment.firstEntry, 16 * header.dimension * header.elementType.byteCount)
        let panel = try file.read(
            at: segment.offset + SegmentHeader.byteCount + row / 16 * panelByteCount, count: panelByteCount)
        guard panel.count == panelByteCount else { throw file.failure("ends before what was just written to it") }
        return panel.withUnsafeBytes {
            SegmentBody.vector(row: row % 16, of: $0, dimension: header.dimension, header.elementType)
        }
    }

    /// Appends whence the pictures come, where the file says something else.
    func note(_ sources: IndexSources) throws(CLIPError) {
        guard sources != snapshot.sources else { return }
        try write(SegmentBody(sources, firstEntry: entryCount, offset: end).bytes)
        isSealed = false
    }

    /// Says in the file that the run came to its end. Nothing is written when nothing was.
    func seal() throws(CLIPError) {
        guard !isSealed else { return }
        try write(SegmentBody.seal(firstEntry: entryCount, offset: end))
        isSealed = true
    }

    /// The file as it is now.
    func reread() throws(CLIPError) -> IndexFile {
        guard end > snapshot.end else { return snapshot }
        snapshot = try IndexFile(file)
        appended = []
        return snapshot
    }

    /// - Throws: when there is something to write to a file that can be read alone.
    func checkIsWritable() throws(CLIPError) {
        guard file.isReadOnly else { return }
        throw CLIPError(
            .index, path: path,
            "can't be written, which bringing it up to date needs: make it writable, or index into a file elsewhere")
    }

    private func write(_ bytes: [UInt8]) throws(CLIPError) {
        try checkIsWritable()
        do throws(CLIPError) {
            try file.write(bytes, at: end)
            try file.sync()
        } catch {
            try? file.truncate(to: end)
            throw error.saying(
                "\(error.message): what was indexed before is kept, free space or repair the disk and run it again")
        }
        end += bytes.count
    }

    /// The file at `path`, locked. Another writer may have renamed a compacted file over the one that was waited for.
    private static func locked(_ path: PathBytes, creates: Bool, waits: Bool) throws(CLIPError) -> OpenFile {
        var tries = 0
        while true {
            let file = try opened(path, creates: creates)
            while try !file.lock() {
                // Who only reads looks at the lock too, for an instant.
                tries += 1
                guard waits || tries < 3 else {
                    throw CLIPError(
                        .index, path: path.text, "another process is writing this index", advice: .waitForWriter)
                }
                // The call that waits by itself can't be ended.
                try checkCancellation()
                usleep(20_000)
            }
            if file.isAtPath { return file }
        }
    }

    /// The file at `path`, if need be to be read alone.
    private static func opened(_ path: PathBytes, creates: Bool) throws(CLIPError) -> OpenFile {
        do throws(CLIPError) {
            return try OpenFile(path, O_RDWR | (creates ? O_CREAT : 0), kind: .index)
        } catch {
            guard let file = try? OpenFile(path, O_RDONLY, kind: .index) else { throw error }
            file.isReadOnly = true
            return file
        }
    }

    /// Writes the header of an index that has none yet.
    private static func begin(_ file: OpenFile, _ header: IndexHeader?) throws(CLIPError) {
        guard let header else { return }
        let start = try file.read(at: 0, count: IndexHeader.byteCount)
        let isCutShort = start.count < IndexHeader.byteCount
        guard isCutShort, start.prefix(8).elementsEqual(IndexHeader.magic.prefix(start.count)) else { return }
        try file.truncate(to: 0)
        try file.write(header.bytes, at: 0)
        try file.sync()
        try? file.location.folder.syncFolder()
    }
}
