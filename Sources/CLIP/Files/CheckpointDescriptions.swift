internal import CLIPJSON
internal import CLIPSystem
internal import CLIPTokenizers
internal import CLIPWeights

extension CheckpointModel {
    /// A model in a Hugging Face folder: config.json, weights, tokenizer and preprocessor files.
    /// - Parameter source: the folder, or a file of weights in it.
    init(huggingFace source: ModelSource, folder location: PathBytes, threads: Int) throws(CLIPError) {
        let folder = ModelFolder(location)
        let configPath = folder.path(of: "config.json")
        guard let json = try folder.readText("config.json") else {
            throw CLIPError(.model, path: configPath, "is missing: fetch the whole model")
        }
        if case let fields = try jsonObject(json, path: configPath), fields["model_type"]?.string == "M-CLIP" {
            try self.init(multilingual: source, folder: location, config: fields, json: json, threads: threads)
            return
        }
        var config = try HuggingFaceConfig(json: json, path: configPath)
        let adapter = try LowRankAdapter(in: folder)
        try self.init(source, threads: threads, adapter: adapter, adaptation: config.adaptation) {
            (checkpoint, weights) throws(CLIPError) in
            let keys = weights.keys
            guard keys.layout == .huggingFace, keys.visionPrefix != nil || keys.textPrefix != nil else {
                throw CheckpointModel.noEncoder(checkpoint, keys)
            }
            if let dimension = try weights.embeddingDimension() { config.setEmbeddingDimension(inferred: dimension) }
            if config.configuration.family.isSigLIP, let padding = try TokenizerFiles.padding(in: folder) {
                config.setPadding(padding.token, source: padding.source)
            }
            let configuration = config.configuration
            let family = configuration.family
            let parts = config.parts
            // A text encoder alone has no size of pictures that a file could contradict.
            let preprocessor =
                keys.visionPrefix != nil && parts.holdImages
                ? try PreprocessorFile(in: folder.preprocessorFolder(), configuration.vision) : nil
            let texts = try folder.tokenizerFolder()
            var settings = config.settings
            if let preprocessor, let other = try OpenCLIPConfig.ignored(in: folder, for: preprocessor.preprocessing) {
                settings.insert(other, at: 0)
            }
            return ModelDescription(
                kind: "Hugging Face folder 1", configuration: configuration,
                preprocessing: preprocessor?.preprocessing
                    ?? ResolvedPreprocessing(
                        configuration: PreprocessingConfiguration(cropSize: configuration.vision.imageSize),
                        settings: []),
                initialLogitScale: config.initialLogitScale,
                initialLogitScaleSource: "config.json logit_scale_init_value", settings: settings,
                tokenizer: TokenizerChoice(
                    setting: try TokenizerFiles.setting(in: texts, configuration)
                ) { configuration throws(CLIPError) in
                    try TokenizerFiles.load(from: texts, configuration: configuration, family: family)
                },
                card: try ModelCard(folder: folder, name: config.name), folder: folder, tokenizerFolder: texts,
                files: ["config.json": json].merging(preprocessor?.files ?? [:]) { first, _ in first }, parts: parts)
        }
    }

    private static func noEncoder(_ checkpoint: Checkpoint, _ keys: CheckpointKeys) -> CLIPError {
        CLIPError(
            .model, path: checkpoint.path,
            keys.layout == .openAI || keys.layout == .timm
                ? "has the tensor names of OpenAI and open_clip, but lies beside Hugging Face's config.json: "
                    + "put open_clip_config.json beside it, or move it to a folder of its own"
                : "has neither vision_model.embeddings.patch_embedding.weight nor "
                    + "text_model.embeddings.token_embedding.weight: it is not a CLIP")
    }
}

