internal import CLIPThreads
internal import CLIPTokenizers

extension CLIPModel {
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
    ///   - text: the text.
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
        try loaded.embed(texts: try loaded.windows(of: texts, longText), normalize: normalize)
    }

    /// Embeds many texts, as `embed(_:longText:normalize:)` does, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func embeddings(
        of texts: [String], longText: LongText = .truncate, normalize: Bool = true
    ) async throws(CLIPError) -> [Embedding] {
        try await withoutBlocking { () throws(CLIPError) in try embed(texts, longText: longText, normalize: normalize) }
    }

    /// Embeds texts one batch after another, in order and in constant memory.
    /// - Parameters:
    ///   - texts: taken as they are needed.
    ///   - longText: what happens to a text of more tokens than the model's context.
    ///   - normalize: whether the results have length 1.
    ///   - batchSize: how many texts are encoded at once, at least 1. What texts of a batch have in common is encoded once.
    ///   - body: called once per text, in order, on the caller's thread. A text that can't be embedded brings its error, and
    ///     the rest goes on. What `body` throws ends the run.
    /// - Throws: `CLIPError` of kind `.model` when the weights have no text encoder or are damaged; what `body` throws.
    public func embedEach(
        _ texts: some Sequence<String>, longText: LongText = .truncate, normalize: Bool = true, batchSize: Int = 256,
        _ body: (String, Result<Embedding, CLIPError>) throws -> Void
    ) throws {
        guard batchSize > 0 else { throw CLIPError(.argument, "a batch of \(batchSize) texts, expected at least 1") }
        try loaded.checkHasTextParts()
        try preparation(longText: longText).forEachBatch(of: texts, size: batchSize) { texts, windows in
            let results = try loaded.embed(texts: windows, normalize: normalize)
            for (text, result) in zip(texts, results) { try body(text, result) }
        }
    }

    /// The embeddings of texts that are encoded together, or why one has none.
    /// - Throws: what is wrong with the model rather than with a text.
    package func embeddingResults(
        of texts: [String], longText: LongText, normalize: Bool = true
    ) throws(CLIPError) -> [Result<Embedding, CLIPError>] {
        try loaded.checkHasTextParts()
        let windows = preparation(longText: longText).start(texts, Cancellation.ofCaller()).outputs()
        return try loaded.embed(texts: windows, normalize: normalize)
    }

    /// The embeddings of texts that come in the course of time, in order.
    ///
    /// What has come by the time that the encoder is free is encoded at once, up to a batch: a text doesn't wait for others.
    /// Texts are taken at most three batches ahead of the results; whoever makes them is held up until then.
    /// - Parameters:
    ///   - texts: a sequence that can fail is made one that can't by ending it where it fails.
    ///   - longText: what happens to a text of more tokens than the model's context.
    ///   - normalize: whether the results have length 1.
    ///   - batchSize: how many texts are encoded at once at most, at least 1.
    /// - Returns: each text with its embedding, or with why there is none. The sequence throws `CLIPError` of kind `.model`
    ///   when the weights have no text encoder or are damaged, of kind `.cancelled` once the task that reads it is cancelled.
    public func embeddings<Texts: AsyncSequence<String, Never> & Sendable>(
        of texts: Texts, longText: LongText = .truncate, normalize: Bool = true, batchSize: Int = 256
    ) -> some AsyncSequence<(input: String, result: Result<Embedding, CLIPError>), CLIPError> & Sendable {
        EmbeddingSequence(
            inputs: texts, fillsBatches: false, batchSize: max(1, batchSize),
            preparation: preparation(longText: longText)
        ) { [loaded] (batch) throws(CLIPError) in
            try loaded.checkHasTextParts()
            return try loaded.embed(texts: batch, normalize: normalize)
        }
    }

    /// Makes tokens of texts, in order, of the next batch while the last is encoded.
    private func preparation(longText: LongText) -> OrderedBatches<String, Result<[[Int32]], CLIPError>> {
        OrderedBatches(threads: threads) { [loaded] text, _ in
            Result { () throws(CLIPError) in try loaded.windows(of: text, longText) }
        }
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
