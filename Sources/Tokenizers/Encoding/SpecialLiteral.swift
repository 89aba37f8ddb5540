/// The start or end token, spelled out in cleaned text: the reference's pattern takes it for one word.
struct SpecialLiteral {
    let isStart: Bool
    /// In bytes.
    let count: Int
    /// False if a long s stands for an s: the pattern ignores case, the vocabulary doesn't.
    let isExact: Bool

    private static let openAI: [StaticString] = ["<|startoftext|>", "<|endoftext|>"]
    private static let openCLIP: [StaticString] = ["<start_of_text>", "<end_of_text>"]

    /// Nil if none starts at the start of `range`.
    init?(in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, cleaning: TextCleaning) {
        let spellings = cleaning == .openCLIP ? SpecialLiteral.openCLIP : SpecialLiteral.openAI
        for (index, spelling) in spellings.enumerated() {
            let count = SpecialLiteral.match(spelling, text, range, takesLongS: cleaning != .transformers)
            guard let count else { continue }
            isStart = index == 0
            self.count = count
            isExact = count == spelling.utf8CodeUnitCount
            return
        }
        return nil
    }

    private static func match(
        _ spelling: StaticString, _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, takesLongS: Bool
    ) -> Int? {
        var offset = range.lowerBound
        for place in 0..<spelling.utf8CodeUnitCount {
            guard offset < range.upperBound else { return nil }
            let expected = spelling.utf8Start[place]
            if text[offset] == expected {
                offset += 1
            } else if takesLongS, expected == UInt8(ascii: "s"), offset + 1 < range.upperBound, text[offset] == 0xC5,
                text[offset + 1] == 0xBF
            {
                offset += 2
            } else {
                return nil
            }
        }
        return offset - range.lowerBound
    }
}
