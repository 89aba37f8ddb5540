/// The tokens that are looked for in a text, with the ids that the tokenizers library gives them.
struct AddedTokenList {
    private let vocabulary: PieceIndex
    private var ids: [[UInt8]: UInt32] = [:]
    private(set) var tokens: [UInt32: AddedToken] = [:]

    init(_ vocabulary: PieceIndex) { self.vocabulary = vocabulary }

    /// The id of a token by its text, whether added or a piece of the vocabulary.
    func id(_ content: String) -> UInt32? { ids[Array(content.utf8)] ?? vocabulary[content.utf8] }

    /// Adds tokens: one that the vocabulary has keeps its id, another gets the next. Of two that are alike the last counts.
    mutating func add(_ added: [SpecialTokens.Token]) {
        let size = UInt32(truncatingIfNeeded: vocabulary.count)
        var next = max(size, tokens.keys.max().map { $0 + 1 } ?? 0)
        for token in added where !token.content.isEmpty {
            let content = Array(token.content.utf8)
            let id = self.id(token.content) ?? next
            if id == next { next += 1 }
            ids[content] = id
            tokens[id] = AddedToken(id: id, content: content, options: token.options)
        }
    }
}
