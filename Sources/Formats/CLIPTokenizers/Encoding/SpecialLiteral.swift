/// The start or end token, or one that open_clip has beside them, spelled out in cleaned text: the reference's pattern
/// takes it for one word.
struct SpecialLiteral: Sendable {
    /// In bytes.
    let count: Int
    /// Nil if case differs, or a long s stands for an s: the pattern ignores case, the vocabulary doesn't.
    let token: UInt32?

    /// A token and how texts spell it.
    struct Spelling: Sendable {
        var bytes: [UInt8]
        var token: UInt32
    }

    /// Those that a tokenizer knows, in the order in which its pattern tries them.
    static func spellings(_ layout: FlatLayout, _ addedTokens: [AddedToken]) -> [Spelling] {
        let isOpenCLIP = layout.cleaning != .transformers && layout.cleaning != .openAI
        let names = isOpenCLIP ? ["<start_of_text>", "<end_of_text>"] : ["<|startoftext|>", "<|endoftext|>"]
        let own = zip(names, [layout.startToken, layout.endToken]).map { Spelling(bytes: Array($0.utf8), token: $1) }
        guard isOpenCLIP else { return own }
        return own
            + addedTokens.filter { $0.id > layout.endToken }.sorted { $0.id < $1.id }
            .map { Spelling(bytes: $0.content, token: $0.id) }
    }

    /// Nil if none starts at the start of `range`.
    /// - Parameter ignoresCase: whether the pattern does.
    init?(
        _ spellings: [Spelling], in text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, ignoresCase: Bool
    ) {
        for spelling in spellings {
            guard let (count, isExact) = SpecialLiteral.match(spelling.bytes, text, range, ignoresCase) else {
                continue
            }
            self.count = count
            token = isExact ? spelling.token : nil
            return
        }
        return nil
    }

    private static func match(
        _ spelling: [UInt8], _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ ignoresCase: Bool
    ) -> (count: Int, isExact: Bool)? {
        var offset = range.lowerBound
        var isExact = true
        for expected in spelling {
            guard offset < range.upperBound else { return nil }
            if text[offset] == expected {
                offset += 1
                continue
            }
            guard ignoresCase, case let letter = expected | 0x20, letter &- 0x61 < 26 else { return nil }
            isExact = false
            let rest = UnsafeBufferPointer(rebasing: text[offset..<range.upperBound])
            if text[offset] | 0x20 == letter {
                offset += 1
            } else if letter == UInt8(ascii: "s"), rest.starts(with: [0xC5, 0xBF]) {
                offset += 2
            } else if letter == UInt8(ascii: "k"), rest.starts(with: [0xE2, 0x84, 0xAA]) {
                offset += 3
            } else {
                return nil
            }
        }
        return (offset - range.lowerBound, isExact)
    }
}
