internal import CLIPSystem
internal import CLIPTokenizers
internal import CLIPWeights

/// A model's files, opened: what is known of it, and ways to the rest. A new weight format is one type that conforms to
/// this, and one line in `openModel`.
protocol ModelStore: Sendable {
    var info: ModelInfo { get }
    var weights: any TensorSource { get }
    /// The weights' files.
    var mappedFiles: [MappedFile] { get }

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
    /// Reads every weight.
    /// - Throws: `CLIPError` when the weights are not what they were when the file was made.
    func checkIntegrity() throws(CLIPError)
}

extension ModelStore {
    func ownTokenizerFiles() throws(CLIPError) -> [(name: String, bytes: [UInt8])] { [] }

    /// Gives back the memory of weights that were read and copied.
    func releasePages() {
        for file in mappedFiles { file.releasePages() }
    }

    /// Makes sure that what was computed is of the weights as they were when the model was opened.
    func checkUnchanged() throws(CLIPError) {
        for file in mappedFiles { try file.checkUnchanged() }
    }
}

/// Opens the model that was found at `source`.
/// - Parameter threads: how many threads convert weights.
func openModel(_ source: ModelSource, threads: Int) throws(CLIPError) -> any ModelStore {
    switch source {
    case .flat(let file): return try FlatModel(file)
    case .huggingFace(let folder): return try CheckpointModel(huggingFace: source, folder: folder, threads: threads)
    case .weights(_, let folder):
        // The hub's repositories often hold both configurations: the names of the tensors tell whose the file is.
        let files = ModelFolder(folder)
        let checkpoint = try Checkpoint(source)
        let layout = CheckpointKeys(checkpoint.names).layout
        let isOpenCLIP = layout == .openAI || layout == .timm
        let hasConfig = try files.contains("config.json")
        if isOpenCLIP || !hasConfig, try files.openCLIPConfiguration() != nil {
            return try CheckpointModel(openCLIP: source, folder: folder, threads: threads)
        }
        return try CheckpointModel(huggingFace: source, folder: folder, threads: threads)
    case .openCLIP(let folder): return try CheckpointModel(openCLIP: source, folder: folder, threads: threads)
    case .openAI(let file): return try CheckpointModel(openAI: file, threads: threads)
    case .gguf(let file): return try CheckpointModel(gguf: file, threads: threads)
    case .sentences(let modules): return try CheckpointModel(sentences: modules, threads: threads)
    }
}
