internal import Tokenizers
internal import Weights

extension CheckpointModel {
    /// A model in open_clip's files: open_clip_config.json, weights, and a tokenizer unless it is CLIP's own.
    /// - Parameter source: the folder, or a file of weights in it.
    init(openCLIP source: ModelSource, folder folderPath: String, threads: Int) throws(CLIPError) {
        let folder = ModelFolder(path: folderPath)
        let fileName = "open_clip_config.json"
        guard let json = try folder.text(fileName) else {
            throw CLIPError(.model, path: folder.path(of: fileName), "is missing: fetch the whole model")
        }
        var config = try OpenCLIPConfig(json: json, path: folder.path(of: fileName))
        try self.init(source, threads: threads, resamplesPositions: true) { (checkpoint, weights) throws(CLIPError) in
            let keys = weights.keys
            let isSigLIP = config.configuration.family == .siglip
            guard keys.layout == (isSigLIP ? .timm : .openAI), keys.textPrefix != nil else {
                let first = isSigLIP ? "visual.trunk.patch_embed.proj.weight" : "visual.conv1.weight"
                throw CLIPError(
                    .model, path: checkpoint.path,
                    "has not both \(first) and token_embedding.weight: it is not of the vision and text transformers "
                        + "that \(fileName) describes, use the model's transformers files")
            }
            config.notePositions(
                image: isSigLIP
                    ? nil : weights.shape(of: "vision_model.embeddings.position_embedding.weight")?.first,
                text: weights.shape(of: "text_model.embeddings.position_embedding.weight")?.first)
            if config.tokenizerName != nil, let padding = try TokenizerFiles.padding(in: folder) {
                config.setPadding(padding.token, source: padding.source)
            }
            let configuration = config.configuration
            return ModelDescription(
                kind: "open_clip folder 1", configuration: configuration, preprocessing: config.preprocessing,
                initialLogitScale: config.initialLogitScale, initialLogitScaleSource: "open_clip's default",
                settings: config.settings,
                tokenizer: try CheckpointModel.tokenizer(config, in: folder),
                card: try ModelCard(folder: folder, name: nil), folder: folder, files: [fileName: json])
        }
    }

    /// CLIP's own unless the configuration names another, whose files must then be there.
    private static func tokenizer(
        _ config: OpenCLIPConfig, in folder: ModelFolder
    ) throws(CLIPError) -> TokenizerChoice {
        guard let name = config.tokenizerName else { return .builtIn(.openCLIP, path: folder.path) }
        let setting = TokenizerFiles.setting(in: folder, config.configuration)
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
