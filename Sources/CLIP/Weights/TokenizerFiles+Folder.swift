internal import Tokenizers
internal import Weights

extension TokenizerFiles {
    /// The files of a model folder that a tokenizer is made from.
    static let names = [
        "tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json",
    ]

    /// CLIP's own vocabulary, which models that bring no tokenizer files use.
    private static let builtInSize = 49408

    /// Loads a folder's tokenizer: tokenizer.json, else vocab.json and merges.txt, else CLIP's own.
    /// - Throws: `CLIPError` when there is none, it is damaged, or it is not this model's.
    static func load(
        from folder: ModelFolder, configuration: TextConfiguration
    ) throws(CLIPError) -> BytePairTokenizer {
        let kind = kind(in: folder, vocabularySize: configuration.vocabularySize)
        guard let kind else {
            throw CLIPError(
                .model, path: folder.path,
                "has neither tokenizer.json nor vocab.json and merges.txt, and its vocabulary of "
                    + "\(configuration.vocabularySize) tokens is not CLIP's own: fetch the tokenizer's files")
        }
        let tokenizer: BytePairTokenizer
        switch kind {
        case .builtIn: tokenizer = .builtIn(cleaning: .transformers)
        case .json, .vocabulary:
            let isJSON = kind == .json
            let files = TokenizerFiles(
                tokenizerJSON: isJSON ? try folder.text("tokenizer.json") : nil,
                vocabulary: isJSON ? nil : try folder.text("vocab.json"),
                merges: isJSON ? nil : try folder.text("merges.txt"),
                configuration: try folder.text("tokenizer_config.json"),
                specialTokensMap: try folder.text("special_tokens_map.json"),
                addedTokens: try folder.text("added_tokens.json"))
            do {
                tokenizer = try BytePairTokenizer(files)
            } catch {
                throw CLIPError(.model, path: folder.path(of: error.file), error.problem)
            }
        }
        try tokenizer.check(fits: configuration, path: folder.path)
        return tokenizer
    }

    /// Which tokenizer a folder's model uses.
    static func setting(in folder: ModelFolder, vocabularySize: Int) -> ModelSetting {
        switch kind(in: folder, vocabularySize: vocabularySize) {
        case .json: ModelSetting(name: "tokenizer", value: "byte-level BPE", source: "tokenizer.json")
        case .vocabulary: ModelSetting(name: "tokenizer", value: "byte-level BPE", source: "vocab.json, merges.txt")
        case .builtIn:
            ModelSetting(
                name: "tokenizer", value: "CLIP's own", source: "default",
                warning: "the folder brings none: token ids are wrong if the model was trained with another")
        case nil:
            ModelSetting(
                name: "tokenizer", value: "none", source: "default", warning: "texts can't be embedded without one")
        }
    }

    private enum Kind { case json, vocabulary, builtIn }

    private static func kind(in folder: ModelFolder, vocabularySize: Int) -> Kind? {
        if folder.contains("tokenizer.json") { return .json }
        if folder.contains("vocab.json") && folder.contains("merges.txt") { return .vocabulary }
        return vocabularySize == builtInSize ? .builtIn : nil
    }
}

extension BytePairTokenizer {
    /// Checks that texts begin and end with tokens that the encoder knows.
    func check(fits configuration: TextConfiguration, path: String) throws(CLIPError) {
        guard max(startToken, endToken) < configuration.vocabularySize else {
            throw CLIPError(
                .model, path: path,
                "the tokenizer's start and end tokens are \(startToken) and \(endToken), the model has "
                    + "\(configuration.vocabularySize) tokens: they are not of one model, fetch both again")
        }
        if case .firstToken(let token) = configuration.pooling, token != Int(endToken) {
            throw CLIPError(
                .model, path: path,
                "the tokenizer ends texts with token \(endToken), the configuration looks for \(token) "
                    + "(eos_token_id): mend whichever is wrong")
        }
    }
}
