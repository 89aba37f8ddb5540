internal import JSON
internal import TensorCore
internal import Weights

/// A flat `.clip` file: a safetensors file that holds all of a model, its matrices as panels that are used as they lie.
///
/// Opening reads the header alone. `verify` is what looks at every weight.
struct FlatFile: Sendable {
    /// What the file's metadata and tensors are called.
    enum Name {
        static let format = "clip"
        /// The version that is written, and the newest that is read.
        static let version = 1
        static let fingerprint = "fingerprint"
        static let config = "config"
        static let preprocessor = "preprocessor"
        static let card = "model_card"
        static let settings = "settings"
        static let weightType = "dtype"
        static let probes = "probes"
        static let tokenizer = "tokenizer"
        static let logitScale = "logit_scale"
        static let logitBias = "logit_bias"
        static let textProbes = "probes.text"
        static let imageProbes = "probes.image"
    }

    let file: SafetensorsFile
    var path: String { file.file.path }

    /// Opens the file at `path`.
    /// - Throws: `CLIPError` when it is damaged, not a `.clip` file, or of a newer version.
    init(path: String) throws(CLIPError) {
        file = try reading { () throws(WeightsError) in try SafetensorsFile(path: path) }
        guard file.metadata["format"] == Name.format else {
            throw CLIPError(
                .model, path: path,
                "is a safetensors file but no .clip file: give its folder, or pack it first with \"clip pack\"")
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
        guard let tensor = try reading({ () throws(WeightsError) in try file.tensor(name) }) else { return nil }
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

/// The encoders' weights in a flat file: views into the mapping, no page of which is touched by making them.
struct FlatTensorSource: TensorSource {
    let flat: FlatFile

    func matrix(_ key: String, outputs: Int, inputs: Int) throws(CLIPError) -> PanelPackedMatrix {
        let shape = [PanelPackedMatrix.panelCount(outputs: outputs), inputs, PanelPackedMatrix.panelWidth]
        let tensor = try tensor(key, types: [.f32, .f16], shape: shape)
        return PanelPackedMatrix(
            inputs: inputs, outputs: outputs, elementType: tensor.type == .f16 ? .float16 : .float32,
            bytes: UnsafeRawBufferPointer(
                rebasing: tensor.file.bytes[tensor.offset..<tensor.offset + tensor.byteCount]),
            owner: tensor.file)
    }

    /// Reads its numbers: they are few.
    func vector(_ key: String, count: Int) throws(CLIPError) -> [Float] {
        let found = try reading { () throws(WeightsError) in try flat.file.tensor(key) }
        let isTable = found.map { $0.shape.count == 2 && $0.elementCount == count } ?? false
        let tensor = try tensor(key, types: [.f32], shape: isTable ? [nil, nil] : [count])
        let numbers = try reading { () throws(WeightsError) in try tensor.floats() }
        guard firstNonFinite(in: numbers) == nil else { throw CLIPError(nonFinite: tensor) }
        return numbers
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
