import CLIPSystem

/// A file mapped read-only for as long as this object lives.
///
/// Nothing is read until its bytes are touched. Replace a mapped file by renaming another over it, as `AtomicFile`
/// does: one that is cut short in place raises SIGBUS in every process that maps it, and one that is written to in place
/// changes under its readers, which `checkUnchanged` tells.
package final class MappedFile: @unchecked Sendable {
    package let path: String
    /// The whole file, never empty. Valid while this object lives.
    package let bytes: UnsafeRawBufferPointer
    /// Whether the bytes are the file's own, which may be read again.
    private let isOfFile: Bool
    /// Kept open to ask for the file's state; −1 for memory.
    private let descriptor: Int32
    private let state: FileState?

    /// Maps the regular file at `path`.
    ///
    /// - Throws: if it is missing, unreadable, empty, or not a regular file.
    package init(path: String) throws(WeightsError) {
        let (descriptor, byteCount) = try openRegularFile(path)
        guard byteCount > 0 else {
            close(descriptor)
            throw WeightsError(path: path, problem: "is empty (0 bytes): fetch or copy it again")
        }
        guard let start = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
            let message = systemMessage()
            close(descriptor)
            throw WeightsError(path: path, problem: "\(byteCount) bytes can't be mapped: \(message)")
        }
        self.path = path
        self.descriptor = descriptor
        state = FileState(descriptor)
        isOfFile = true
        bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
        MappedRanges.add(bytes, path: path)
    }

    /// Memory that stands for a part of the file at `path` which has to be converted first.
    ///
    /// - Parameter fill: writes the `byteCount` bytes, which are zero.
    init(path: String, byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) throws(WeightsError) {
        let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard byteCount > 0, let start, start != MAP_FAILED else {
            throw WeightsError(path: path, problem: "\(byteCount) bytes of memory can't be had: \(systemMessage())")
        }
        fill(UnsafeMutableRawBufferPointer(start: start, count: byteCount))
        isOfFile = false
        descriptor = -1
        state = nil
        self.path = path
        bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
    }

    deinit {
        if isOfFile { MappedRanges.remove(bytes) }
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        if descriptor >= 0 { close(descriptor) }
    }

    /// Makes sure that nobody has written to the file since it was mapped. Another file renamed over it, or its removal,
    /// leaves the mapped one as it was.
    package func checkUnchanged() throws(WeightsError) {
        guard isOfFile, FileState(descriptor) != state else { return }
        throw WeightsError(
            path: path,
            problem:
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
    private let seconds: Int
    private let nanoseconds: Int

    /// - Returns: nil when the system doesn't say.
    init?(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        byteCount = Int(status.st_size)
        (seconds, nanoseconds) = (Int(time.tv_sec), Int(time.tv_nsec))
    }
}
