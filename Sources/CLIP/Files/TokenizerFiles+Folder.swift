internal import CLIPJSON
internal import CLIPTokenizers
internal import CLIPWeights

extension TokenizerFiles {
    /// The files of a model folder that a tokenizer is made from.
    static let names = [
        "tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
        "added_tokens.json", "spiece.model", "vocab.txt", "sentencepiece.bpe.model",
    ]

    /// CLIP's own vocabulary, which models that bring no tokenizer files use.
    private static let builtInSize = 49408

    /// Loads a folder's tokenizer: of a SigLIP spiece.model; else tokenizer.json, else vocab.json and merges.txt, else
    /// vocab.txt, else XLM-RoBERTa's sentencepiece.bpe.model, else CLIP's own.
    /// - Parameters:
    ///   - name: what the configuration calls it, if it does.
    ///   - wrapping: what open_clip does around it, if the model is one of its.
    /// - Throws: `CLIPError` when there is none, it is damaged, or it is not this model's.
    static func load(
        from folder: ModelFolder, configuration: TextConfiguration, family: ModelFamily = .clip, name: String? = nil,
        wrapping: OpenCLIPWrapping? = nil
    ) throws(CLIPError) -> any Tokenizer {
        let kind = try kind(in: folder, vocabularySize: configuration.vocabularySize, family)
        guard let kind else {
            if let name {
                throw CLIPError(
                    .model, path: folder.path,
                    "has no tokenizer, texts need that of \(jsonString(name)): put its tokenizer.json or vocab.txt into "
                        + "the folder")
            }
            throw CLIPError(
                .model, path: folder.path,
                family.isSigLIP
                    ? "has neither spiece.model nor tokenizer.json: fetch the tokenizer's files"
                    : "has neither tokenizer.json nor vocab.json and merges.txt, and its vocabulary of "
                        + "\(configuration.vocabularySize) tokens is not CLIP's own: fetch the tokenizer's files")
        }
        var files = TokenizerFiles(configuration: try folder.readText("tokenizer_config.json"))
        switch kind {
        case .builtIn: break
        case .sentencePiece: files.sentencePiece = try folder.readText("spiece.model")
        case .wordPiece: files.wordPieces = try folder.readText("vocab.txt")
        case .json, .vocabulary, .fairseq:
            if kind == .json {
                files.tokenizerJSON = try folder.readText("tokenizer.json")
            } else if kind == .fairseq {
                files.fairseqModel = try folder.readText("sentencepiece.bpe.model")
            } else {
                files.vocabulary = try folder.readText("vocab.json")
                files.merges = try folder.readText("merges.txt")
            }
            files.specialTokensMap = try folder.readText("special_tokens_map.json")
            files.addedTokens = try folder.readText("added_tokens.json")
            // open_clip's wrapper takes the tokenizer of a repository of its own, whose config.json this isn't.
            if wrapping == nil, let config = try folder.readText("config.json") {
                let fields = try jsonObject(config, path: folder.path(of: "config.json"))
                files.modelType = fields["model_type"]?.string
                files.modelConfigurationClass = fields["tokenizer_class"]?.string
            }
        }
        let tokenizer: any Tokenizer
        do throws(CLIPError) {
            switch kind {
            case .builtIn: tokenizer = BytePairTokenizer.builtIn(cleaning: .transformers)
            case .sentencePiece: tokenizer = try PipelineTokenizer(siglip: files, wrapping: wrapping)
            case .wordPiece: tokenizer = try PipelineTokenizer(wordPiece: files, wrapping: wrapping)
            case .json, .vocabulary, .fairseq:
                tokenizer = try loadTokenizer(
                    files, isLowercased: family.isSigLIP && wrapping == nil, wrapping: wrapping)
            }
        } catch {
            throw error.inside(folder)
        }
        try tokenizer.check(fits: configuration, path: folder.path)
        return tokenizer
    }

