internal import CLIPCompute
internal import CLIPJSON
internal import CLIPSystem
internal import CLIPTokenizers
internal import CLIPWeights

/// A flat `.clip` file: a safetensors file that holds all of a model, its matrices as panels that are used as they lie.
///
/// Opening reads the header alone. `verify` is what looks at every weight.
struct FlatFile: Sendable {
    /// What the file's metadata and tensors are called.
    enum Name {
        static let format = "clip"
        /// The newest version that is read. Files without whole numbers of 16 bits are written as version 1, which older
        /// programs read too.
        static let version = 2
        static let fingerprint = "fingerprint"
        static let config = "config"
        static let preprocessor = "preprocessor"
        static let card = "model_card"
        static let settings = "settings"
        static let weightType = "dtype"
        /// A type narrower than that, which the weights were rounded to before.
        static let roundedTo = "rounded_to"
        static let probes = "probes"
        static let tokenizer = "tokenizer"
        static let logitScale = "logit_scale"
        static let logitBias = "logit_bias"
        static let textProbes = "probes.text"
        static let imageProbes = "probes.image"
        /// What belongs to the matrix `key` of whole numbers.
        static func scales(of key: String) -> String { key + "_scale" }
        static func sums(of key: String) -> String { key + "_sum" }
    }

    let file: SafetensorsFile
    var path: String { file.file.path }

    /// Opens the file there.
    /// - Throws: `CLIPError` when it is damaged, not a `.clip` file, or of a newer version.
    init(_ location: PathBytes) throws(CLIPError) {
        file = try SafetensorsFile(location)
        guard file.metadata["format"] == Name.format else {
            throw CLIPError(
                .model, path: path,
                "is a safetensors file but no .clip file: give its folder, or pack it first", advice: .pack)
        }
        guard let version = file.metadata["format_version"].flatMap({ Int($0) }), version >= 1 else {
            throw CLIPError(.model, path: path, "has no valid format_version: it is damaged, pack the model again")
        }
        guard version <= Name.version else {
            throw CLIPError(
                .model, path: path,
                "is a .clip file of version \(version), this program reads up to \(Name.version): "
                    + "update it, or pack the model again")
        }
    }

    /// The shape of a matrix's panels.
    static func panelShape(outputs: Int, inputs: Int, type: ElementType) -> [Int] {
        let (panels, width) = (PanelPackedMatrix.panelCount(outputs: outputs), PanelPackedMatrix.panelWidth)
        guard let whole = type.wholeNumbers else { return [panels, inputs, width] }
        return [panels, PanelPackedMatrix.groupCount(inputs: inputs, whole), width, whole.groupSize]
    }

    /// A text of the metadata that every `.clip` file has.
    func text(_ key: String) throws(CLIPError) -> String {
        guard let text = file.metadata[key] else {
            throw CLIPError(
                .model, path: path, "has no \"\(key)\" in its metadata: it is damaged, pack the model again")
        }
        return text
    }

    /// A tensor of a fixed type and shape, nil when the file has none.
    func tensor(_ name: String, types: [ElementType], shape: [Int?]) throws(CLIPError) -> StoredTensor? {
        guard let tensor = try file.tensor(name) else { return nil }
        let matches =
            tensor.shape.count == shape.count && zip(tensor.shape, shape).allSatisfy { $1 == nil || $0 == $1 }
        guard types.contains(tensor.type), matches else {
            let expected = shape.map { $0.map(String.init) ?? "n" }.joined(separator: ", ")
            throw CLIPError(
                .model, path: path,
                "tensor \"\(name)\" is \(tensor.type.rawValue) of shape \(tensor.shape.prefix(8)), expected "
                    + "\(types.map(\.rawValue).joined(separator: " or ")) of [\(expected)]: pack the model again")
        }
        let start = UInt(bitPattern: tensor.file.bytes.baseAddress) + UInt(tensor.offset)
        guard start.isMultiple(of: UInt(tensor.type.byteCount)) else {
            throw CLIPError(
                .model, path: path,
                "tensor \"\(name)\" starts at byte \(tensor.offset), expected a multiple of "
                    + "\(tensor.type.byteCount): pack the model again")
        }
        return tensor
    }
}

extension ElementType {
    /// Panels of whole numbers that are declared so.
    var wholeNumbers: PanelPackedMatrix.ElementType? {
        switch self {
        case .i16: .int16
        case .i8: .int8
        default: nil
        }
    }
}

