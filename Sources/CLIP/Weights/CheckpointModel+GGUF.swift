internal import CLIPJSON
internal import CLIPTokenizers
internal import CLIPWeights

extension CheckpointModel {
    /// A GGUF file that clip.cpp's converter wrote from a Hugging Face CLIP.
    init(gguf path: String, threads: Int) throws(CLIPError) {
        try self.init(.gguf(file: path), threads: threads) { (checkpoint, weights) throws(CLIPError) in
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
            huggingFace: fields, path: path, source: "GGUF clip.vision", imageSize: configuration.vision.imageSize)
        settings =
            [ModelSetting(name: "embedding dimension", value: "\(dimension)", source: "inferred from shape")]
            + (weights.keys.visionPrefix == nil ? [] : vision.settings)
            + (weights.keys.textPrefix == nil ? [] : text.settings)
    }
}
