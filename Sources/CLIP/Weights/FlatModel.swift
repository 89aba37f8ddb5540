internal import CLIPJSON
internal import CLIPTokenizers
internal import CLIPWeights

/// A model in a flat `.clip` file.
struct FlatModel: ModelStore {
    let path: String
    let configuration: ModelConfiguration
    let preprocessing: PreprocessingConfiguration
    let logitScale: Float
    let logitBias: Float?
    let hasImageEncoder: Bool
    let hasTextEncoder: Bool
    private let flat: FlatFile
    private let weightType: WeightType
    private let storedFingerprint: String

    var weights: any TensorSource & Sendable { FlatTensorSource(flat: flat) }

    init(path: String) throws(CLIPError) {
        self.path = path
        let flat = try FlatFile(path: path)
        self.flat = flat
        let config = try HuggingFaceConfig(
            json: Array(try flat.text(FlatFile.Name.config).utf8), path: path, source: "config")
        configuration = config.configuration
        let names = Set(flat.file.names)
        hasImageEncoder = names.contains("vision_model.embeddings.patch_embedding.weight")
        hasTextEncoder = names.contains("text_model.embeddings.token_embedding.weight")
        preprocessing = try ResolvedPreprocessing(
            huggingFace: Array(try flat.text(FlatFile.Name.preprocessor).utf8), path: path, source: "preprocessor",
            imageSize: hasImageEncoder ? configuration.vision.imageSize : nil
        ).configuration
        let typeName = try flat.text(FlatFile.Name.weightType)
        guard let weightType = WeightType(rawValue: typeName) else {
            throw CLIPError(
                .model, path: path,
                "has weights of type \(jsonString(typeName)), expected "
                    + "\(WeightType.allCases.map(\.rawValue).joined(separator: ", ")): update this program, or pack again"
            )
        }
        self.weightType = weightType
        let fingerprint = try flat.text(FlatFile.Name.fingerprint)
        guard fingerprint.utf8.count == 64, fingerprint.utf8.allSatisfy(Character.isHexadecimal) else {
            throw CLIPError(.model, path: path, "has no valid fingerprint: it is damaged, pack the model again")
        }
        storedFingerprint = fingerprint
        guard hasImageEncoder || hasTextEncoder else {
            throw CLIPError(.model, path: path, "holds no encoder: it is damaged, pack the model again")
        }
        let scale = try flat.tensor(FlatFile.Name.logitScale, types: [.f32], shape: [])
        let value = try scale.map { tensor throws(CLIPError) in
            try reading { () throws(WeightsError) in try tensor.floats()[0] }
        }
        guard let value, value.isFinite, logitFactor(value).isFinite else {
            throw CLIPError(.model, path: path, "has no valid logit_scale: it is damaged, pack the model again")
        }
        logitScale = value
        let bias = try flat.tensor(FlatFile.Name.logitBias, types: [.f32], shape: [])
        logitBias = try bias.map { tensor throws(CLIPError) in
            try reading { () throws(WeightsError) in try tensor.floats()[0] }
        }
        guard logitBias?.isFinite ?? true else {
            throw CLIPError(.model, path: path, "has no valid logit_bias: it is damaged, pack the model again")
        }
    }

    var weightTypes: [String] { [weightType.rawValue] }

    var mappedFiles: [MappedFile] { [flat.file.file] }

    var byteCount: Int { flat.file.file.bytes.count }

    var precision: WeightType {
        let former = flat.file.metadata[FlatFile.Name.roundedTo].flatMap { WeightType(rawValue: $0) }
        return weightType.narrower(former ?? weightType)
    }

    /// What was resolved when the file was packed.
    var settings: [ModelSetting] {
        flat.file.metadata[FlatFile.Name.settings].flatMap { ModelSetting.list(json: Array($0.utf8)) } ?? []
    }

    var contradictions: [ModelSetting] { [] }

    var card: ModelCard? {
        flat.file.metadata[FlatFile.Name.card].flatMap {
            try? ModelCard(json: Array($0.utf8), path: path, name: "unnamed")
        }
    }

    func tokenizer() throws(CLIPError) -> any Tokenizer {
        guard let tensor = try flat.tensor(FlatFile.Name.tokenizer, types: [.u8], shape: [nil]) else {
            throw CLIPError(.model, path: path, "has no tokenizer: it is damaged, pack the model again")
        }
        let bytes = UnsafeRawBufferPointer(
            rebasing: tensor.file.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
        do {
            let tokenizer = try loadTokenizer(compiled: bytes, owner: tensor.file)
            try tokenizer.check(fits: configuration.text, path: path)
            return tokenizer
        } catch let error as TokenizerError {
            throw CLIPError(.model, path: path, error.problem)
        } catch let error as CLIPError {
            throw error
        } catch {
            throw CLIPError(.model, path: path, "\(error)")
        }
    }

    func fingerprint() -> String { storedFingerprint }

    func sourceSHA256() throws(CLIPError) -> String? { card?.sourceSHA256 }

    func probes() throws(CLIPError) -> Probes? { try Probes(flat, dimension: configuration.embeddingDimension) }

    /// This file's weights may be rounded; its probes are the original's.
    func inheritedProbes() throws(CLIPError) -> Probes? { try probes() }

    func releasePages() { flat.file.file.releasePages() }

    func checkIntegrity() throws(CLIPError) {
        var fingerprint = FlatFingerprint(
            config: try flat.text(FlatFile.Name.config), preprocessor: try flat.text(FlatFile.Name.preprocessor))
        for name in flat.file.names where !FlatFile.Name.isProbe(name) {
            guard let tensor = try reading({ () throws(WeightsError) in try flat.file.tensor(name) }) else { continue }
            try reading { () throws(WeightsError) in try tensor.checkFinite() }
            tensor.withBytes { fingerprint.add(name, tensor.type, tensor.shape, $0) }
            releasePages()
        }
        let found = fingerprint.hexadecimal()
        guard found == storedFingerprint else {
            throw CLIPError(
                .model, path: path,
                "is damaged: its content has the fingerprint \(found), its header says \(storedFingerprint): "
                    + "copy or pack it again")
        }
    }
}

extension FlatFile.Name {
    static func isProbe(_ name: String) -> Bool { name == textProbes || name == imageProbes }
}

extension Character {
    fileprivate static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
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
