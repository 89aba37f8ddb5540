internal import CLIPJSON
internal import CLIPCompute
internal import CLIPWeights

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
        /// A type narrower than that, which the weights were rounded to before.
        static let roundedTo = "rounded_to"
        static let probes = "probes"
        static let tokenizer = "tokenizer"
        static let logitScale = "logit_scale"
        static let logitBias = "logit_bias"
        static let textProbes = "probes.text"
        static let imageProbes = "probes.image"
        /// What belongs to the int8 matrix `key`.
        static func scales(of key: String) -> String { key + "_scale" }
        static func sums(of key: String) -> String { key + "_sum" }
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

    /// The shape of a matrix's panels.
    static func panelShape(outputs: Int, inputs: Int, type: ElementType) -> [Int] {
        let (panels, width) = (PanelPackedMatrix.panelCount(outputs: outputs), PanelPackedMatrix.panelWidth)
        return type == .i8
            ? [panels, PanelPackedMatrix.groupCount(inputs: inputs), width, 4] : [panels, inputs, width]
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
        let isQuantised = try reading { () throws(WeightsError) in try flat.file.tensor(key) }?.type == .i8
        let shape = FlatFile.panelShape(outputs: outputs, inputs: inputs, type: isQuantised ? .i8 : .f32)
        let tensor = try tensor(key, types: isQuantised ? [.i8] : [.f32, .f16], shape: shape)
        return PanelPackedMatrix(
            inputs: inputs, outputs: outputs,
            elementType: isQuantised ? .int8 : tensor.type == .f16 ? .float16 : .float32,
            bytes: UnsafeRawBufferPointer(
                rebasing: tensor.file.bytes[tensor.offset..<tensor.offset + tensor.byteCount]),
            columnScales: isQuantised ? try columnScales(key, outputs: outputs) : nil, owner: tensor.file)
    }

    /// Reads an int8 matrix's scales and sums: they are few.
    private func columnScales(_ key: String, outputs: Int) throws(CLIPError) -> ColumnScales {
        let count = PanelPackedMatrix.paddedOutputs(outputs)
        let sums = try tensor(FlatFile.Name.sums(of: key), types: [.i32], shape: [count]).withBytes { bytes in
            (0..<count).map { Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
        }
        return ColumnScales(scales: try vector(FlatFile.Name.scales(of: key), count: count), sums: sums)
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