extension CheckpointModel {
    /// A model in open_clip's files: open_clip_config.json, weights, and a tokenizer unless it is CLIP's own.
    /// - Parameter source: the folder, or a file of weights in it.
    init(openCLIP source: ModelSource, folder location: PathBytes, threads: Int) throws(CLIPError) {
        let folder = ModelFolder(location)
        let fileName = "open_clip_config.json"
        guard let stated = try folder.openCLIPConfiguration() else {
            throw CLIPError(.model, path: folder.path(of: fileName), "is missing: fetch the whole model")
        }
        var config = try OpenCLIPConfig(json: stated.json, path: stated.path)
        if let name = try folder.first(of: [LowRankAdapter.configurationName] + LowRankAdapter.weightNames) {
            throw CLIPError(
                .model, path: folder.path(of: name),
                "is an adapter for transformers' modules beside open_clip's weights: merge it there and save the whole "
                    + "model, or take it away")
        }
        try self.init(source, threads: threads, resamplesPositions: true) { (checkpoint, weights) throws(CLIPError) in
            let keys = weights.keys
            guard keys.layout == (config.hasTimmTower ? .timm : .openAI), keys.textPrefix != nil,
                config.transformersTensor.map(checkpoint.contains) ?? !keys.hasTransformersText
            else {
                let first = config.hasTimmTower ? "visual.trunk" : "visual.conv1.weight"
                let text = config.transformersTensor ?? "token_embedding.weight"
                throw CLIPError(
                    .model, path: checkpoint.path,
                    "has not both \(first) and \(text): it is not of the vision and text transformers "
                        + "that \(fileName) describes, use the model's transformers files")
            }
            config.notePositions(
                image: config.hasTimmTower
                    ? nil : weights.shape(of: "vision_model.embeddings.position_embedding.weight")?.first,
                text: config.transformersTensor != nil
                    ? nil : weights.shape(of: "text_model.embeddings.position_embedding.weight")?.first)
            if config.tokenizerName != nil, let padding = try TokenizerFiles.padding(in: folder) {
                config.setPadding(padding.token, source: padding.source)
            }
            let configuration = config.configuration
            var settings = config.settings
            if let architecture = stated.architecture {
                settings.insert(
                    ModelSetting(
                        name: ModelSetting.configuration, value: architecture,
                        source: "open_clip's own list: the repository has no \(fileName)"), at: 0)
            } else if try folder.contains("config.json") {
                settings.insert(
                    ModelSetting(
                        name: ModelSetting.configuration, value: fileName, source: "the folder has both",
                        warning:
                            "config.json is not read: texts are cleaned and pictures cropped as open_clip does, not as "
                            + "transformers"), at: 0)
            }
            return ModelDescription(
                kind: "open_clip folder 1", configuration: configuration, preprocessing: config.preprocessing,
                initialLogitScale: config.initialLogitScale, initialLogitScaleSource: "open_clip's default",
                settings: settings, tokenizer: try CheckpointModel.tokenizer(config, in: folder),
                card: try ModelCard(folder: folder, name: nil), folder: folder, files: [fileName: stated.json],
                layerScales: config.layerScales, leftOut: config.leftOut)
        }
    }

    /// CLIP's own unless the configuration names another, whose files must then be there.
    private static func tokenizer(
        _ config: OpenCLIPConfig, in folder: ModelFolder
    ) throws(CLIPError) -> TokenizerChoice {
        guard let name = config.tokenizerName else {
            return .builtIn(config.cleaning, config.additionalTokens, path: folder.path)
        }
        let setting = try TokenizerFiles.setting(in: folder, config.configuration)
        let (family, wrapping) = (config.configuration.family, config.tokenizerWrapping)
        return TokenizerChoice(
            setting: ModelSetting(
                name: setting.name, value: name, source: setting.source, warning: setting.warning)
        ) { configuration throws(CLIPError) in
            try TokenizerFiles.load(
                from: folder, configuration: configuration, family: family, name: name, wrapping: wrapping)
        }
    }
}

extension CheckpointModel {
    /// A PyTorch file of OpenAI's layout, TorchScript archive or state dictionary: its shapes say all that its program
    /// doesn't fix.
    init(openAI file: PathBytes, threads: Int) throws(CLIPError) {
        let path = file.text
        try self.init(.openAI(file: file), threads: threads) { (checkpoint, weights) throws(CLIPError) in
            guard weights.keys.layout == .openAI, weights.keys.textPrefix != nil else {
                throw CLIPError(
                    .model, path: path,
                    "has not both visual.conv1.weight and token_embedding.weight: it is not one of OpenAI's CLIPs")
            }
            let shapes = try OpenAIShapes(weights, path: path)
            let fileName = String(path.split(separator: "/").last ?? "")
            return ModelDescription(
                kind: "OpenAI file 1", configuration: shapes.configuration,
                preprocessing: try shapes.preprocessing(path: path), initialLogitScale: 4.6052,
                initialLogitScaleSource: "default",
                settings: shapes.settings(isOriginal: checkpoint.contains("context_length")),
                tokenizer: .builtIn(.openAI, path: path),
                card: ModelCard(name: String(fileName.prefix { $0 != "." })))
        }
    }
}

/// The configuration that an OpenAI checkpoint's shapes give (openai/CLIP, clip/model.py, `build_model`).
struct OpenAIShapes {
    let configuration: ModelConfiguration

