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
    /// Where the scalar begins that ends right before `end`, which is not the start of the text.
    func start(ofScalarBefore end: Int) -> Int {
        var start = end - 1
        while self[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }
}
