internal import CLIPTokenizers

extension CLIPModel {
    /// How many texts are encoded at once: enough that what they have in common costs little.
    private static let textBatchSize = 256

    /// The token ids of a text, start and end included, neither padded nor cut.
    /// - Throws: `CLIPError` of kind `.model` when the model has no text encoder, or its tokenizer can't be loaded.
    public func tokenize(_ text: String) throws(CLIPError) -> TokenizedText {
        let tokens = try loaded.textTokenizer().tokenize(text)
        return TokenizedText(tokens: tokens.ids.map { Int($0) }, pieces: tokens.pieces)
    }

    /// What the text encoder takes of a text: one list of at most `contextLength` tokens, or with `.chunk` one per
    /// window.
    /// - Throws: `CLIPError` of kind `.text` when the text is too long and `longText` is `.error`.
    public func tokenWindows(of text: String, longText: LongText = .truncate) throws(CLIPError) -> [TokenizedText] {
        let tokenizer = try loaded.textTokenizer()
        return try TextPlan.windows(of: tokenizer.tokenize(text), info.configuration.text.contextLength, longText).map {
            TokenizedText(tokens: $0.map { Int($0) }, pieces: $0.map(tokenizer.piece))
        }
    }

    /// Embeds one text.
    /// - Parameters:
    ///   - longText: what happens to a text of more tokens than the model's context.
    ///   - normalize: whether the result has length 1.
    /// - Throws: `CLIPError` of kind `.model` when the weights have no text encoder or are damaged; of kind `.text` when
    ///   the text is too long and `longText` is `.error`.
    public func embed(
        _ text: String, longText: LongText = .truncate, normalize: Bool = true
    ) throws(CLIPError) -> Embedding {
        try embed([text], longText: longText, normalize: normalize)[0]
    }

    /// Embeds one text, as `embed(_:longText:normalize:)` does, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func embedding(
        of text: String, longText: LongText = .truncate, normalize: Bool = true
    ) async throws(CLIPError) -> Embedding {
        try await withoutBlocking { () throws(CLIPError) in try embed(text, longText: longText, normalize: normalize) }
    }

    /// Embeds many texts, in batches. Equal texts are encoded once, and so is a beginning that texts have in common.
    /// - Returns: an embedding per text, in order. Each is bit-identical to what the text gives alone.
    /// - Throws: `CLIPError` as for one text.
    public func embed(
        _ texts: [String], longText: LongText = .truncate, normalize: Bool = true
    ) throws(CLIPError) -> [Embedding] {
        let plan = try TextPlan(texts, loaded, longText)
        var parts: [Embedding] = []
        for batch in batches(plan.windows) { parts += try loaded.embed(batch) }
        return plan.embeddings(parts, normalize: normalize)
    }

    /// Windows in the batches in which they are encoded.
    func batches(_ windows: [[Int32]]) -> [ArraySlice<[Int32]>] {
        stride(from: 0, to: windows.count, by: CLIPModel.textBatchSize).map { start in
            windows[start..<min(start + CLIPModel.textBatchSize, windows.count)]
        }
    }

    /// Embeds many texts, as `embed(_:longText:normalize:)` does, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func embeddings(
        of texts: [String], longText: LongText = .truncate, normalize: Bool = true
    ) async throws(CLIPError) -> [Embedding] {
        try await withoutBlocking { () throws(CLIPError) in try embed(texts, longText: longText, normalize: normalize) }
    }

    /// The words at the end of a text that `.truncate` would drop; nil when the text fits the context.
    /// - Throws: `CLIPError` as `tokenize`.
    public func droppedText(of text: String) throws(CLIPError) -> String? {
        let tokens = try loaded.textTokenizer().tokenize(text)
        return tokens.truncated(to: info.configuration.text.contextLength).droppedText
    }
}

/// A text as the text encoder takes it.
public struct TokenizedText: Sendable, Equatable {
    /// Token ids, from the start token to the end token.
    public let tokens: [Int]
    /// What each token stands for, e.g. `<|startoftext|>`, `a</w>`.
    public let pieces: [String]
}

/// What happens to a text of more tokens than the model's context.
public enum LongText: String, Sendable, CaseIterable {
    /// The text's end is dropped, the end token kept.
    case truncate
    /// A text that is too long is an error that says how many tokens it has and which words don't fit.
    case error
    /// The text is embedded in windows; the normalised embeddings are averaged, and normalised again.
    case chunk
}
