internal import CLIPTokenizers
internal import CLIPWeights
internal import CLIPSystem

/// A model in the files of another program: a checkpoint, and what configuration files or its shapes say of it.
struct CheckpointModel: ModelStore {
    let info: ModelInfo
    /// The files of the weights and of what is added to them.
    let mappedFiles: [MappedFile]
    private let tensorSource: CheckpointTensorSource
    private let description: ModelDescription

    var weights: any TensorSource { tensorSource }

    /// - Parameters:
    ///   - adapter: what is added to the weights.
    ///   - adaptation: which of the adaptations counts that lie in them.
    ///   - describe: says what the model is, given its weights.
    /// - Throws: `CLIPError` when a tensor that the encoders need is missing, or one that would change the result is read
    ///   by nothing.
    init(
        _ source: ModelSource, threads: Int, resamplesPositions: Bool = false, adapter: LowRankAdapter? = nil,
        adaptation: StoredAdaptation? = nil,
        describe: (Checkpoint, CheckpointTensorSource) throws(CLIPError) -> ModelDescription
    ) throws(CLIPError) {
        let checkpoint = try Checkpoint(source)
        let tensorSource = CheckpointTensorSource(
            checkpoint, adapter: adapter, adaptation: adaptation, threads: threads,
            resamplesPositions: resamplesPositions)
        let description = try describe(checkpoint, tensorSource)
        let hasImageEncoder = tensorSource.keys.visionPrefix != nil && description.parts.holdImages
        let hasTextEncoder = tensorSource.keys.textPrefix != nil && description.parts.holdTexts
        try TensorAccount(tensorSource, description, images: hasImageEncoder, texts: hasTextEncoder).check()

        var settings = description.settings
        if let adapter {
            settings.append(
                ModelSetting(
                    name: "adapter", value: "LoRA on \(adapter.moduleCount) linear layers, merged",
                    source: LowRankAdapter.configurationName))
        }
        if hasTextEncoder, let second = tensorSource.keys.secondTextPositions {
            settings.append(
                ModelSetting(
                    name: "text positions", value: "two tables, the second from position \(second.firstRow)",
                    source: second.name))
        }
        let stored = try tensorSource.scalar(FlatFile.Name.logitScale)
        let logitBias = try tensorSource.scalar(FlatFile.Name.logitBias)
        if hasImageEncoder && hasTextEncoder {
            let fileName = String(checkpoint.path.split(separator: "/").last ?? "")
            settings.append(description.scaleSetting(stored: stored, fileName: fileName))
        }
        if let logitBias {
            settings.append(ModelSetting(name: "logit bias", value: "\(logitBias)", source: "weights"))
        }
        if hasImageEncoder { settings += description.preprocessing.settings }
        if hasTextEncoder { settings.append(description.tokenizer.setting) }
        let files = checkpoint.files + (adapter?.checkpoint.files ?? [])
        info = ModelInfo(
            location: source.location, configuration: description.configuration,
            preprocessing: description.preprocessing.configuration, hasImageEncoder: hasImageEncoder,
            hasTextEncoder: hasTextEncoder, logitScaleLogarithm: stored ?? description.initialLogitScale,
            logitBias: logitBias, settings: settings, card: description.card, weightTypes: tensorSource.weightTypes,
            byteCount: files.reduce(0) { $0 + $1.file.bytes.count }, isPacked: false, precision: .float32)
        mappedFiles = files.map(\.file)
        self.tensorSource = tensorSource
        self.description = description
    }

    /// The model's folder, if it is one of Hugging Face's.
    var huggingFaceFolder: ModelFolder? {
        description.kind.hasPrefix("Hugging Face folder") ? description.folder : nil
    }

    func tokenizer() throws(CLIPError) -> any Tokenizer { try description.tokenizer.load(info.configuration.text) }

    /// Hashing all of a large checkpoint takes seconds. This hashes its configuration and tokenizer files whole, and of
    /// every weights file the size, the header and samples spread evenly: two different trainings differ in all of them.
    func fingerprint() -> String {
        var fingerprint = Fingerprint(kind: description.kind)
        for (name, bytes) in description.files { fingerprint.add(name, bytes: bytes) }
        if let folder = description.tokenizerFolder ?? description.folder {
            // A file that can't be read, or of which can't be found out whether it is there, can't have been used: it counts
            // as empty.
            for name in TokenizerFiles.names where (try? folder.contains(name)) ?? true {
                fingerprint.add(name, bytes: (try? folder.readText(name)) ?? [])
            }
        }
        if let adapter = tensorSource.adapter {
            fingerprint.add(LowRankAdapter.configurationName, bytes: adapter.configuration)
        }
        for (index, file) in mappedFiles.enumerated() {
            fingerprint.add("weights \(index)", digest: file.sampledSHA256())
        }
        return fingerprint.hexadecimal()
    }