    /// Which tokenizer a folder's model uses.
    static func setting(
        in folder: ModelFolder, _ configuration: ModelConfiguration
    ) throws(CLIPError) -> ModelSetting {
        let kind = try kind(
            in: folder, vocabularySize: configuration.text.vocabularySize, configuration.family)
        switch kind {
        case .sentencePiece:
            return ModelSetting(name: "tokenizer", value: "SentencePiece unigram", source: "spiece.model")
        case .wordPiece: return ModelSetting(name: "tokenizer", value: "WordPiece", source: "vocab.txt")
        case .json:
            let value = configuration.family.isSigLIP ? "as described, lower-cased" : steps(in: folder)
            return ModelSetting(name: "tokenizer", value: value, source: "tokenizer.json")
        case .vocabulary:
            return ModelSetting(name: "tokenizer", value: "byte-level BPE", source: "vocab.json, merges.txt")
        case .fairseq:
            return ModelSetting(
                name: "tokenizer", value: "XLMRobertaTokenizer's", source: "sentencepiece.bpe.model")
        case .builtIn:
            return ModelSetting(
                name: "tokenizer", value: "CLIP's own", source: "default",
                warning: "the folder brings none: token ids are wrong if the model was trained with another")
        case nil:
            return ModelSetting(
                name: "tokenizer", value: "none", source: "default", warning: "texts can't be embedded without one")
        }
    }

    /// Whose steps count in a folder with tokenizer.json: the file's, or those of a class that has its own.
    private static func steps(in folder: ModelFolder) -> String {
        // What can't be read is told when the tokenizer is loaded.
        let json = try? folder.readText("tokenizer_config.json").map { try JSONValue(parsing: $0) }
        guard let name = json?["tokenizer_class"]?.string.map(TokenizerClass.name) else { return "as described" }
        let known = TokenizerClass(rawValue: name) ?? .file
        return known == .file ? "as described (tokenizer_class \(jsonString(name)))" : "\(name)'s"
    }

    /// The token that fills up the texts of encoders that see it, and the file that names it; nil when no file does.
    static func padding(in folder: ModelFolder) throws(CLIPError) -> (token: Int32, source: String)? {
        let sources = ["spiece.model", "tokenizer.json", "vocab.txt"]
        guard let source = try folder.first(of: sources) else { return nil }
        let bytes = try folder.readText(source)
        let files = TokenizerFiles(
            tokenizerJSON: source == "tokenizer.json" ? bytes : nil,
            configuration: try folder.readText("tokenizer_config.json"),
            sentencePiece: source == "spiece.model" ? bytes : nil, wordPieces: source == "vocab.txt" ? bytes : nil)
        do throws(CLIPError) {
            return try paddingToken(files).map { ($0, source) }
        } catch {
            throw error.inside(folder)
        }
    }

    private enum Kind { case sentencePiece, json, vocabulary, wordPiece, fairseq, builtIn }

    private static func kind(
        in folder: ModelFolder, vocabularySize: Int, _ family: ModelFamily
    ) throws(CLIPError) -> Kind? {
        if family.isSigLIP, try folder.contains("spiece.model") { return .sentencePiece }
        if try folder.contains("tokenizer.json") { return .json }
        if family.isSigLIP { return nil }
        if try folder.contains("vocab.json"), try folder.contains("merges.txt") { return .vocabulary }
        if try folder.contains("vocab.txt") { return .wordPiece }
        if try folder.contains("sentencepiece.bpe.model") { return .fairseq }
        return vocabularySize == builtInSize ? .builtIn : nil
    }
}

extension Tokenizer {
    /// Checks that texts begin and end with tokens that the encoder knows.
    func check(fits configuration: TextConfiguration, path: String) throws(CLIPError) {
        if let padding = configuration.paddingToken, padding >= configuration.vocabularySize {
            throw CLIPError(
                .model, path: path,
                "the tokenizer's padding token is \(padding), the model has \(configuration.vocabularySize) tokens: they "
                    + "are not of one model, fetch both again")
        }
        let ends = startTokens + endTokens
        guard ends.allSatisfy({ $0 < configuration.vocabularySize }) else {
            throw CLIPError(
                .model, path: path,
                "the tokenizer's start and end tokens are \(ends.map(String.init).joined(separator: " and ")), "
                    + "the model has \(configuration.vocabularySize) tokens: they are not of one model, "
                    + "fetch both again")
        }
        // Texts that the tokenizer puts no end to are read at their first token, as transformers does.
        if case .firstToken(let token) = configuration.pooling, !endTokens.isEmpty, !endTokens.contains(Int32(token)) {
            throw CLIPError(
                .model, path: path,
                "the tokenizer ends texts with token \(endTokens.first ?? -1), the configuration looks for \(token) "
                    + "(eos_token_id): mend whichever is wrong")
        }
    }
}

extension CLIPError {
    /// An error about one of a folder's files, whose name stands for its path.
    fileprivate func inside(_ folder: ModelFolder) -> CLIPError { at(path.map { folder.path(of: $0) }) }
}
