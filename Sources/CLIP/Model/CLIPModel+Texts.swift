extension CLIPModel {
    /// The token ids of a text, start and end included, neither padded nor cut.
    public func tokenize(_ text: String) throws(CLIPError) -> TokenizedText { throw notYet }

    /// What the text encoder takes of a text: one list of at most `contextLength` tokens, or with `.chunk` one per
    /// window.
    /// - Throws: `CLIPError` of kind `.text` when the text is too long and `longText` is `.error`.
    public func tokenWindows(of text: String, longText: LongText = .truncate) throws(CLIPError) -> [TokenizedText] {
        throw notYet
    }

    /// Embeds one text.
    /// - Parameters:
    ///   - longText: what happens to a text of more tokens than the model's context.
    ///   - normalize: whether the result has length 1.
    public func embed(
        _ text: String, longText: LongText = .truncate, normalize: Bool = true
    ) throws(CLIPError) -> Embedding { throw notYet }

    /// Embeds many texts, in batches. Equal texts are encoded once.
    /// - Returns: an embedding per text, in order. Each is bit-identical to what the text gives alone.
    public func embed(
        _ texts: [String], longText: LongText = .truncate, normalize: Bool = true
    ) throws(CLIPError) -> [Embedding] { throw notYet }

    /// Embeds many texts without blocking the caller's executor.
    /// - Throws: `CancellationError` between batches once the task is cancelled, else `CLIPError`.
    public func embed(
        _ texts: [String], longText: LongText = .truncate, normalize: Bool = true
    ) async throws -> [Embedding] { throw notYet }

    /// The words at the end of a text that `.truncate` would drop; nil when the text fits the context.
    public func droppedText(of text: String) throws(CLIPError) -> String? { throw notYet }
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
    /// Its end is dropped, the end token kept.
    case truncate
    /// It is an error that says how many tokens it has and which words don't fit.
    case error
    /// It is embedded in windows; the normalised embeddings are averaged, and normalised again.
    case chunk
}
