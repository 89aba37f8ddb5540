#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Black pixels, or zeros for other data of a picture's size.
func pictureMemory(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { memory, initializedCount in
        preferLargePages(memory)
        memory.initialize(repeating: 0)
        initializedCount = count
    }
}

/// Asks for large pages where they are given on request (Linux): entering a picture's small pages one by one takes as
/// long as many a format's decoding.
func preferLargePages(_ memory: UnsafeMutableBufferPointer<UInt8>) {
    #if os(Linux)
    let page = 1 << 21
    guard memory.count >= 2 * page, let start = UnsafeMutableRawPointer(memory.baseAddress) else { return }
    let first = start.alignedUp(toMultipleOf: page)
    let end = (start + memory.count).alignedDown(toMultipleOf: page)
    // No more than a wish: without it everything works as before.
    _ = madvise(first, end - first, MADV_HUGEPAGE)
    #endif
}
