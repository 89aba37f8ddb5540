internal import CLIPJSON
internal import CLIPSystem
internal import CLIPTokenizers
internal import CLIPWeights

extension CheckpointModel {
    /// The text encoder that sentence-transformers saved: a BERT or one of its relatives, the pooling of its states, and a
    /// linear layer behind it into the space of somebody's image encoder (Reimers and Gurevych, 2020).
    init(sentences modules: SentenceModules, threads: Int) throws(CLIPError) {
        let folder = ModelFolder(modules.encoder)
        let description = try SentenceTextEncoder(folder, modules)
        try self.init(.sentences(modules), threads: threads) { (checkpoint, weights) throws(CLIPError) in
            guard weights.keys.hasBERT else {
                throw CLIPError(
                    .model, path: checkpoint.path,
                    "has no embeddings.word_embeddings.weight: it is none of the encoders that config.json describes")
            }
            return try ModelDescription(
                kind: "sentence-transformers folder 1", ofTexts: description.configuration,
                settings: description.settings, folder: folder, cardFolder: ModelFolder(modules.folder),
                files: description.files)
        }
    }
}

/// What a sentence-transformers folder says of its text encoder.
struct SentenceTextEncoder {
    let configuration: ModelConfiguration
    let settings: [ModelSetting]
    /// The configuration files as read, by their names.
    let files: [String: [UInt8]]

    /// The encoders that are known, as `model_type` names them.
    static let types: Set<String> = ["bert", "distilbert", "roberta", "xlm-roberta"]

    /// - Throws: `CLIPError` when a file is missing or makes no sense, or asks for what isn't known here.
    init(_ folder: ModelFolder, _ modules: SentenceModules) throws(CLIPError) {
        var files: [String: [UInt8]] = [:]
        func object(_ name: String, in folder: PathBytes) throws(CLIPError) -> [String: JSONValue]? {
            let folder = ModelFolder(folder)
            guard let json = try folder.readText(name, limit: 1 << 20) else { return nil }
            files[String(folder.path(of: name).dropFirst(modules.folder.text.count))] = json
            return try jsonObject(json, path: folder.path(of: name))
        }
        guard let fields = try object("config.json", in: folder.location) else {
            throw CLIPError(.model, path: folder.path(of: "config.json"), "is missing: fetch the whole model")
        }
        var section = ConfigSection(
            path: folder.path(of: "config.json"), source: "config.json", subject: "text",
            fields: fields["model_type"]?.string == "distilbert" ? SentenceTextEncoder.inWordsOfBERT(fields) : fields)
        var text: TextConfiguration
        switch fields["model_type"]?.string {
        case "bert": text = try HuggingFaceConfig.bert(&section, .chineseCLIP)
        case "distilbert":
            text = try HuggingFaceConfig.bert(&section, .chineseCLIP)
            text.embeddings.typeCount = 0
        case "roberta", "xlm-roberta":
            text = try HuggingFaceConfig.bert(&section, .altCLIP)
            text.hasOutputNorm = false
            // The encoder sees no padding, not even where a text spells it.
            text.embeddings.ignoredToken = text.embeddings.positionOffset - 1
        case let type:
            throw section.fault(
                "model_type", type.map { .string($0) } ?? .null,
                expected: "\"bert\", \"distilbert\", \"roberta\" or \"xlm-roberta\"")
        }
        if let pooling = try object("config.json", in: modules.pooling) {
            let path = ModelFolder(modules.pooling).path(of: "config.json")
            text.pooling = try SentenceTextEncoder.pooling(pooling, path: path)
        }
        section.record(
            "pooling", text.pooling == .meanOfTokens ? "mean of tokens" : "first position", source: "the Pooling module"
        )
        if let own = try object("sentence_bert_config.json", in: modules.folder) {
            var own = ConfigSection(
                path: ModelFolder(modules.folder).path(of: "sentence_bert_config.json"),
                source: "sentence_bert_config.json", subject: "text", fields: own)
            guard !(try own.flag("do_lower_case", default: false)) else {
                throw own.fault("do_lower_case", .bool(true), expected: "false: the tokenizer's files say what is done")
            }
            text.contextLength = try own.int(
                "max_seq_length", named: "context length", default: text.contextLength, in: 2...text.contextLength)
        }
        var dimension = text.transformer.width
        text.projection = .none
        if let dense = modules.dense {
            guard let fields = try object("config.json", in: dense) else {
                throw CLIPError(
                    .model, path: ModelFolder(dense).path(of: "config.json"), "is missing: fetch the whole model")
            }
            var layer = ConfigSection(
                path: ModelFolder(dense).path(of: "config.json"), source: "the Dense module", fields: fields)
            let activation = fields["activation_function"]?.string ?? "torch.nn.modules.activation.Tanh"
            guard activation.hasSuffix(".Identity") else {
                throw layer.fault(
                    "activation_function", .string(activation), expected: "torch.nn.modules.linear.Identity")
            }
            dimension = try layer.int("out_features", named: "embedding dimension", default: 0, in: 1...1 << 15)
            text.projection = try layer.flag("bias", default: true) ? .affine : .linear
        }
        configuration = ModelConfiguration(textsAlone: text, embeddingDimension: dimension)
        // What AltCLIP has in addition is none of these encoders'.
        settings = section.settings.filter { $0.name != "text middle width" }
        self.files = files
    }

