package import TensorCore
package import Weights

/// Weights from a Hugging Face checkpoint, checked and packed as the encoders ask for them.
package struct CheckpointTensorSource: TensorSource {
    private let checkpoint: Checkpoint
    let keys: CheckpointKeys
    private let threads: Int

    /// - Parameter threads: how many threads pack a matrix.
    package init(_ checkpoint: Checkpoint, threads: Int = 1) {
        self.checkpoint = checkpoint
        self.threads = threads
        keys = CheckpointKeys(checkpoint.names)
    }

    package func matrix(_ key: String, outputs: Int, inputs: Int) throws(CLIPError) -> PanelPackedMatrix {
        let (tensor, isTransposed) = try matrixTensor(key)
        let expected = isTransposed ? [inputs, outputs] : [outputs, inputs]
        guard tensor.rowShape == expected else { throw CLIPError(tensor, expected: expected) }
        return try PanelPacking(tensor: tensor, outputs: outputs, inputs: inputs, isTransposed: isTransposed)
            .packed(threads: threads)
    }

    package func vector(_ key: String, count: Int) throws(CLIPError) -> [Float] {
        let tensor = try tensor(key)
        guard tensor.elementCount == count else { throw CLIPError(tensor, expected: [count]) }
        return try finiteFloats(tensor)
    }

    package func table(_ key: String, rows: Int, columns: Int) throws(CLIPError) -> RowTable {
        let tensor = try tensor(key)
        guard tensor.shape == [rows, columns] else { throw CLIPError(tensor, expected: [rows, columns]) }
        guard tensor.type == .f32 || tensor.type == .f16 else {
            let buffer = WeightBuffer(byteCount: 4 * rows * columns)
            let numbers = try finiteFloats(tensor)
            numbers.withUnsafeBytes { buffer.bytes.copyMemory(from: $0) }
            return RowTable(
                rows: rows, columns: columns, elementType: .float32, bytes: UnsafeRawBufferPointer(buffer.bytes),
                owner: buffer)
        }
        try reading { () throws(WeightsError) in try tensor.checkFinite() }
        return tensor.rowTable(rows: rows, columns: columns)
    }

    /// A number such as `logit_scale`, a scalar or a list of one; nil when the checkpoint has none.
    package func scalar(_ key: String) throws(CLIPError) -> Float? {
        guard let tensor = try reading({ () throws(WeightsError) in try checkpoint.tensor(key) }) else { return nil }
        guard tensor.elementCount == 1 else { throw CLIPError(tensor, expected: []) }
        return try finiteFloats(tensor)[0]
    }

    /// The length of an embedding by the projections' shapes; nil when there is no projection.
    /// - Throws: `CLIPError` when the two projections disagree.
    func embeddingDimension() throws(CLIPError) -> Int? {
        var found: (key: String, dimension: Int)?
        for key in ["visual_projection", "text_projection"] {
            let name = [key + ".weight", key].first(where: checkpoint.contains)
            guard let name, let tensor = try reading({ () throws(WeightsError) in try checkpoint.tensor(name) }),
                tensor.shape.count == 2
            else { continue }
            let dimension = tensor.shape[name == key ? 1 : 0]
            if let found, found.dimension != dimension {
                throw CLIPError(
                    .model, path: checkpoint.path,
                    "\(found.key) gives \(found.dimension) values, \(name) \(dimension): pictures and texts can't be "
                        + "compared, the files are of different models")
            }
            found = (name, dimension)
        }
        guard let found else { return nil }
        guard (1...1 << 15).contains(found.dimension) else {
            throw CLIPError(
                .model, path: checkpoint.path, "\(found.key) gives \(found.dimension) values, expected 1 to \(1 << 15)")
        }
        return found.dimension
    }

    /// The same setting, with a warning if it says how many layers there are and the weights have more: transformers
    /// leaves those out as well, but hardly anyone means it.
    func warning(about setting: ModelSetting, _ configuration: ModelConfiguration) -> ModelSetting {
        let encoders = [
            ("image layers", keys.visionPrefix, configuration.vision.transformer.layerCount),
            ("text layers", keys.textPrefix, configuration.text.transformer.layerCount),
        ]
        for (name, prefix, count) in encoders where name == setting.name {
            guard let prefix, checkpoint.contains("\(prefix)encoder.layers.\(count).layer_norm1.weight") else {
                continue
            }
            return ModelSetting(
                name: name, value: setting.value, source: setting.source,
                warning: "the weights hold more layers: those after \(count) are left out")
        }
        return setting
    }

    /// The element types of floating-point tensors, each once.
    var elementTypes: [ElementType] {
        let found = checkpoint.names.compactMap { try? checkpoint.tensor($0)?.type }
        return ElementType.allCases.filter { $0.isFloatingPoint && found.contains($0) }
    }

    /// The tensor of a linear layer. Projections may be stored as OpenAI does: without `.weight`, `[inputs, outputs]`.
    private func matrixTensor(_ key: String) throws(CLIPError) -> (StoredTensor, isTransposed: Bool) {
        let bare = key.hasSuffix("_projection.weight") ? String(key.dropLast(".weight".count)) : nil
        if let bare, checkpoint.contains(bare), !checkpoint.contains(key) { return (try tensor(bare), true) }
        return (try tensor(key), false)
    }

    private func tensor(_ key: String) throws(CLIPError) -> StoredTensor {
        let name = keys.name(of: key)
        let found = try reading { () throws(WeightsError) in try checkpoint.tensor(name) }
        guard let found else {
            throw CLIPError(
                .model, path: checkpoint.path,
                "has no tensor \"\(name)\": it is incomplete or not a Hugging Face CLIP, fetch the whole model")
        }
        guard found.type.isFloatingPoint else {
            throw CLIPError(
                .model, path: found.file.path,
                "tensor \"\(found.name)\" has type \(found.type.rawValue), expected F32, F16, BF16 or F64")
        }
        return found
    }

    private func finiteFloats(_ tensor: StoredTensor) throws(CLIPError) -> [Float] {
        let numbers = try reading { () throws(WeightsError) in try tensor.floats() }
        guard firstNonFinite(in: numbers) == nil else { throw CLIPError(nonFinite: tensor) }
        return numbers
    }
}

extension StoredTensor {
    /// The number of elements.
    var elementCount: Int { byteCount / type.byteCount }

    /// The shape as a matrix: everything after the first extent is one row.
    var rowShape: [Int] {
        guard shape.count > 2, let rows = shape.first, rows > 0 else { return shape }
        return [rows, elementCount / rows]
    }

    /// The tensor, of F32 or F16, as rows that stay in their file.
    func rowTable(rows: Int, columns: Int) -> RowTable {
        RowTable(
            rows: rows, columns: columns, elementType: type == .f16 ? .float16 : .float32,
            bytes: UnsafeRawBufferPointer(rebasing: file.bytes[offset..<offset + byteCount]), owner: file)
    }
}

extension CLIPError {
    /// The error about a tensor of another shape than the configuration asks for.
    init(_ tensor: StoredTensor, expected: [Int]) {
        self.init(
            .model, path: tensor.file.path,
            "tensor \"\(tensor.name)\" has shape \(tensor.shape.prefix(8)), expected \(expected): "
                + "weights and configuration are not of one model, fetch both again")
    }
}