    /// - Throws: `CLIPError` when a tensor is missing or of another rank, or the shapes contradict each other.
    init(_ weights: CheckpointTensorSource, path: String) throws(CLIPError) {
        func shape(_ key: String, rank: Int) throws(CLIPError) -> [Int] {
            guard let shape = weights.shape(of: key), shape.count == rank, shape.allSatisfy({ $0 > 0 }) else {
                throw CLIPError(
                    .model, path: path,
                    "has no tensor \"\(weights.keys.name(of: key))\" of \(rank) dimensions: it is not one of OpenAI's "
                        + "CLIPs, or incomplete")
            }
            return shape
        }
        let isResNet = weights.keys.convolutions == .resNet
        let first = isResNet ? "vision_model.layer1.0.conv1.weight" : "vision_model.embeddings.patch_embedding.weight"
        let patches = try shape(first, rank: 4)
        let (width, patchSize) = (patches[0], isResNet ? 32 : patches[3])
        let positions = try shape(
            isResNet
                ? "vision_model.attnpool.positional_embedding" : "vision_model.embeddings.position_embedding.weight",
            rank: 2)[0]
        let grid = Int(Double(positions - 1).squareRoot().rounded())
        guard grid > 0, grid < 256, grid * grid == positions - 1, patchSize < 1 << 13 else {
            throw CLIPError(
                .model, path: path,
                "has \(positions) image positions, expected a square of patches and one more: it is damaged")
        }
        let table = try shape("text_model.embeddings.token_embedding.weight", rank: 2)
        let context = try shape("text_model.embeddings.position_embedding.weight", rank: 2)[0]
        guard let dimension = try weights.embeddingDimension(), context < 1 << 16, table[0] < 1 << 22 else {
            throw CLIPError(.model, path: path, "has no projections: it is not one of OpenAI's CLIPs, or incomplete")
        }
        func transformer(_ encoder: String, width: Int) throws(CLIPError) -> TransformerConfiguration {
            guard width.isMultiple(of: 64), width < 1 << 15 else {
                throw CLIPError(
                    .model, path: path, "has a width of \(width), expected a multiple of 64, the width of a head")
            }
            return TransformerConfiguration(
                width: width,
                intermediateWidth: try shape("\(encoder).encoder.layers.0.mlp.fc1.weight", rank: 2)[0],
                layerCount: weights.layerCount(encoder), headCount: width / 64)
        }
        let vision: VisionConfiguration
        if isResNet {
            guard (2...1 << 10).contains(width), width.isMultiple(of: 2) else {
                throw CLIPError(
                    .model, path: path, "has a ResNet of \(width) channels, expected 2 to 1024: it is damaged")
            }
            vision = VisionConfiguration(
                resNet: ResNetConfiguration(depths: (1...4).map(weights.blockCount), width: width),
                imageSize: grid * patchSize, headCount: width / 2)
        } else {
            vision = VisionConfiguration(
                transformer: try transformer("vision_model", width: width), imageSize: grid * patchSize,
                patchSize: patchSize)
        }
        configuration = ModelConfiguration(
            vision: vision,
            text: TextConfiguration(
                transformer: try transformer("text_model", width: table[1]), vocabularySize: table[0],
                contextLength: context, pooling: table[0] == 49408 ? .firstToken(49407) : .largestToken),
            embeddingDimension: dimension)
    }

    func preprocessing(path: String) throws(CLIPError) -> ResolvedPreprocessing {
        var resolved = try ResolvedPreprocessing(openCLIP: [:], path: path, imageSize: configuration.vision.imageSize)
        resolved.settings = resolved.settings.map {
            ModelSetting(name: $0.name, value: $0.value, source: "OpenAI's convention")
        }
        return resolved
    }

    /// - Parameter isOriginal: whether the file says itself that it is OpenAI's.
    func settings(isOriginal: Bool) -> [ModelSetting] {
        func inferred(_ name: String, _ value: Int) -> ModelSetting {
            ModelSetting(name: name, value: "\(value)", source: "inferred from shape")
        }
        let warning =
            isOriginal
            ? nil
            : "the weights don't say it, and OpenAI's is assumed: give open_clip's files for weights trained with gelu"
        var settings = [
            inferred("embedding dimension", configuration.embeddingDimension),
            inferred("image size", configuration.vision.imageSize),
            inferred("image patch size", configuration.vision.patchSize),
            inferred("text vocabulary", configuration.text.vocabularySize),
            inferred("text context length", configuration.text.contextLength),
        ]
        for (subject, shape) in [("image", configuration.vision.transformer), ("text", configuration.text.transformer)]
        {
            settings += [
                inferred("\(subject) width", shape.width), inferred("\(subject) MLP width", shape.intermediateWidth),
                inferred("\(subject) layers", shape.layerCount), inferred("\(subject) heads", shape.headCount),
                ModelSetting(
                    name: "\(subject) activation", value: shape.activation.rawValue, source: "OpenAI's convention",
                    warning: warning),
            ]
        }
        return settings
    }
}

