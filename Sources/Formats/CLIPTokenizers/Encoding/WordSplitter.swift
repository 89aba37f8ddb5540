/// Splits cleaned text into the words that are encoded one by one: contractions ('s 't 're 've 'm 'll 'd), runs of
/// letters, single numbers, runs of anything else that is no white space.
struct WordSplitter {
    /// Whether letters and numbers that Unicode got lately are such.
    let knowsNewer: Bool
    /// Whether contractions may be in capitals.
    let ignoresCase: Bool
    private let classes = ScalarClasses()

    init(knowsNewer: Bool, ignoresCase: Bool = false) {
        self.knowsNewer = knowsNewer
        self.ignoresCase = ignoresCase
    }

    @inline(__always)
    func kind(of scalar: UInt32) -> ScalarClass.Kind { classes[scalar].kind(knowsNewer: knowsNewer) }

    /// The end of the word that starts at `start`, which must not be white space.
    @inline(__always)
    func endOfWord(in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int {
        if let length = contraction(in: text, from: start, to: end) { return start + length }
        var offset = start
        let first = kind(of: text.scalar(at: &offset))
        if first == .number { return offset }
        while offset < end {
            var next = offset
            if kind(of: text.scalar(at: &next)) != first { break }
            offset = next
        }
        return offset
    }

    /// The length of the contraction that starts here.
    private func contraction(in text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) -> Int? {
        guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return nil }
        // Of bytes of ASCII letters alone this makes others that count.
        let mask: UInt8 = ignoresCase ? 0x20 : 0
        func letter(_ offset: Int) -> UInt8 { text[offset] < 0x80 ? text[offset] | mask : text[offset] }
        switch letter(start + 1) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"):
            return start + 2 < end && letter(start + 2) == UInt8(ascii: "e") ? 3 : nil
        case UInt8(ascii: "l"): return start + 2 < end && letter(start + 2) == UInt8(ascii: "l") ? 3 : nil
        // The long s is a small letter already, and an s to a pattern that ignores case.
        case 0xC5: return knowsNewer && start + 2 < end && text[start + 2] == 0xBF ? 3 : nil
        default: return nil
        }
    }
}
