internal import CLIPTokenizers
internal import CLIPWeights

extension CheckpointModel {
    /// A model in a Hugging Face folder: config.json, weights, tokenizer and preprocessor files.
    /// - Parameter source: the folder, or a file of weights in it.
    init(huggingFace source: ModelSource, folder folderPath: String, threads: Int) throws(CLIPError) {
        let folder = ModelFolder(path: folderPath)
        let configPath = folder.path(of: "config.json")
        guard let json = try folder.text("config.json") else {
            throw CLIPError(.model, path: configPath, "is missing: fetch the whole model")
        }
        var config = try HuggingFaceConfig(json: json, path: configPath)
        let adapter = try LowRankAdapter(in: folder)
        try self.init(source, threads: threads, adapter: adapter) { (checkpoint, weights) throws(CLIPError) in
            let keys = weights.keys
            guard keys.layout == .huggingFace, keys.visionPrefix != nil || keys.textPrefix != nil else {
                throw CheckpointModel.noEncoder(checkpoint, keys)
            }
            if let dimension = try weights.embeddingDimension() { config.setEmbeddingDimension(inferred: dimension) }
            if config.configuration.family == .siglip, let padding = try TokenizerFiles.padding(in: folder) {
                config.setPadding(padding.token, source: padding.source)
            }
            let configuration = config.configuration
            let family = configuration.family
            let parts = config.parts
            // A text encoder alone has no size of pictures that a file could contradict.
            let preprocessor =
                keys.visionPrefix != nil && parts.holdImages
                ? try PreprocessorFile(in: folder, imageSize: configuration.vision.imageSize) : nil
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
                    setting: try TokenizerFiles.setting(in: folder, configuration)
                ) { configuration throws(CLIPError) in
                    try TokenizerFiles.load(from: folder, configuration: configuration, family: family)
                },
                card: try ModelCard(folder: folder, name: config.name), folder: folder,
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