extension CheckpointModel {
    /// A GGUF file that clip.cpp's converter wrote from a Hugging Face CLIP.
    init(gguf file: PathBytes, threads: Int) throws(CLIPError) {
        let path = file.text
        try self.init(.gguf(file: file), threads: threads) { (checkpoint, weights) throws(CLIPError) in
            let values = (checkpoint.files.first as? GGUFFile)?.values ?? [:]
            let config = try GGUFConfig(values, weights, path: path)
            var card = ModelCard(name: values["general.name"]?.text ?? "unnamed")
            card.source = values["general.source.url"]?.text
            card.license = values["general.license"]?.text
            return ModelDescription(
                kind: "GGUF file 1", configuration: config.configuration, preprocessing: config.preprocessing,
                // clip.cpp stores none and multiplies by 100.
                initialLogitScale: 4.6051702, initialLogitScaleSource: "clip.cpp's convention",
                settings: config.settings, tokenizer: .builtIn(.transformers, path: path), card: card)
        }
    }
}

/// What the metadata of clip.cpp's GGUF say (monatis/clip.cpp, models/convert_hf_to_gguf.py).
struct GGUFConfig {
    let configuration: ModelConfiguration
    let preprocessing: ResolvedPreprocessing
    let settings: [ModelSetting]

    /// - Throws: `CLIPError` when it is no CLIP, or a value is missing or makes no sense.
    init(_ values: [String: GGUFValue], _ weights: CheckpointTensorSource, path: String) throws(CLIPError) {
        let architecture = values["general.architecture"]?.text ?? "none"
        guard weights.keys.layout == .ggml, architecture == "clip" else {
            throw CLIPError(
                .model, path: path,
                "is a GGUF file of the architecture \(jsonString(String(architecture.unicodeScalars.prefix(60)))) "
                    + "without clip.cpp's tensors: expected a CLIP with v.patch_embd.weight or t.token_embd.weight")
        }
        // The same fields as Hugging Face's, under other names: they are read, checked and noted by the same code.
        func section(_ encoder: String, _ subject: String, _ names: [(own: String, key: String)]) -> ConfigSection {
            var fields: [String: JSONValue] = [:]
            for (own, key) in names {
                fields[key] = values["clip.\(encoder).\(own)"]?.double.map { .number($0) }
            }
            let usesGELU = values["clip.use_gelu"]?.bool
            fields["hidden_act"] = usesGELU.map { .string($0 ? "gelu" : "quick_gelu") }
            if encoder == "text" {
                fields["vocab_size"] = weights.shape(of: "text_model.embeddings.token_embedding.weight")?.first.map {
                    .number(Double($0))
                }
            }
            return ConfigSection(path: path, source: "GGUF clip.\(encoder)", subject: subject, fields: fields)
        }
        let shared = [
            (own: "embedding_length", key: "hidden_size"), ("feed_forward_length", "intermediate_size"),
            ("block_count", "num_hidden_layers"), ("attention.head_count", "num_attention_heads"),
            ("attention.layer_norm_epsilon", "layer_norm_eps"),
        ]
        var vision = section("vision", "image", shared + [("image_size", "image_size"), ("patch_size", "patch_size")])
        var text = section("text", "text", shared + [("context_length", "max_position_embeddings")])
        let dimension = try weights.embeddingDimension() ?? values["clip.text.projection_dim"]?.int ?? 512
        guard (1...1 << 15).contains(dimension) else {
            throw CLIPError(.model, path: path, "gives embeddings of \(dimension) values, expected 1 to \(1 << 15)")
        }
        configuration = ModelConfiguration(
            vision: try HuggingFaceConfig.vision(&vision), text: try HuggingFaceConfig.text(&text),
            embeddingDimension: dimension)

        // Pictures are resized to the encoder's size: clip.cpp keeps no other.
        let side = JSONValue.number(Double(configuration.vision.imageSize))
        var fields: [String: JSONValue] = ["size": side, "crop_size": side]
        for (own, key) in [("image_mean", "image_mean"), ("image_std", "image_std")] {
            fields[key] = values["clip.vision.\(own)"]?.numbers.map { .array($0.map { .number($0) }) }
        }
        preprocessing = try ResolvedPreprocessing(
            huggingFace: fields, path: path, source: "GGUF clip.vision", vision: configuration.vision)
        settings =
            [ModelSetting(name: "embedding dimension", value: "\(dimension)", source: "inferred from shape")]
            + (weights.keys.visionPrefix == nil ? [] : vision.settings)
            + (weights.keys.textPrefix == nil ? [] : text.settings)
    }
}
