internal import CLIPTokenizers
internal import CLIPWeights

extension CheckpointModel {
    /// A PyTorch file of OpenAI's layout, TorchScript archive or state dictionary: its shapes say all that its program
    /// doesn't fix.
    init(openAI path: String, threads: Int) throws(CLIPError) {
        try self.init(.openAI(file: path), threads: threads) { (checkpoint, weights) throws(CLIPError) in
            if checkpoint.contains("visual.layer1.0.conv1.weight") {
                throw CLIPError(
                    .model, path: path,
                    "is one of OpenAI's ResNets (RN50 and the like): expected a vision transformer, such as ViT-B-32")
            }
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
        let patches = try shape("vision_model.embeddings.patch_embedding.weight", rank: 4)
        let (width, patchSize) = (patches[0], patches[3])
        let positions = try shape("vision_model.embeddings.position_embedding.weight", rank: 2)[0]
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
        configuration = ModelConfiguration(
            vision: VisionConfiguration(
                transformer: try transformer("vision_model", width: width), imageSize: grid * patchSize,
                patchSize: patchSize),
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
