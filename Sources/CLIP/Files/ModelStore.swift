internal import CLIPSystem
internal import CLIPTokenizers
internal import CLIPWeights

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

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

/// What is known of a model without touching its weights.
public struct ModelInfo: Sendable {
    package let path: String
    /// The shape of the two encoders. Of a model that holds one encoder, the other's is without meaning.
    package let configuration: ModelConfiguration
    /// How pictures are resized, cropped and normalised.
    package let preprocessing: PreprocessingConfiguration
    /// Whether pictures can be embedded: the weights hold an image encoder.
    public let hasImageEncoder: Bool
    /// Whether texts can be embedded: the weights hold a text encoder.
    public let hasTextEncoder: Bool
    /// The logarithm of `logitScale`, as weights store it.
    let logitScaleLogarithm: Float
    /// What is added to scaled cosines before a sigmoid, in models that were trained with one (SigLIP); nil in others.
    public let logitBias: Float?
    /// Every setting that was resolved while loading, where it came from, and what is risky about it. A `.clip` file
    /// keeps the settings of the model that it was packed from.
    public let settings: [ModelSetting]
    /// Provenance, licence and limits, if the file carries them.
    public let card: ModelCard?
    /// How the weights are stored: `f32`, `f16`, `bf16`, or several of them.
    public let weightTypes: [String]
    /// The size of the weights' files, in bytes.
    public let byteCount: Int
    /// Whether it is a `.clip` file.
    let isPacked: Bool
    /// The narrowest type that the weights were rounded to on their way here.
    let precision: WeightType

    /// The number of values in an embedding.
    public var embeddingDimension: Int { configuration.embeddingDimension }
    /// The side in pixels of the square that the image encoder takes.
    public var imageSize: Int { preprocessing.cropSize }
    /// The length in pixels that the shortest edge of a picture is resized to, before the square is cut out of it.
    public var resizedEdge: Int { preprocessing.resizeSize }
    /// The most tokens that the text encoder takes.
    public var contextLength: Int { configuration.text.contextLength }
    /// Where the model was loaded from.
    public var url: URL { PathBytes(path).url }

    /// The factor on cosines before a softmax: the exponential of the stored `logit_scale`, 100 in OpenAI's models.
    public var logitScale: Float { logitFactor(logitScaleLogarithm) }

    /// Those of the settings about which two files of the model's folder say different things, with what follows from the
    /// choice as their warnings. A `.clip` file has none.
    public var contradictions: [ModelSetting] {
        isPacked
            ? []
            : settings.filter {
                $0.warning != nil && [ModelSetting.configuration, ModelSetting.pictures].contains($0.name)
            }
    }

    /// The number of weights of the encoders that are there.
    public var weightCount: Int { (hasImageEncoder ? imageWeightCount : 0) + (hasTextEncoder ? textWeightCount : 0) }
    /// The number of weights that the image encoder has by its configuration.
    package var imageWeightCount: Int { configuration.imageTensors.reduce(0) { $0 + $1.count } }
    /// The number of weights that the text encoder has by its configuration.
    package var textWeightCount: Int { configuration.textTensors.reduce(0) { $0 + $1.count } }

    /// The tensors of those encoders in `parts` that are there, the image encoder's first.
    func tensors(of parts: ModelParts = .all) -> [ModelTensor] {
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
        let checkpoint = try Checkpoint(source)
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

/// The encoders of a model.
public enum ModelParts: String, Sendable, CaseIterable {
    /// The image encoder and the text encoder.
    case all
    /// The image encoder alone.
    case images
    /// The text encoder alone.
    case texts

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
