/// A text as tokens, with start and end, neither cut nor padded.
package struct Tokenization: Sendable {
    package let text: String
    package let ids: [Int32]
    /// For each token between start and end, where in the text's UTF-8 its word begins.
    let wordOffsets: [Int]
    let tokenizer: BytePairTokenizer

    /// Each token as the vocabulary spells it: bytes as GPT-2's printable characters, `</w>` at a word's end.
    package var pieces: [String] { ids.map(tokenizer.piece) }

    /// Cuts to `contextLength` tokens, keeping the end token.
    ///
    /// - Returns: the ids, at most `contextLength`, and the part of the text, from the first word that lost a token on,
    ///   that they no longer say; nil if they say it all.
    package func truncated(to contextLength: Int) -> (ids: [Int32], droppedText: String?) {
        if ids.count <= contextLength { return (ids, nil) }
        guard contextLength > 0 else { return ([], text) }
        let kept = Array(ids.prefix(contextLength - 1)) + [tokenizer.endToken]
        guard contextLength > 2 else { return (kept, text) }
        let start = wordOffsets[contextLength - 2]
        return (kept, String(decoding: text.utf8.dropFirst(start), as: UTF8.self))
    }

    /// Splits a long text into windows of at most `contextLength` tokens, each with start and end.
    ///
    /// A window ends between two words where it can: only a word that alone is longer than a window is cut.
    /// - Parameter contextLength: at least 3; less leaves no room for a token of the text.
    package func chunks(contextLength: Int) -> [[Int32]] {
        let room = max(contextLength - 2, 1)
        let body = ids.dropFirst().dropLast()
        var chunks: [[Int32]] = []
        var start = 0
        repeat {
            var end = min(start + room, body.count)
            if end < body.count, let boundary = (start + 1...end).last(where: { startsWord($0) }) { end = boundary }
            let window = body[body.startIndex + start..<body.startIndex + end]
            chunks.append([tokenizer.startToken] + window + [tokenizer.endToken])
            start = end
        } while start < body.count
        return chunks
    }

    /// Whether the token at this index, start not counted, is the first of its word.
    private func startsWord(_ index: Int) -> Bool { wordOffsets[index] != wordOffsets[index - 1] }
}
