import Synchronization

/// A file mapped read-only for as long as this object lives.
///
/// Nothing is read until its bytes are touched. Replace a mapped file by renaming another over it, as `AtomicFile`
/// does: one that is cut short in place raises SIGBUS in every process that maps it, and one that is written to in place
/// changes under its readers, which `checkUnchanged` tells.
package final class MappedFile: @unchecked Sendable {
    package let location: PathBytes
    /// The mapped bytes, never empty. Valid while this object lives.
    package let bytes: UnsafeRawBufferPointer
    /// Whether the bytes are the file's own, which may be read again.
    private let isOfFile: Bool
    /// Kept open to ask for the file's state, which is that of when it was mapped.
    private let file: (open: OpenFile, state: FileState)?

    /// Maps the regular file at `path`.
    ///
    /// - Parameter kind: of the errors about it.
    /// - Throws: if it is missing, unreadable, empty, or not a regular file.
    package convenience init(_ location: PathBytes, kind: CLIPError.Kind) throws(CLIPError) {
        let file = try OpenFile(location, kind: kind)
        let status = try file.status()
        guard status.byteCount > 0 else { throw file.failure("is empty (0 bytes): fetch or copy it again") }
        try self.init(file, byteCount: status.byteCount, state: FileState(status))
    }

    /// Maps the beginning of an open file, which may be closed then.
    package convenience init(_ file: OpenFile, byteCount: Int) throws(CLIPError) {
        try self.init(file, byteCount: byteCount, state: nil)
    }

    private init(_ file: OpenFile, byteCount: Int, state: FileState?) throws(CLIPError) {
        guard let start = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, file.descriptor, 0), start != MAP_FAILED else {
            throw file.failure("\(byteCount) bytes can't be mapped: \(SystemError.last.message)")
        }
        location = file.location
        self.file = state.map { (file, $0) }
        isOfFile = true
        bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
        MappedRanges.add(bytes, path: location.text)
    }

    /// Memory that stands for a part of the file at `location` which has to be converted first.
    ///
    /// - Parameters:
    ///   - kind: of the errors about it.
    ///   - fill: writes the `byteCount` bytes, which are zero.
    package init(
        _ location: PathBytes, kind: CLIPError.Kind, byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws(CLIPError) {
        let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard byteCount > 0, let start, start != MAP_FAILED else {
            throw CLIPError(kind, path: location.text, "\(byteCount) bytes of memory can't be had", .last)
        }
        fill(UnsafeMutableRawBufferPointer(start: start, count: byteCount))
        isOfFile = false
        file = nil
        self.location = location
        bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
    }

    /// For messages.
    package var path: String { location.text }

    deinit {
        if isOfFile { MappedRanges.remove(bytes) }
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }

    /// Makes sure that nobody has written to the file since it was mapped. Another file renamed over it, or its removal,
    /// leaves the mapped one as it was.
    package func checkUnchanged() throws(CLIPError) {
        guard let file, (try? FileState(file.open.status())) != file.state else { return }
        throw file.open.failure(
            "was written to while it was in use: run this again, and replace a model by renaming another over it")
    }

    /// Gives back the memory of all pages touched so far; they come back from the file when they are touched again.
    package func releasePages() {
        guard isOfFile else { return }
        madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, MADV_DONTNEED)
    }

    /// Tells the system that the bytes in `range` are about to be read front to back.
    package func prefetch(_ range: Range<Int>) {
        let range = range.clamped(to: 0..<bytes.count)
        guard !range.isEmpty, let base = bytes.baseAddress else { return }
        // madvise wants a page boundary; the mapping itself starts on one.
        let start = range.lowerBound - range.lowerBound % Int(getpagesize())
        madvise(UnsafeMutableRawPointer(mutating: base + start), range.upperBound - start, MADV_WILLNEED)
    }
}

/// What changes when a file is written to. Renaming and linking change neither.
private struct FileState: Equatable {
    private let byteCount: Int
    private let modified: Int64

    init(_ status: FileStatus) { (byteCount, modified) = (status.byteCount, status.modified) }
}
