internal import Tokenizers
internal import Weights

extension TokenizerFiles {
    /// The files of a model folder that a tokenizer is made from.
    static let names = [
        "tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "spiece.model",
    ]

    /// CLIP's own vocabulary, which models that bring no tokenizer files use.
    private static let builtInSize = 49408

    /// Loads a folder's tokenizer: of a SigLIP spiece.model; else tokenizer.json, else vocab.json and merges.txt, else
    /// CLIP's own.
    /// - Throws: `CLIPError` when there is none, it is damaged, or it is not this model's.
    static func load(
        from folder: ModelFolder, configuration: TextConfiguration, family: ModelFamily = .clip
    ) throws(CLIPError) -> any Tokenizer {
        let kind = kind(in: folder, vocabularySize: configuration.vocabularySize, family)
        guard let kind else {
            throw CLIPError(
                .model, path: folder.path,
                family == .siglip
                    ? "has neither spiece.model nor tokenizer.json: fetch the tokenizer's files"
                    : "has neither tokenizer.json nor vocab.json and merges.txt, and its vocabulary of "
                        + "\(configuration.vocabularySize) tokens is not CLIP's own: fetch the tokenizer's files")
        }
        let tokenizer: any Tokenizer
        do {
            switch kind {
            case .builtIn: tokenizer = BytePairTokenizer.builtIn(cleaning: .transformers)
            case .sentencePiece:
                tokenizer = try SentencePieceTokenizer(
                    siglip: TokenizerFiles(
                        configuration: try folder.text("tokenizer_config.json"),
                        sentencePiece: try folder.readText("spiece.model")))
            case .json, .vocabulary:
                let isJSON = kind == .json
                let files = TokenizerFiles(
                    tokenizerJSON: isJSON ? try folder.text("tokenizer.json") : nil,
                    vocabulary: isJSON ? nil : try folder.text("vocab.json"),
                    merges: isJSON ? nil : try folder.text("merges.txt"),
                    configuration: try folder.text("tokenizer_config.json"),
                    specialTokensMap: try folder.text("special_tokens_map.json"),
                    addedTokens: try folder.text("added_tokens.json"))
                tokenizer = try loadTokenizer(files, isLowercased: family == .siglip)
            }
        } catch let error as TokenizerError {
            throw CLIPError(.model, path: folder.path(of: error.file), error.problem)
        } catch let error as WeightsError {
            throw CLIPError(error)
        } catch let error as CLIPError {
            throw error
        } catch {
            throw CLIPError(.model, path: folder.path, "\(error)")
        }
        try tokenizer.check(fits: configuration, path: folder.path)
        return tokenizer
    }

    /// Which tokenizer a folder's model uses.
    static func setting(in folder: ModelFolder, _ configuration: ModelConfiguration) -> ModelSetting {
        let kind = kind(
            in: folder, vocabularySize: configuration.text.vocabularySize, configuration.family)
        switch kind {
        case .sentencePiece:
            return ModelSetting(name: "tokenizer", value: "SentencePiece unigram", source: "spiece.model")
        case .json:
            let value = configuration.family == .siglip ? "as described, lower-cased" : "byte-level BPE"
            return ModelSetting(name: "tokenizer", value: value, source: "tokenizer.json")
        case .vocabulary:
            return ModelSetting(name: "tokenizer", value: "byte-level BPE", source: "vocab.json, merges.txt")
        case .builtIn:
            return ModelSetting(
                name: "tokenizer", value: "CLIP's own", source: "default",
                warning: "the folder brings none: token ids are wrong if the model was trained with another")
        case nil:
            return ModelSetting(
                name: "tokenizer", value: "none", source: "default", warning: "texts can't be embedded without one")
        }
    }

    /// The token that fills up the texts of a SigLIP, and the file that names it; nil when no file does.
    static func padding(in folder: ModelFolder) throws(CLIPError) -> (token: Int32, source: String)? {
        let source = folder.contains("spiece.model") ? "spiece.model" : "tokenizer.json"
        guard folder.contains(source) else { return nil }
        do {
            let isModel = source == "spiece.model"
            let token = try paddingToken(
                TokenizerFiles(
                    tokenizerJSON: isModel ? nil : try folder.readText(source),
                    configuration: try folder.text("tokenizer_config.json"),
                    sentencePiece: isModel ? try folder.readText(source) : nil))
            return token.map { ($0, source) }
        } catch let error as TokenizerError {
            throw CLIPError(.model, path: folder.path(of: error.file), error.problem)
        } catch let error as WeightsError {
            throw CLIPError(error)
        } catch let error as CLIPError {
            throw error
        } catch {
            throw CLIPError(.model, path: folder.path, "\(error)")
        }
    }

    private enum Kind { case sentencePiece, json, vocabulary, builtIn }

    private static func kind(in folder: ModelFolder, vocabularySize: Int, _ family: ModelFamily) -> Kind? {
        if family == .siglip, folder.contains("spiece.model") { return .sentencePiece }
        if folder.contains("tokenizer.json") { return .json }
        if family == .siglip { return nil }
        if folder.contains("vocab.json") && folder.contains("merges.txt") { return .vocabulary }
        return vocabularySize == builtInSize ? .builtIn : nil
    }
}

extension Tokenizer {
    /// Checks that texts begin and end with tokens that the encoder knows.
    func check(fits configuration: TextConfiguration, path: String) throws(CLIPError) {
        let ends = startTokens + endTokens
        guard ends.allSatisfy({ $0 < configuration.vocabularySize }) else {
            throw CLIPError(
                .model, path: path,
                "the tokenizer's start and end tokens are \(ends.map(String.init).joined(separator: " and ")), "
                    + "the model has \(configuration.vocabularySize) tokens: they are not of one model, "
                    + "fetch both again")
        }
        if case .firstToken(let token) = configuration.pooling, !endTokens.contains(Int32(token)) {
            throw CLIPError(
                .model, path: path,
                "the tokenizer ends texts with token \(endTokens.first ?? -1), the configuration looks for \(token) "
                    + "(eos_token_id): mend whichever is wrong")
        }
    }
}
