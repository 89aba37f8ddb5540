internal import CLIPCompute
internal import CLIPSystem
internal import CLIPTokenizers

/// The image encoder of one model and the text encoder of another, which was trained into its space.
struct JoinedModel: ModelStore {
    let info: ModelInfo
    private let images: any ModelStore
    private let texts: any ModelStore

    /// - Throws: `CLIPError` when one of them lacks the encoder, or their embeddings can't be of one space.
    init(images: any ModelStore, texts: any ModelStore) throws(CLIPError) {
        let (imageInfo, textInfo) = (images.info, texts.info)
        guard imageInfo.hasImageEncoder else {
            throw CLIPError(.model, path: imageInfo.path, "holds a text encoder alone: name a model of pictures")
        }
        guard textInfo.hasTextEncoder else {
            throw CLIPError(.model, path: textInfo.path, "holds an image encoder alone: name a model of texts")
        }
        guard imageInfo.embeddingDimension == textInfo.embeddingDimension else {
            throw CLIPError(
                .model, path: textInfo.path,
                "embeds texts as \(textInfo.embeddingDimension) numbers, \(imageInfo.path) pictures as "
                    + "\(imageInfo.embeddingDimension): name the text encoder that was trained for that model's space")
        }
        guard imageInfo.configuration.family == textInfo.configuration.family else {
            throw CLIPError(
                .model, path: textInfo.path,
                "is of the family \(textInfo.configuration.family.rawValue), \(imageInfo.path) of "
                    + "\(imageInfo.configuration.family.rawValue): name the text encoder that was trained for that model's "
                    + "space")
        }
        var configuration = imageInfo.configuration
        configuration.text = textInfo.configuration.text
        func isOfTexts(_ setting: ModelSetting) -> Bool {
            setting.name.hasPrefix("text ") || setting.name == "tokenizer" || setting.name == "token cleaning"
        }
        var card = imageInfo.card ?? ModelCard(name: "unnamed")
        if let other = textInfo.card {
            card.name += " with the texts of \(other.name)"
            if let license = other.license, license != card.license {
                card.license = card.license.map { "\($0) AND \(license)" } ?? license
            }
            card.trainingData += other.trainingData.filter { !card.trainingData.contains($0) }
            card.limits += other.limits.filter { !card.limits.contains($0) }
            card.biases += other.biases.filter { !card.biases.contains($0) }
        }
        card.sourceSHA256 = nil
        info = ModelInfo(
            location: imageInfo.location, configuration: configuration, preprocessing: imageInfo.preprocessing,
            hasImageEncoder: true, hasTextEncoder: true, logitScaleLogarithm: imageInfo.logitScaleLogarithm,
            logitBias: imageInfo.logitBias,
            settings: imageInfo.settings.filter { !isOfTexts($0) } + textInfo.settings.filter(isOfTexts),
            card: card,
            weightTypes: imageInfo.weightTypes + textInfo.weightTypes.filter { !imageInfo.weightTypes.contains($0) },
            byteCount: imageInfo.byteCount + textInfo.byteCount, isPacked: false,
            precision: imageInfo.precision.narrower(textInfo.precision))
        self.images = images
        self.texts = texts
    }

    var weights: any TensorSource { JoinedTensors(images: images.weights, texts: texts.weights) }
    var mappedFiles: [MappedFile] { images.mappedFiles + texts.mappedFiles }

    func tokenizer() throws(CLIPError) -> any Tokenizer { try texts.tokenizer() }

    func fingerprint() -> String {
        var fingerprint = Fingerprint(kind: "joined 1")
        fingerprint.add("images", digest: images.fingerprint())
        fingerprint.add("texts", digest: texts.fingerprint())
        return fingerprint.hexadecimal()
    }

    /// Of two files there is no one hash.
    func sourceSHA256() -> String? { nil }
    func probes() -> Probes? { nil }

    func checkIntegrity() throws(CLIPError) {
        try images.checkIntegrity()
        try texts.checkIntegrity()
    }
}

/// The tensors of two models, the text encoder's of the second.
private struct JoinedTensors: TensorSource {
    let images: any TensorSource
    let texts: any TensorSource

    private func source(of key: String) -> any TensorSource {
        key.hasPrefix("text_model.") || key.hasPrefix("text_projection") ? texts : images
    }

    func matrix(_ key: String, outputs: Int, inputs: Int) throws(CLIPError) -> PanelPackedMatrix {
        try source(of: key).matrix(key, outputs: outputs, inputs: inputs)
    }

    func vector(_ key: String, shape: [Int]) throws(CLIPError) -> ParameterVector {
        try source(of: key).vector(key, shape: shape)
    }

    func table(_ key: String, rows: Int, columns: Int) throws(CLIPError) -> RowTable {
        try source(of: key).table(key, rows: rows, columns: columns)
    }
}
