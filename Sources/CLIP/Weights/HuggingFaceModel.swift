internal import Tokenizers
internal import Weights

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A model in a Hugging Face folder: config.json, safetensors files, tokenizer and preprocessor files.
struct HuggingFaceModel: ModelStore {
    let path: String
    let configuration: ModelConfiguration
    let preprocessing: PreprocessingConfiguration
    let logitScale: Float
    let hasImageEncoder: Bool
    let hasTextEncoder: Bool
    let settings: [ModelSetting]
    let card: ModelCard?
    private let folder: ModelFolder
    private let checkpoint: Checkpoint
    private let tensorSource: CheckpointTensorSource
    /// The configuration files as read, whose bytes count for the fingerprint.
    private let fingerprintedFiles: [String: [UInt8]]

    var weights: any TensorSource & Sendable { tensorSource }

    /// - Parameter source: the folder, or a safetensors file in it.
    init(_ source: ModelSource, folder folderPath: String, threads: Int) throws(CLIPError) {
        path = source.path
        folder = ModelFolder(path: folderPath)
        let configPath = folder.path(of: "config.json")
        guard let json = try folder.text("config.json") else {
            throw CLIPError(.model, path: configPath, "is missing: fetch the whole model")
        }
        var config = try HuggingFaceConfig(json: json, path: configPath)
        checkpoint = try reading { () throws(WeightsError) in try Checkpoint(source) }
        tensorSource = CheckpointTensorSource(checkpoint, threads: threads)
        hasImageEncoder = tensorSource.keys.visionPrefix != nil
        hasTextEncoder = tensorSource.keys.textPrefix != nil
        guard hasImageEncoder || hasTextEncoder else { throw HuggingFaceModel.noEncoder(checkpoint) }
        if let dimension = try tensorSource.embeddingDimension() { config.setEmbeddingDimension(inferred: dimension) }
        configuration = config.configuration

        let (preprocessorName, preprocessorJSON) = try HuggingFaceModel.preprocessor(in: folder)
        let resolved = try ResolvedPreprocessing(
            huggingFace: preprocessorJSON, path: folder.path(of: preprocessorName), source: preprocessorName,
            imageSize: configuration.vision.imageSize)
        preprocessing = resolved.configuration

        var settings = config.settings.map { [tensorSource] in tensorSource.warning(about: $0, config.configuration) }
        let stored = try tensorSource.scalar(FlatFile.Name.logitScale)
        logitScale = stored ?? config.initialLogitScale
        if hasImageEncoder && hasTextEncoder {
            settings.append(HuggingFaceModel.scaleSetting(stored, logitScale, path: checkpoint.path))
        }
        if hasImageEncoder { settings += resolved.settings }
        if hasTextEncoder {
            settings.append(TokenizerFiles.setting(in: folder, vocabularySize: configuration.text.vocabularySize))
        }
        self.settings = settings
        card = try ModelCard(folder: folder, name: config.name)
        fingerprintedFiles = ["config.json": json, preprocessorName: preprocessorJSON ?? []]
    }

    var weightTypes: [ElementType] { tensorSource.elementTypes }

    var byteCount: Int { checkpoint.files.reduce(0) { $0 + $1.file.bytes.count } }

    var leastCosine: Float { WeightType.float32.leastCosine }

    func tokenizer() throws(CLIPError) -> BytePairTokenizer {
        try TokenizerFiles.load(from: folder, configuration: configuration.text)
    }

    /// Hashing all of a large checkpoint takes seconds. This hashes its configuration and tokenizer files whole, and of
    /// every weights file the size, the header and samples spread evenly: two different trainings differ in all of them.
    func fingerprint() -> String {
        var fingerprint = Fingerprint(kind: "Hugging Face folder 1")
        for (name, bytes) in fingerprintedFiles { fingerprint.add(name, bytes: bytes) }
        for name in TokenizerFiles.names where folder.contains(name) {
            // A file that can't be read can't have been used: it counts as empty.
            fingerprint.add(name, bytes: (try? folder.readText(name)) ?? [])
        }
        for (index, file) in checkpoint.files.enumerated() {
            fingerprint.add("weights \(index)", digest: file.file.sampledSHA256())
        }
        return fingerprint.hexadecimal()
    }

    /// Of the one weights file, or of all shards one after another.
    func sourceSHA256() throws(CLIPError) -> String? {
        var hash = SHA256()
        for file in checkpoint.files { hash.update(file.file.bytes) }
        return hash.hexadecimal()
    }

    func probes() throws(CLIPError) -> Probes? {
        try Probes(goldenOf: folder, dimension: configuration.embeddingDimension)
    }

    func inheritedProbes() throws(CLIPError) -> Probes? { nil }

    func checkIntegrity() throws(CLIPError) {
        for tensor in tensors {
            switch tensor.kind {
            case .matrix(let outputs, let inputs):
                _ = try weights.matrix(tensor.key, outputs: outputs, inputs: inputs)
            case .vector(let shape): _ = try weights.vector(tensor.key, count: shape.reduce(1, *))
            case .table(let rows, let columns): _ = try weights.table(tensor.key, rows: rows, columns: columns)
            }
        }
    }

    /// transformers 5 saves processor_config.json alone.
    private static func preprocessor(in folder: ModelFolder) throws(CLIPError) -> (name: String, json: [UInt8]?) {
        for name in ["preprocessor_config.json", "processor_config.json"] {
            if let json = try folder.text(name) { return (name, json) }
        }
        return ("preprocessor_config.json", nil)
    }

    private static func scaleSetting(_ stored: Float?, _ value: Float, path: String) -> ModelSetting {
        ModelSetting(
            name: "logit scale", value: "\(logitFactor(value))",
            source: stored == nil
                ? "config.json logit_scale_init_value" : String(path.split(separator: "/").last ?? ""),
            warning: stored == nil ? "the weights hold no logit_scale: probabilities are those before training" : nil)
    }

    private static func noEncoder(_ checkpoint: Checkpoint) -> CLIPError {
        let isOpenAI = checkpoint.contains("visual.conv1.weight") || checkpoint.contains("visual.proj")
        return CLIPError(
            .model, path: checkpoint.path,
            isOpenAI
                ? "has the tensor names of OpenAI and open_clip, expected Hugging Face's (vision_model.…): "
                    + "use the model's transformers files"
                : "has neither vision_model.embeddings.patch_embedding.weight nor "
                    + "text_model.embeddings.token_embedding.weight: it is not a CLIP")
    }
}

/// The factor on cosines for a stored logarithm.
func logitFactor(_ logitScale: Float) -> Float { Float(exponential(Double(logitScale))) }

/// eˣ.
func exponential(_ exponent: Double) -> Double { exp(exponent) }

extension ModelFolder {
    /// The full path of the file `name`.
    func path(of name: String) -> String { path.hasSuffix("/") ? path + name : "\(path)/\(name)" }

    /// The bytes of the file `name`, nil if there is none.
    func text(_ name: String) throws(CLIPError) -> [UInt8]? {
        try reading { () throws(WeightsError) in try readText(name) }
    }
}
