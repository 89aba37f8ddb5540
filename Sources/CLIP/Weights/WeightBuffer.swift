#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Memory for weights that were converted while they were loaded, aligned for any vector load.
final class WeightBuffer: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        bytes = .allocate(byteCount: byteCount, alignment: 64)
    }

    /// Has the system map the pages of `range`, which are about to be written.
    ///
    /// One by one, at the first write, that takes longer than packing. Large pages are no way out: a virtual machine's
    /// are the first that it gives back to its host, and it waits for them ten times as long.
    func populate(_ range: Range<Int>) {
        #if os(Linux)
        let page = Int(getpagesize())
        guard range.count >= page, let base = bytes.baseAddress else { return }
        let start = UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: base + range.lowerBound) & ~UInt(page - 1))
        let populateWrite: Int32 = 23
        // Linux before 5.14 doesn't know this advice; pages are then mapped when they are written.
        if let start { _ = madvise(start, base + range.upperBound - start, populateWrite) }
        #endif
    }

    deinit {
        bytes.deallocate()
    }
}