/// The encoders' weights in a flat file: views into the mapping, no page of which is touched by making them.
struct FlatTensorSource: TensorSource {
    let flat: FlatFile

    func matrix(_ key: String, outputs: Int, inputs: Int) throws(CLIPError) -> PanelPackedMatrix {
        let declared = try flat.file.tensor(key)?.type ?? .f32
        let whole = declared.wholeNumbers
        let shape = FlatFile.panelShape(outputs: outputs, inputs: inputs, type: declared)
        let tensor = try tensor(key, types: whole == nil ? [.f32, .f16] : [declared], shape: shape)
        return PanelPackedMatrix(
            inputs: inputs, outputs: outputs, elementType: whole ?? (tensor.type == .f16 ? .float16 : .float32),
            bytes: UnsafeRawBufferPointer(
                rebasing: tensor.file.bytes[tensor.offset..<tensor.offset + tensor.byteCount]),
            columnScales: try whole.map { type throws(CLIPError) in try columnScales(key, outputs: outputs, type) },
            owner: tensor.file)
    }

    /// Reads the scales of whole numbers, of int8 their sums too: they are few.
    private func columnScales(
        _ key: String, outputs: Int, _ type: PanelPackedMatrix.ElementType
    ) throws(CLIPError) -> ColumnScales {
        let count = PanelPackedMatrix.paddedOutputs(outputs)
        let scales = try vector(FlatFile.Name.scales(of: key), shape: [count]).values
        guard type == .int8 else { return ColumnScales(scales: scales) }
        let sums = try tensor(FlatFile.Name.sums(of: key), types: [.i32], shape: [count]).withBytes { bytes in
            (0..<count).map { Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
        }
        return ColumnScales(scales: scales, sums: sums)
    }

    /// Reads its numbers: they are few.
    func vector(_ key: String, shape: [Int]) throws(CLIPError) -> ParameterVector {
        let tensor = try tensor(key, types: [.f32], shape: shape)
        return ParameterVector(try tensor.finiteFloats())
    }

    func table(_ key: String, rows: Int, columns: Int) throws(CLIPError) -> RowTable {
        try tensor(key, types: [.f32, .f16], shape: [rows, columns]).rowTable(rows: rows, columns: columns)
    }

    private func tensor(_ key: String, types: [ElementType], shape: [Int?]) throws(CLIPError) -> StoredTensor {
        guard let tensor = try flat.tensor(key, types: types, shape: shape) else {
            throw CLIPError(
                .model, path: flat.path, "has no tensor \"\(key)\": it is damaged, pack the model again")
        }
        return tensor
    }
}

/// A model in a flat `.clip` file.
struct FlatModel: ModelStore {
    let info: ModelInfo
    private let flat: FlatFile
    private let storedFingerprint: String

    var weights: any TensorSource { FlatTensorSource(flat: flat) }

    var mappedFiles: [MappedFile] { [flat.file.file] }

    init(_ location: PathBytes) throws(CLIPError) {
        let flat = try FlatFile(location)
        let path = flat.path
        self.flat = flat
        let configuration = try HuggingFaceConfig(
            json: Array(try flat.text(FlatFile.Name.config).utf8), path: path, source: "config"
        ).configuration
        let names = Set(flat.file.names)
        let hasImageEncoder = names.contains { $0.hasPrefix("vision_model.") }
        let hasTextEncoder = names.contains("text_model.embeddings.token_embedding.weight")
        let preprocessing = try ResolvedPreprocessing(
            huggingFace: Array(try flat.text(FlatFile.Name.preprocessor).utf8), path: path, source: "preprocessor",
            vision: hasImageEncoder ? configuration.vision : nil
        ).configuration
        let typeName = try flat.text(FlatFile.Name.weightType)
        guard let weightType = WeightType(rawValue: typeName) else {
            throw CLIPError(
                .model, path: path,
                "has weights of type \(jsonString(typeName)), expected "
                    + "\(WeightType.allCases.map(\.rawValue).joined(separator: ", ")): update this program, or pack again"
            )
        }
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
            try tensor.floats()[0]
        }
        guard let value, value.isFinite, logitFactor(value).isFinite else {
            throw CLIPError(.model, path: path, "has no valid logit_scale: it is damaged, pack the model again")
        }
        let bias = try flat.tensor(FlatFile.Name.logitBias, types: [.f32], shape: [])
        let logitBias = try bias.map { tensor throws(CLIPError) in
            try tensor.floats()[0]
        }
        guard logitBias?.isFinite ?? true else {
            throw CLIPError(.model, path: path, "has no valid logit_bias: it is damaged, pack the model again")
        }
        let metadata = flat.file.metadata
        let former = metadata[FlatFile.Name.roundedTo].flatMap { WeightType(rawValue: $0) }
        info = ModelInfo(
            location: location, configuration: configuration, preprocessing: preprocessing,
            hasImageEncoder: hasImageEncoder,
            hasTextEncoder: hasTextEncoder, logitScaleLogarithm: value, logitBias: logitBias,
            // What was resolved when the file was packed.
            settings: metadata[FlatFile.Name.settings].flatMap { ModelSetting.list(json: Array($0.utf8)) } ?? [],
            card: metadata[FlatFile.Name.card].flatMap {
                try? ModelCard(json: Array($0.utf8), path: path, name: "unnamed")
            }, weightTypes: [weightType.rawValue], byteCount: flat.file.file.bytes.count, isPacked: true,
            precision: weightType.narrower(former ?? weightType))
    }

