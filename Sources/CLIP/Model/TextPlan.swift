internal import CLIPTokenizers

/// Which windows of tokens have to be encoded for some texts, each once, and which of them make up each text.
struct TextPlan: Sendable {
    /// Token ids with start and end, all different, those that begin alike side by side: the encoder then computes a
    /// common beginning once.
    private(set) var windows: [[Int32]] = []
    /// For each text the indices of its windows: one, or several of a long text in chunks.
    private var parts: [[Int]] = []

    init(_ texts: [String], _ loaded: LoadedModel, _ longText: LongText) throws(CLIPError) {
        // An encoder that is missing is the better message than a tokenizer that is.
        _ = try loaded.texts()
        let tokenizer = try loaded.textTokenizer()
        let configuration = loaded.store.info.configuration.text
        var indices: [[Int32]: Int] = [:]
        for text in texts {
            try checkCancellation()
            let tokens = tokenizer.tokenize(text)
            if let unknown = tokens.ids.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
                throw CLIPError(
                    .text,
                    "\"\(TextPlan.excerpt(text))\" has token \(unknown), the model knows \(configuration.vocabularySize): "
                        + "the tokenizer's files are of another model")
            }
            guard !tokens.ids.isEmpty || configuration.paddingToken != nil else {
                throw CLIPError(.text, "\"\(TextPlan.excerpt(text))\" has no tokens, expected at least one")
            }
            var own: [Int] = []
            for window in try TextPlan.windows(of: tokens, configuration.contextLength, longText) {
                let index = indices[window] ?? windows.count
                if index == windows.count {
                    indices[window] = index
                    windows.append(window)
                }
                own.append(index)
            }
            parts.append(own)
        }
        let order = windows.indices.sorted { windows[$0].lexicographicallyPrecedes(windows[$1]) }
        var places = order
        for (place, index) in order.enumerated() { places[index] = place }
        windows = order.map { windows[$0] }
        parts = parts.map { own in own.map { places[$0] } }
    }

    /// The texts' embeddings, given those of the windows.
    func embeddings(_ encoded: [Embedding], normalize: Bool) -> [Embedding] {
        parts.map { own in Embedding(meanOf: own.map { encoded[$0] }, normalize: normalize) }
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

    /// The beginning of a text, on one line.
    private static func excerpt(_ text: String) -> String {
        let words = text.unicodeScalars.prefix(120).map { $0.properties.generalCategory == .control ? " " : $0 }
        return String(String.UnicodeScalarView(words)) + (text.unicodeScalars.count > 120 ? "…" : "")
    }
}

extension LoadedModel {
    /// Embeds windows of tokens, not normalised.
    func embed(_ windows: ArraySlice<[Int32]>) throws(CLIPError) -> [Embedding] {
        try embeddings(try texts().embed(tokens: Array(windows), compute: compute))
    }
}