    /// Of the one weights file, or of all shards and an adapter one after another.
    func sourceSHA256() throws(CLIPError) -> String? {
        var hash = SHA256()
        for file in mappedFiles {
            let bytes = file.bytes
            for start in stride(from: 0, to: bytes.count, by: 32 << 20) {
                try checkCancellation()
                hash.update(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 32 << 20, bytes.count)]))
                file.releasePages()
            }
        }
        return hash.hexadecimal()
    }

    func probes() throws(CLIPError) -> Probes? {
        guard let folder = description.folder else { return nil }
        return try Probes(goldenOf: folder, dimension: info.embeddingDimension)
    }

    func checkIntegrity() throws(CLIPError) {
        for tensor in info.tensors() {
            try checkCancellation()
            switch tensor.kind {
            case .matrix(let outputs, let inputs):
                _ = try weights.matrix(tensor.key, outputs: outputs, inputs: inputs)
            case .vector(let shape): _ = try weights.vector(tensor.key, shape: shape)
            case .table(let rows, let columns): _ = try weights.table(tensor.key, rows: rows, columns: columns)
            }
        }
    }
}

/// What configuration files, or the weights' shapes, say of a model.
struct ModelDescription: Sendable {
    /// What kind of source it is: fingerprints of different kinds never agree.
    var kind: String
    var configuration: ModelConfiguration
    var preprocessing: ResolvedPreprocessing
    /// The logarithm of the logit scale of weights that bring none, and where it is from.
    var initialLogitScale: Float
    var initialLogitScaleSource: String
    /// Those of the configuration.
    var settings: [ModelSetting]
    var tokenizer: TokenizerChoice
    var card: ModelCard?
    /// The model's folder, if it has one to itself.
    var folder: ModelFolder?
    /// Where its tokenizer's files are, if that is another.
    var tokenizerFolder: ModelFolder?
    /// The configuration files as read, whose bytes count for the fingerprint.
    var files: [String: [UInt8]] = [:]
    /// The encoders that the configuration describes.
    var parts = ModelParts.all
    /// The encoders whose residuals are scaled by learnt numbers (LayerScale), as the configuration says.
    var layerScales = LayerScales()
    /// What the names of tensors begin with that embeddings don't need.
    var leftOut: [String] = []

    fileprivate func scaleSetting(stored: Float?, fileName: String) -> ModelSetting {
        ModelSetting(
            name: "logit scale", value: "\(logitFactor(stored ?? initialLogitScale))",
            source: stored == nil ? initialLogitScaleSource : fileName,
            warning: stored == nil ? "the weights hold no logit_scale: probabilities are those of a guess" : nil)
    }
}

/// Which encoders have a LayerScale (open_clip's `ls_init_value`).
struct LayerScales: Equatable {
    var image = false
    var text = false
}

/// Which tokenizer a model has, loaded when it is needed.
struct TokenizerChoice: Sendable {
    let setting: ModelSetting
    let load: @Sendable (TextConfiguration) throws(CLIPError) -> any Tokenizer

    /// CLIP's own, for models whose vocabulary it is.
    static func builtIn(
        _ cleaning: TextCleaning, _ additionalTokens: [String] = [], path: String
    ) -> TokenizerChoice {
        TokenizerChoice(
            setting: ModelSetting(name: "tokenizer", value: "CLIP's own", source: "built in")
        ) { configuration throws(CLIPError) in
            let tokenizer = BytePairTokenizer.builtIn(cleaning: cleaning, additionalTokens: additionalTokens)
            try tokenizer.check(fits: configuration, path: path)
            return tokenizer
        }
    }
}

/// The factor on cosines for a stored logarithm.
func logitFactor(_ logitScale: Float) -> Float { Float(exponential(Double(logitScale))) }

/// eˣ.
func exponential(_ exponent: Double) -> Double { exp(exponent) }
