/// Questions about the ends of a part of valid UTF-8.
enum UnicodeText {
    /// Where the white space that ends at `end` begins.
    static func startOfSpace(in text: UnsafeBufferPointer<UInt8>, before end: Int, downTo limit: Int) -> Int {
        var start = end
        while start > limit {
            let previous = text.start(ofScalarBefore: start)
            var offset = previous
            if !isSpace(text.scalar(at: &offset)) { break }
            start = previous
        }
        return start
    }

    /// Where the white space at the start of `range` ends.
    static func endOfSpace(in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Int {
        var end = range.lowerBound
        while end < range.upperBound {
            var next = end
            if !isSpace(text.scalar(at: &next)) { break }
            end = next
        }
        return end
    }

    static func startsWithWord(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        var offset = range.lowerBound
        return !range.isEmpty && ScalarRanges.word.contains(text.scalar(at: &offset))
    }

    static func endsInWord(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return false }
        var offset = text.start(ofScalarBefore: range.upperBound)
        return ScalarRanges.word.contains(text.scalar(at: &offset))
    }

    private static func isSpace(_ scalar: UInt32) -> Bool {
        ScalarClasses()[scalar].kind(knowsNewer: true) == .space
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The scalar at `offset`, which moves past it. The bytes must be whole, valid UTF-8.
    @inline(__always)
    func scalar(at offset: inout Int) -> UInt32 {
        let lead = UInt32(self[offset])
        guard lead >= 0x80 else {
            offset &+= 1
            return lead
        }
        let second = UInt32(self[offset &+ 1]) & 0x3F
        if lead < 0xE0 {
            offset &+= 2
            return (lead & 0x1F) << 6 | second
        }
        let third = UInt32(self[offset &+ 2]) & 0x3F
        if lead < 0xF0 {
            offset &+= 3
            return (lead & 0x0F) << 12 | second << 6 | third
        }
        let fourth = UInt32(self[offset &+ 3]) & 0x3F
        offset &+= 4
        return (lead & 0x07) << 18 | second << 12 | third << 6 | fourth
    }

    /// The scalars of a part of valid UTF-8, each with where it stands; of all of it by default.
    func elements(in range: Range<Int>? = nil) -> [CanonicalComposition.Element] {
        let range = range ?? 0..<count
        var elements: [CanonicalComposition.Element] = []
        elements.reserveCapacity(range.count)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let start = offset
            elements.append(.init(scalar: scalar(at: &offset), offset: start))
        }
        return elements
    }

    /// Where the scalar begins that ends right before `end`, which is not the start of the text.
    func start(ofScalarBefore end: Int) -> Int {
        var start = end - 1
        while self[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }
}
