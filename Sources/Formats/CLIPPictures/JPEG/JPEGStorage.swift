/// Memory of a fixed size that lives as long as this object, for loops that index it by numbers proven beforehand.
final class JPEGStorage<Element: BitwiseCopyable> {
    let base: UnsafeMutablePointer<Element>
    let count: Int

    init(repeating value: Element, count: Int) {
        base = .allocate(capacity: count)
        preferLargePages(UnsafeMutableBufferPointer(start: base, count: count))
        base.initialize(repeating: value, count: count)
        self.count = count
    }

    init(_ elements: [Element]) {
        base = .allocate(capacity: elements.count)
        count = elements.count
        _ = UnsafeMutableBufferPointer(start: base, count: count).initialize(from: elements)
    }

    deinit { base.deallocate() }
}