    func tokenizer() throws(CLIPError) -> any Tokenizer {
        guard let tensor = try flat.tensor(FlatFile.Name.tokenizer, types: [.u8], shape: [nil]) else {
            throw CLIPError(.model, path: flat.path, "has no tokenizer: it is damaged, pack the model again")
        }
        let bytes = UnsafeRawBufferPointer(
            rebasing: tensor.file.bytes[tensor.offset..<tensor.offset + tensor.byteCount])
        do throws(CLIPError) {
            let tokenizer = try loadTokenizer(compiled: bytes, owner: tensor.file)
            try tokenizer.check(fits: info.configuration.text, path: flat.path)
            return tokenizer
        } catch {
            throw error.at(flat.path)
        }
    }

    func fingerprint() -> String { storedFingerprint }

    func sourceSHA256() throws(CLIPError) -> String? { info.card?.sourceSHA256 }

    func probes() throws(CLIPError) -> Probes? { try Probes(flat, dimension: info.embeddingDimension) }

    func checkIntegrity() throws(CLIPError) {
        var fingerprint = FlatFingerprint(
            config: try flat.text(FlatFile.Name.config), preprocessor: try flat.text(FlatFile.Name.preprocessor))
        for name in flat.file.names where !FlatFile.Name.isProbe(name) {
            try checkCancellation()
            guard let tensor = try flat.file.tensor(name) else { continue }
            try tensor.checkFinite()
            tensor.withBytes { fingerprint.add(name, tensor.type, tensor.shape, $0) }
            releasePages()
        }
        let found = fingerprint.hexadecimal()
        guard found == storedFingerprint else {
            throw CLIPError(
                .model, path: flat.path,
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

/// What tells models apart whose embeddings must not be compared: SHA-256 over all that decides an embedding, in an order
/// that doesn't depend on where a file keeps it.
struct Fingerprint {
    private var lines: [String] = []

    /// - Parameter kind: fingerprints of different kinds never agree.
    init(kind: String) {
        lines.append("\u{0} \(kind)\n")
    }

    /// Counts a part by its name and the digest of its bytes.
    mutating func add(_ name: String, digest: String) {
        lines.append("\(name)\t\(digest)\n")
    }

    /// Counts a small part.
    mutating func add(_ name: String, bytes: [UInt8]) {
        add(name, digest: bytes.withUnsafeBytes(SHA256.hexadecimal))
    }

    /// 64 hexadecimal digits.
    func hexadecimal() -> String {
        var hash = SHA256()
        for line in lines.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { hash.update(Array(line.utf8)) }
        return hash.hexadecimal()
    }
}

/// The parts of a flat file that decide an embedding: every tensor but the probes, configuration and preprocessing.
struct FlatFingerprint {
    private var fingerprint = Fingerprint(kind: "clip file 1")

    init(config: String, preprocessor: String) {
        fingerprint.add(FlatFile.Name.config, bytes: Array(config.utf8))
        fingerprint.add(FlatFile.Name.preprocessor, bytes: Array(preprocessor.utf8))
    }

    mutating func add(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: UnsafeRawBufferPointer) {
        fingerprint.add("\(name) \(type.rawValue) \(shape)", digest: SHA256.hexadecimal(of: bytes))
    }

    func hexadecimal() -> String { fingerprint.hexadecimal() }
}
