internal import CLIPTokenizers
internal import CLIPWeights

/// A model's files, opened: what can be known without touching the weights, and ways to the rest. A new weight format is
/// one type that conforms to this, and one line in `openModel`.
protocol ModelStore: Sendable {
    /// The file or folder.
    var path: String { get }
    var configuration: ModelConfiguration { get }
    var preprocessing: PreprocessingConfiguration { get }
    /// The logarithm of the logit scale.
    var logitScale: Float { get }
    /// What is added to scaled cosines before a sigmoid; nil for models that were trained with a softmax.
    var logitBias: Float? { get }
    var hasImageEncoder: Bool { get }
    var hasTextEncoder: Bool { get }
    var weights: any TensorSource & Sendable { get }
    /// The types of numbers that the weights are stored in, such as `f32`, `q8_0`.
    var weightTypes: [String] { get }
    /// The weights' files.
    var mappedFiles: [MappedFile] { get }
    /// The size of the weights' files.
    var byteCount: Int { get }
    /// The narrowest type that the weights were rounded to on their way here.
    var precision: WeightType { get }
    /// Every resolved setting.
    var settings: [ModelSetting] { get }
    /// Those about which two files say different things.
    var contradictions: [ModelSetting] { get }
    var card: ModelCard? { get }

    /// Loads the tokenizer.
    func tokenizer() throws(CLIPError) -> any Tokenizer
    /// The files that the tokenizer is made from; none if they are no files of a Hugging Face folder.
    func ownTokenizerFiles() throws(CLIPError) -> [(name: String, bytes: [UInt8])]
    /// Computes or reads what identifies embeddings of this model.
    func fingerprint() -> String
    /// SHA-256 of the weights that this model was first made from.
    func sourceSHA256() throws(CLIPError) -> String?
    /// The embeddings to compare with; nil when the model brings none.
    func probes() throws(CLIPError) -> Probes?
    /// The probes that a file packed from this one inherits; nil when they are to be computed.
    func inheritedProbes() throws(CLIPError) -> Probes?
    /// Gives back the memory of weights that were read and copied.
    func releasePages()
    /// Reads every weight.
    /// - Throws: `CLIPError` when the weights are not what they were when the file was made.
    func checkIntegrity() throws(CLIPError)
}

extension ModelStore {
    /// Makes sure that what was computed is of the weights as they were when the model was opened.
    func checkUnchanged() throws(CLIPError) {
        for file in mappedFiles { try reading { () throws(WeightsError) in try file.checkUnchanged() } }
    }

    /// The tensors of the encoders that are there, the image encoder's first.
    var tensors: [ModelTensor] { tensors(of: .all) }

    /// The tensors of those encoders in `parts` that are there.
    func tensors(of parts: ModelParts) -> [ModelTensor] {
        (hasImageEncoder && parts.holdImages ? configuration.imageTensors : [])
            + (hasTextEncoder && parts.holdTexts ? configuration.textTensors : [])
    }
}

/// Opens the model that was found at `source`.
/// - Parameter threads: how many threads convert weights.
func openModel(_ source: ModelSource, threads: Int) throws(CLIPError) -> any ModelStore {
    switch source {
    case .flat(let path): return try FlatModel(path: path)
    case .huggingFace(let folder): return try CheckpointModel(huggingFace: source, folder: folder, threads: threads)
    case .weights(_, let folder):
        // The hub's repositories often hold both configurations: the names of the tensors tell whose the file is.
        let files = ModelFolder(path: folder)
        let checkpoint = try reading { () throws(WeightsError) in try Checkpoint(source) }
        let layout = CheckpointKeys(checkpoint.names).layout
        let isOpenCLIP = layout == .openAI || layout == .timm
        let hasConfig = try files.has("config.json")
        if isOpenCLIP || !hasConfig, try files.has("open_clip_config.json") {
            return try CheckpointModel(openCLIP: source, folder: folder, threads: threads)
        }
        return try CheckpointModel(huggingFace: source, folder: folder, threads: threads)
    case .openCLIP(let folder): return try CheckpointModel(openCLIP: source, folder: folder, threads: threads)
    case .openAI(let path): return try CheckpointModel(openAI: path, threads: threads)
    case .gguf(let path): return try CheckpointModel(gguf: path, threads: threads)
    }
}

extension CLIPError {
    /// The same error for people who use this library: it names the file.
    init(_ error: WeightsError) {
        self.init(.model, path: error.path, error.problem)
    }
}

/// Calls `body`, turning what the weights module throws into `CLIPError`.
func reading<Result>(_ body: () throws(WeightsError) -> Result) throws(CLIPError) -> Result {
    do {
        return try body()
    } catch {
        throw CLIPError(error)
    }
}

/// The encoders of a model.
public enum ModelParts: String, Sendable, CaseIterable {
    case all, images, texts

    var holdImages: Bool { self != .texts }
    var holdTexts: Bool { self != .images }
}

/// How weights are stored. Arithmetic is in 32-bit floats, with int8 weights partly in whole numbers.
public enum WeightType: String, Sendable, CaseIterable {
    /// 32-bit floats: exact.
    case float32 = "f32"
    /// 16-bit floats: half the size.
    case float16 = "f16"
    /// 8-bit whole numbers with a scale for each output of a layer: a quarter of f32's size, and several times its speed.
    /// Token embeddings and the last projections stay f16.
    case int8
}

extension WeightType {
    /// How weights of this type are declared in a file.
    var elementType: ElementType {
        switch self {
        case .float32: .f32
        case .float16: .f16
        case .int8: .i8
        }
    }

    /// How `tensor` is declared. In an int8 file only what takes time and space is int8: the matrices of the layers and
    /// the patch embedding.
    func elementType(of tensor: ModelTensor) -> ElementType {
        self == .int8 && !tensor.isQuantisable ? .f16 : elementType
    }

    /// The one of the two that rounds more.
    func narrower(_ other: WeightType) -> WeightType { leastCosine <= other.leastCosine ? self : other }

    /// The least cosine of embeddings by these weights to those by the original weights.
    var leastCosine: Float {
        switch self {
        case .float32: 0.999999
        case .float16: 0.9999
        case .int8: 0.99
        }
    }
}