    /// DistilBERT's own names of the same fields.
    private static func inWordsOfBERT(_ fields: [String: JSONValue]) -> [String: JSONValue] {
        var fields = fields
        for (own, other) in [
            ("dim", "hidden_size"), ("hidden_dim", "intermediate_size"), ("n_layers", "num_hidden_layers"),
            ("n_heads", "num_attention_heads"), ("activation", "hidden_act"),
        ] { fields[other] = fields[own] ?? fields[other] }
        fields["layer_norm_eps"] = .number(1e-12)
        return fields
    }

    private static func pooling(_ fields: [String: JSONValue], path: String) throws(CLIPError) -> TextPooling {
        let modes = fields.filter { $0.key.hasPrefix("pooling_mode_") && $0.value.bool == true }.keys.sorted()
        let named = fields["pooling_mode"]?.string
        switch (named, modes) {
        case ("mean", _), (nil, ["pooling_mode_mean_tokens"]): return .meanOfTokens
        case ("cls", _), (nil, ["pooling_mode_cls_token"]): return .firstPosition
        default:
            throw CLIPError(
                .model, path: path,
                "pools by \(quoted(named ?? modes.joined(separator: " and "))), expected the mean of tokens or the first "
                    + "token: other ways are not known here")
        }
    }
}

extension CheckpointModel {
    /// A text encoder of M-CLIP's (Carlsson et al., 2022): the mean of an encoder's states, and a linear layer into the space
    /// of somebody's image encoder. Its configuration names the encoder, whose shape that says.
    init(
        multilingual source: ModelSource, folder location: PathBytes, config: [String: JSONValue], json: [UInt8],
        threads: Int
    ) throws(CLIPError) {
        let folder = ModelFolder(location)
        var top = ConfigSection(
            path: folder.path(of: "config.json"), source: "config.json", subject: "text", fields: config)
        let dimension = try top.int("numDims", named: "embedding dimension", default: 0, in: 1...1 << 15)
        guard let base = try top.text("modelBase"), TransformersTextTower.isKnown(base) else {
            throw top.fault(
                "modelBase", top.present("modelBase") ?? .null, expected: "a known one, such as \"xlm-roberta-large\"")
        }
        var tower = ConfigSection(
            path: top.path, source: "config.json modelBase", subject: "text",
            fields: [
                "hf_model_name": .string(base), "hf_pooler_type": .string("mean_pooler"),
                "hf_proj_type": .string("linear"), "context_length": .number(512),
            ])
        guard var text = try TransformersTextTower(&tower, embeddingDimension: dimension)?.configuration else {
            throw top.fault("modelBase", .string(base), expected: "a known one")
        }
        text.projection = .affine
        let configuration = ModelConfiguration(textsAlone: text, embeddingDimension: dimension)
        let settings = top.settings + tower.settings
        try self.init(source, threads: threads) { (checkpoint, weights) throws(CLIPError) in
            guard weights.keys.hasBERT else {
                throw CLIPError(
                    .model, path: checkpoint.path,
                    "has no transformer.embeddings.word_embeddings.weight: it is not the M-CLIP of its config.json")
            }
            return try ModelDescription(
                kind: "M-CLIP folder 1", ofTexts: configuration, settings: settings, folder: folder, cardFolder: folder,
                files: ["config.json": json])
        }
    }
}

extension ModelConfiguration {
    /// Of a text encoder alone. What stands for an image encoder is never built.
    fileprivate init(textsAlone text: TextConfiguration, embeddingDimension: Int) {
        self.init(
            vision: VisionConfiguration(
                transformer: TransformerConfiguration(
                    width: 768, intermediateWidth: 3072, layerCount: 12, headCount: 12)),
            text: text, embeddingDimension: embeddingDimension)
    }
}

extension ModelDescription {
    /// Of a folder's text encoder alone, whose tokenizer lies beside it.
    /// - Parameter cardFolder: where what is said of the model lies.
    fileprivate init(
        kind: String, ofTexts configuration: ModelConfiguration, settings: [ModelSetting], folder: ModelFolder,
        cardFolder: ModelFolder, files: [String: [UInt8]]
    ) throws(CLIPError) {
        self.init(
            kind: kind, configuration: configuration,
            preprocessing: ResolvedPreprocessing(
                configuration: PreprocessingConfiguration(cropSize: 224), settings: []),
            initialLogitScale: 4.6052, initialLogitScaleSource: "default", settings: settings,
            tokenizer: TokenizerChoice(
                setting: try TokenizerFiles.setting(in: folder, configuration)
            ) { configuration throws(CLIPError) in
                try TokenizerFiles.load(from: folder, configuration: configuration)
            },
            card: try ModelCard(folder: cardFolder, name: nil), folder: folder, files: files, parts: .texts)
    }
}
