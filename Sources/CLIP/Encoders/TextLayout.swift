/// Where the tokens of some texts lie among the rows of a transformer.
struct TextLayout {
    /// The tokens that have a part in a text's embedding, at least one, and the position that is read.
    struct Text {
        var tokens: ArraySlice<Int32>
        var position: Int
    }

    /// Whether what a text has in common with the beginning of the one before it is there once: in a causal transformer a
    /// token's state depends on the tokens before it alone.
    let sharesBeginnings: Bool
    private(set) var sequences: [TokenSequence] = []
    /// Per row its token, and where in the text it stands.
    private(set) var tokens: [(id: Int32, position: Int)] = []
    private var last: ArraySlice<Int32> = []

    /// One text.
    init(_ text: Text, sharesBeginnings: Bool) {
        self.sharesBeginnings = sharesBeginnings
        _ = append(text, limit: .max)
    }

    /// Adds a text unless there would be more than `limit` rows then.
    /// - Returns: whether it was.
    mutating func append(_ text: Text, limit: Int) -> Bool {
        let shared = sharesBeginnings ? zip(last, text.tokens).prefix { $0 == $1 }.count : 0
        let end = tokens.count + text.tokens.count - shared
        guard end <= limit else { return false }
        sequences.append(
            TokenSequence(tokens.count..<end, sharing: shared, of: sequences.last, pooled: text.position))
        for (position, token) in text.tokens.enumerated().dropFirst(shared) { tokens.append((token, position)) }
        last = text.tokens
        return true
    }
}
