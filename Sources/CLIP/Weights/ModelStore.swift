internal import Tokenizers
internal import Weights

/// A model's files, opened: what can be known without touching the weights, and ways to the rest. A new weight format is
/// one type that conforms to this, and one line in `openModel`.
protocol ModelStore: Sendable {
    /// The file or folder.
    var path: String { get }
    var configuration: ModelConfiguration { get }
    var preprocessing: PreprocessingConfiguration { get }
    /// The logarithm of the logit scale.
    var logitScale: Float { get }
    var hasImageEncoder: Bool { get }
    var hasTextEncoder: Bool { get }
    var weights: any TensorSource & Sendable { get }
    /// The element types that the weights are stored in.
    var weightTypes: [ElementType] { get }
    /// The size of the weights' files.
    var byteCount: Int { get }
    /// How exact embeddings by these weights are: the least cosine to the original's.
    var leastCosine: Float { get }
    /// Every resolved setting.
    var settings: [ModelSetting] { get }
    var card: ModelCard? { get }

    /// Loads the tokenizer.
    func tokenizer() throws(CLIPError) -> BytePairTokenizer
    /// Computes or reads what identifies embeddings of this model.
    func fingerprint() -> String
    /// SHA-256 of the weights that this model was first made from.
    func sourceSHA256() throws(CLIPError) -> String?
    /// The embeddings to compare with; nil when the model brings none.
    func probes() throws(CLIPError) -> Probes?
    /// The probes that a file packed from this one inherits; nil when they are to be computed.
    func inheritedProbes() throws(CLIPError) -> Probes?
    /// Reads every weight.
    /// - Throws: `CLIPError` when the weights are not what they were when the file was made.
    func checkIntegrity() throws(CLIPError)
}

extension ModelStore {
    /// The tensors of the encoders that are there, the image encoder's first.
    var tensors: [ModelTensor] {
        (hasImageEncoder ? configuration.imageTensors : []) + (hasTextEncoder ? configuration.textTensors : [])
    }
}

/// Opens the model that was found at `source`.
/// - Parameter threads: how many threads convert weights.
func openModel(_ source: ModelSource, threads: Int) throws(CLIPError) -> any ModelStore {
    switch source {
    case .flat(let path): return try FlatModel(path: path)
    case .huggingFace(let folder): return try HuggingFaceModel(source, folder: folder, threads: threads)
    case .safetensors(_, let folder) where ModelFolder(path: folder).contains("config.json"):
        return try HuggingFaceModel(source, folder: folder, threads: threads)
    case .safetensors, .openCLIP:
        throw CLIPError(
            .model, path: source.path,
            "is an open_clip model: this version reads Hugging Face's files (config.json and model.safetensors) "
                + "and .clip files, use the transformers files of the same model")
    }
}
