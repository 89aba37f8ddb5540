internal import CLIPTokenizers
internal import CLIPWeights

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
        if let name = try folder.first([LowRankAdapter.configurationName] + LowRankAdapter.weightNames) {
            throw CLIPError(
                .model, path: folder.path(of: name),
                "is an adapter for transformers' modules beside open_clip's weights: merge it there and save the whole "
                    + "model, or take it away")
        }
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
            var settings = config.settings
            if try folder.has("config.json") {
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
                card: try ModelCard(folder: folder, name: nil), folder: folder, files: [fileName: json],
                layerScales: config.layerScales)
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
