/// Memory of a fixed size that lives as long as this object, for loops that index it by numbers proven beforehand.
final class JPEGStorage<Element: BitwiseCopyable> {
    let base: UnsafeMutablePointer<Element>
    let count: Int

    init(repeating value: Element, count: Int) {
        base = .allocate(capacity: count)
        base.initialize(repeating: value, count: count)
        self.count = count
    }

    convenience init(_ elements: [Element], else value: Element) {
        self.init(repeating: value, count: elements.count)
        for (index, element) in elements.enumerated() { base[index] = element }
    }

    deinit { base.deallocate() }
}
