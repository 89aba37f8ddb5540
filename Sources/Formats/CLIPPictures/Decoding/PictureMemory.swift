internal import CLIPSystem

/// Black pixels, or zeros for other data of a picture's size.
func pictureMemory(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { memory, initializedCount in
        preferLargePages(memory)
        memory.initialize(repeating: 0)
        initializedCount = count
    }
}

private let largePage = 1 << 21

/// Asks for large pages where they are given on request (Linux): entering a picture's small pages one by one takes as
/// long as many a format's decoding.
func preferLargePages<Element>(_ memory: UnsafeMutableBufferPointer<Element>) {
    #if !canImport(Darwin)
    let memory = UnsafeMutableRawBufferPointer(memory)
    guard memory.count >= 2 * largePage, let start = memory.baseAddress else { return }
    let first = start.alignedUp(toMultipleOf: largePage)
    let end = (start + memory.count).alignedDown(toMultipleOf: largePage)
    // No more than a wish: without it everything works as before.
    _ = madvise(first, end - first, MADV_HUGEPAGE)
    #endif
}

/// Memory that is read for the last time, from front to back: what was read goes back to the system, though it stays
/// allocated.
struct ReleasedMemory {
    /// What begins here is still there.
    private var start: UnsafeMutableRawPointer

    init(from start: UnsafeMutableRawPointer) {
        // A large page goes as a whole or not at all.
        self.start = start.alignedUp(toMultipleOf: largePage)
    }

    /// - Parameter end: nothing before it is read again.
    mutating func release(upTo end: UnsafeMutableRawPointer) {
        let end = end.alignedDown(toMultipleOf: largePage)
        guard end > start else { return }
        #if canImport(Darwin)
        _ = madvise(start, end - start, MADV_FREE)
        #else
        _ = madvise(start, end - start, MADV_DONTNEED)
        #endif
        start = end
    }
}
