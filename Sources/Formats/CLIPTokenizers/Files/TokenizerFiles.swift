/// The files of a tokenizer in the Hugging Face layout, as bytes. Either `tokenizerJSON`, or vocabulary and merges.
package struct TokenizerFiles {
    /// tokenizer.json: counts before vocab.json and merges.txt, as in transformers.
    package var tokenizerJSON: [UInt8]?
    /// vocab.json: an object, piece to id.
    package var vocabulary: [UInt8]?
    /// merges.txt: a pair of pieces a line, the first to be made first.
    package var merges: [UInt8]?
    /// tokenizer_config.json: names the special tokens, may bring added ones.
    package var configuration: [UInt8]?
    /// special_tokens_map.json: the same of older models.
    package var specialTokensMap: [UInt8]?
    /// added_tokens.json: the same of older models, an object, content to id.
    package var addedTokens: [UInt8]?

    /// spiece.model: a SentencePiece model, in place of all but `configuration`.
    package var sentencePiece: [UInt8]?
    /// vocab.txt: BERT's vocabulary, in place of all but `configuration`.
    package var wordPieces: [UInt8]?

    /// `model_type` and `tokenizer_class` of config.json, which say whose rules count where tokenizer_config.json doesn't.
    package var modelType: String?
    package var modelConfigurationClass: String?

    package init(
        tokenizerJSON: [UInt8]? = nil, vocabulary: [UInt8]? = nil, merges: [UInt8]? = nil,
        configuration: [UInt8]? = nil, specialTokensMap: [UInt8]? = nil, addedTokens: [UInt8]? = nil,
        sentencePiece: [UInt8]? = nil, wordPieces: [UInt8]? = nil
    ) {
        self.tokenizerJSON = tokenizerJSON
        self.vocabulary = vocabulary
        self.merges = merges
        self.configuration = configuration
        self.specialTokensMap = specialTokensMap
        self.addedTokens = addedTokens
        self.sentencePiece = sentencePiece
        self.wordPieces = wordPieces
    }
}
