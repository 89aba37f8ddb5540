/// Text to token ids, by one model's rules.
package protocol Tokenizer: Sendable {
    /// The tokens before every text, and those after it.
    var startTokens: [Int32] { get }
    var endTokens: [Int32] { get }
    /// What fills a text up where a model wants all of one length; nil when the tokenizer's files don't say.
    var paddingToken: Int32? { get }
    /// One more than the largest token id.
    var vocabularySize: Int { get }

    /// The languages that a text can be said to be in, by the codes that their tokens spell; empty where texts don't begin
    /// with one.
    var languages: [String] { get }

    /// The same tokenizer for texts in a language; nil when it is none of `languages`.
    func reading(_ language: String) -> (any Tokenizer)?

    /// The token as the vocabulary spells it; empty if it has no such id.
    func piece(_ id: Int32) -> String

    /// The tokens of `text`, with those of its start and end, not truncated.
    ///
    /// Takes time in proportion to the length of the text, whatever is in it.
    func tokenize(_ text: String) -> Tokenization

    /// The compiled form, for a `.clip` file. The same vocabulary always gives the same bytes.
    func compiled() -> [UInt8]
}

extension Tokenizer {
    package var languages: [String] { [] }
    package func reading(_ language: String) -> (any Tokenizer)? { nil }
}

/// A text as tokens, with those of its start and end, neither cut nor padded.
package struct Tokenization: Sendable {
    package let text: String
    package let ids: [Int32]
    /// For each token between start and end, where in the text's UTF-8 its word begins.
    let wordOffsets: [Int]
    let tokenizer: any Tokenizer

    /// Each token as the vocabulary spells it.
    package var pieces: [String] { ids.map(tokenizer.piece) }

    /// Cuts to `contextLength` tokens, keeping the end token.
    ///
    /// - Returns: the ids, at most `contextLength`, and the part of the text, from the first word that lost a token on,
    ///   that they no longer say; nil if they say it all.
    package func truncated(to contextLength: Int) -> (ids: [Int32], droppedText: String?) {
        if ids.count <= contextLength { return (ids, nil) }
        let ends = tokenizer.endTokens.suffix(max(contextLength, 0))
        let kept = ids.prefix(contextLength - ends.count) + ends
        let room = contextLength - ends.count - tokenizer.startTokens.count
        guard room > 0 else { return (Array(kept), text) }
        return (Array(kept), String(decoding: text.utf8.dropFirst(wordOffsets[room]), as: UTF8.self))
    }

    /// Splits a long text into windows of at most `contextLength` tokens, each with start and end.
    ///
    /// A window ends between two words where it can: only a word that alone is longer than a window is cut.
    /// - Parameter contextLength: what leaves no room for a token of the text gives windows of one.
    package func chunks(contextLength: Int) -> [[Int32]] {
        let (starts, ends) = (tokenizer.startTokens, tokenizer.endTokens)
        let room = max(contextLength - starts.count - ends.count, 1)
        let body = ids.dropFirst(starts.count).dropLast(ends.count)
        var chunks: [[Int32]] = []
        var start = 0
        repeat {
            var end = min(start + room, body.count)
            if end < body.count, let boundary = (start + 1...end).last(where: { startsWord($0) }) { end = boundary }
            chunks.append(starts + Array(body.dropFirst(start).prefix(end - start)) + ends)
            start = end
        } while start < body.count
        return chunks
    }

    /// Whether the token at this index, start not counted, is the first of its word.
    private func startsWord(_ index: Int) -> Bool { wordOffsets[index] != wordOffsets[index - 1] }
}
