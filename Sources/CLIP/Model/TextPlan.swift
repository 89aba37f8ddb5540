internal import CLIPTokenizers

/// Which windows of tokens have to be encoded for some texts, each once, and which of them make up each text.
struct TextPlan: Sendable {
    /// Token ids with start and end, all different, those that begin alike side by side: the encoder then computes a
    /// common beginning once.
    private(set) var windows: [[Int32]] = []
    /// For each text the indices of its windows: one, or several of a long text in chunks.
    private var parts: [[Int]] = []

    /// - Parameter texts: the windows of each text.
    init(_ texts: [[[Int32]]]) {
        var indices: [[Int32]: Int] = [:]
        for text in texts {
            parts.append(
                text.map { window in
                    let index = indices[window] ?? windows.count
                    if index == windows.count {
                        indices[window] = index
                        windows.append(window)
                    }
                    return index
                })
        }
        let order = windows.indices.sorted { windows[$0].lexicographicallyPrecedes(windows[$1]) }
        var places = order
        for (place, index) in order.enumerated() { places[index] = place }
        windows = order.map { windows[$0] }
        parts = parts.map { own in own.map { places[$0] } }
    }

    /// The windows of one text: one, unless it is long and goes in chunks.
    static func windows(
        of tokens: Tokenization, _ contextLength: Int, _ longText: LongText
    ) throws(CLIPError) -> [[Int32]] {
        guard tokens.ids.count > contextLength else { return [tokens.ids] }
        switch longText {
        // Start and end alone leave a window no room for the text.
        case .chunk where contextLength > 2: return tokens.chunks(contextLength: contextLength)
        case .truncate, .chunk: return [tokens.truncated(to: contextLength).ids]
        case .error:
            let dropped = tokens.truncated(to: contextLength).droppedText ?? ""
            throw CLIPError(
                .text,
                "the text has \(tokens.ids.count) tokens, the model takes \(contextLength): shorten it by "
                    + "\"\(excerpt(dropped))\", or choose to truncate or chunk it")
        }
    }

    /// How many windows are encoded at once: enough that what they have in common costs little.
    static let batchSize = 256

    /// The windows in the batches in which they are encoded.
    var batches: [ArraySlice<[Int32]>] {
        stride(from: 0, to: windows.count, by: TextPlan.batchSize).map { start in
            windows[start..<min(start + TextPlan.batchSize, windows.count)]
        }
    }

    /// The texts' embeddings, given those of the windows.
    func embeddings(_ encoded: [Embedding], normalize: Bool) -> [Embedding] {
        parts.map { own in Embedding(meanOf: own.map { encoded[$0] }, normalize: normalize) }
    }

    /// The beginning of a text, on one line.
    fileprivate static func excerpt(_ text: String) -> String {
        let words = text.unicodeScalars.prefix(120).map { $0.properties.generalCategory == .control ? " " : $0 }
        return String(String.UnicodeScalarView(words)) + (text.unicodeScalars.count > 120 ? "…" : "")
    }
}

extension LoadedModel {
    /// What is encoded of each text.
    /// - Throws: what is wrong with the model, or with the first text that can't be embedded.
    func windows(of texts: [String], _ longText: LongText) throws(CLIPError) -> [[[Int32]]] {
        try checkHasTextParts()
        var all: [[[Int32]]] = []
        all.reserveCapacity(texts.count)
        for text in texts { all.append(try windows(of: text, longText)) }
        return all
    }

    /// Makes sure that the model embeds texts. An encoder that is missing is the better message than a tokenizer that is.
    func checkHasTextParts() throws(CLIPError) {
        _ = try texts()
        _ = try textTokenizer()
    }

    /// The windows of tokens of one text: one, unless it is long and goes in chunks.
    func windows(of text: String, _ longText: LongText) throws(CLIPError) -> [[Int32]] {
        try checkCancellation()
        let tokens = try textTokenizer().tokenize(text)
        let configuration = store.info.configuration.text
        if let unknown = tokens.ids.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
            throw CLIPError(
                .text,
                "\"\(TextPlan.excerpt(text))\" has token \(unknown), the model knows \(configuration.vocabularySize): "
                    + "the tokenizer's files are of another model")
        }
        guard !tokens.ids.isEmpty || configuration.paddingToken != nil else {
            throw CLIPError(.text, "\"\(TextPlan.excerpt(text))\" has no tokens, expected at least one")
        }
        return try TextPlan.windows(of: tokens, configuration.contextLength, longText)
    }

    /// Embeds texts by their windows, in batches.
    /// - Returns: an embedding per text; that of several windows is the mean of theirs at length 1.
    func embed(texts: [[[Int32]]], normalize: Bool) throws(CLIPError) -> [Embedding] {
        let plan = TextPlan(texts)
        var encoded: [Embedding] = []
        for batch in plan.batches { encoded += try embed(batch) }
        return plan.embeddings(encoded, normalize: normalize)
    }

    /// Embeds the texts of a batch that could be prepared.
    func embed(
        texts batch: [Result<[[Int32]], CLIPError>], normalize: Bool
    ) throws(CLIPError) -> [Result<Embedding, CLIPError>] {
        // A text that was not prepared for this reason says nothing of itself.
        try checkCancellation()
        var embeddings = try embed(texts: batch.compactMap { try? $0.get() }, normalize: normalize).makeIterator()
        return batch.map { result in result.map { _ in embeddings.next() ?? Embedding(values: []) } }
    }

    /// Embeds windows of tokens, not normalised.
    private func embed(_ windows: ArraySlice<[Int32]>) throws(CLIPError) -> [Embedding] {
        try embeddings(try texts().embed(tokens: Array(windows), compute: compute))
    }
}
