package import CLIPCompute

/// Where the encoders take their weights from, by Hugging Face key, checked: a file of packed panels, or a checkpoint
/// that is packed while it loads.
package protocol TensorSource {
    /// A linear layer's weights, `[outputs, inputs]`. The patch embedding `[width, 3, p, p]` is one of `3 · p · p` inputs.
    /// - Throws: `CLIPError` when the tensor is missing, of another shape, or holds a NaN.
    func matrix(_ key: String, outputs: Int, inputs: Int) throws(CLIPError) -> PanelPackedMatrix

    /// `count` floats: a bias, a norm's weight, the class embedding, or a position table row after row.
    /// - Throws: `CLIPError` as for `matrix`.
    func vector(_ key: String, count: Int) throws(CLIPError) -> [Float]

    /// A table whose rows are looked up one at a time, `[rows, columns]`: it stays in its file until they are.
    /// - Throws: `CLIPError` as for `matrix`.
    func table(_ key: String, rows: Int, columns: Int) throws(CLIPError) -> RowTable
}

/// The token embeddings: rows of f32 or f16 numbers, row-major.
package struct RowTable: Sendable {
    package let rows: Int
    package let columns: Int
    package let elementType: PanelPackedMatrix.ElementType
    /// The rows, valid while this value lives.
    nonisolated(unsafe) package let bytes: UnsafeRawBufferPointer
    private let owner: any AnyObject & Sendable

    /// A view of `rows * columns` little-endian numbers that `owner` keeps alive. They may start at any byte.
    package init(
        rows: Int, columns: Int, elementType: PanelPackedMatrix.ElementType, bytes: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable
    ) {
        precondition(elementType != .int8, "a table's rows are floats")
        precondition(bytes.count == rows * columns * elementType.byteCount)
        self.rows = rows
        self.columns = columns
        self.elementType = elementType
        self.bytes = bytes
        self.owner = owner
    }

    /// Adds row `index` to `columns` floats.
    package func add(row index: Int, to target: UnsafeMutablePointer<Float>) {
        precondition(index >= 0 && index < rows)
        switch elementType {
        case .float32:
            for column in 0..<columns {
                target[column] += bytes.loadUnaligned(
                    fromByteOffset: 4 * (index * columns + column), as: Float.self)
            }
        case .float16:
            for column in 0..<columns {
                target[column] += RowTable.widened(
                    bytes.loadUnaligned(fromByteOffset: 2 * (index * columns + column), as: UInt16.self))
            }
        case .int8: preconditionFailure("a table's rows are floats")
        }
    }

    /// A half-precision number, by integer arithmetic: the conversion of Float16 is a call where the instruction set has
    /// none.
    @inline(__always)
    private static func widened(_ half: UInt16) -> Float {
        let magnitude = UInt32(half & 0x7FFF) &<< 13
        // Times 2¹¹² an exponent of bias 15 is one of bias 127, subnormals included.
        let finite = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
        let isFinite = magnitude < 0x7C00 &<< 13
        return Float(bitPattern: (isFinite ? finite : magnitude | 0x7F80_0000) | UInt32(half & 0x8000) &<< 16)
    }
}

/// One tensor that an encoder asks for, by its Hugging Face key.
struct ModelTensor {
    enum Kind: Equatable {
        /// A linear layer's weights.
        case matrix(outputs: Int, inputs: Int)
        /// Numbers that are kept in f32: biases, norms, class and position embeddings.
        case vector(shape: [Int])
        /// Token embeddings.
        case table(rows: Int, columns: Int)
    }

    let key: String
    let kind: Kind

    /// Whether this is one of the many matrices that most of the time goes into. The last projection is not: it is
    /// small, and nothing after it evens out what rounding does.
    var isQuantisable: Bool {
        guard case .matrix = kind else { return false }
        return key.contains("encoder.layers.") || key.hasSuffix("patch_embedding.weight")
    }

    /// The number of weights, padding not counted.
    var count: Int {
        switch kind {
        case .matrix(let outputs, let inputs): outputs * inputs
        case .vector(let shape): shape.reduce(1, *)
        case .table(let rows, let columns): rows * columns
        }
    }
}

extension ModelConfiguration {
    /// The image encoder's tensors, in the order of their use.
    var imageTensors: [ModelTensor] {
        let (prefix, width) = ("vision_model.", vision.transformer.width)
        let patch = 3 * vision.patchSize * vision.patchSize
        var tensors = projection(prefix + "embeddings.patch_embedding.weight", width, patch)
        if vision.hasPatchBias { tensors.append(vector(prefix + "embeddings.patch_embedding.bias", width)) }
        if vision.hasClassToken { tensors.append(vector(prefix + "embeddings.class_embedding", width)) }
        tensors += positions(prefix, vision.tokenCount, width)
        if vision.hasInputNorm { tensors += norm(prefix + "pre_layrnorm", width) }
        tensors += vision.transformer.tensors(prefix)
        tensors += norm(prefix + "post_layernorm", width)
        if vision.pooling == .attention {
            let head = prefix + "head."
            tensors.append(vector(head + "probe", width))
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                tensors += linear(head + "attention." + part, width, width)
            }
            tensors += norm(head + "layernorm", width)
            tensors += linear(head + "mlp.fc1", vision.transformer.intermediateWidth, width)
            tensors += linear(head + "mlp.fc2", width, vision.transformer.intermediateWidth)
        }
        if vision.hasProjection { tensors += projection("visual_projection.weight", embeddingDimension, width) }
        return tensors
    }

    /// The text encoder's tensors, in the order of their use.
    var textTensors: [ModelTensor] {
        let (prefix, width) = ("text_model.", text.transformer.width)
        let table = ModelTensor.Kind.table(rows: text.vocabularySize, columns: width)
        var tensors = [ModelTensor(key: prefix + "embeddings.token_embedding.weight", kind: table)]
        tensors += positions(prefix, text.contextLength, width)
        tensors += text.transformer.tensors(prefix)
        tensors += norm(prefix + "final_layer_norm", width)
        switch text.projection {
        case .linear: tensors += projection("text_projection.weight", embeddingDimension, width)
        case .affine: tensors += linear("text_projection", embeddingDimension, width)
        case .none: break
        }
        return tensors
    }
}

extension TransformerConfiguration {
    fileprivate func tensors(_ prefix: String) -> [ModelTensor] {
        var tensors: [ModelTensor] = []
        for layer in 0..<layerCount {
            let layer = "\(prefix)encoder.layers.\(layer)."
            tensors += norm(layer + "layer_norm1", width)
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                tensors += linear(layer + "self_attn." + part, width, width)
            }
            tensors += norm(layer + "layer_norm2", width)
            tensors += linear(layer + "mlp.fc1", intermediateWidth, width)
            tensors += linear(layer + "mlp.fc2", width, intermediateWidth)
        }
        return tensors
    }
}

private func positions(_ prefix: String, _ count: Int, _ width: Int) -> [ModelTensor] {
    [ModelTensor(key: prefix + "embeddings.position_embedding.weight", kind: .vector(shape: [count, width]))]
}

/// A linear layer without a bias.
private func projection(_ key: String, _ outputs: Int, _ inputs: Int) -> [ModelTensor] {
    [ModelTensor(key: key, kind: .matrix(outputs: outputs, inputs: inputs))]
}

private func vector(_ key: String, _ count: Int) -> ModelTensor {
    ModelTensor(key: key, kind: .vector(shape: [count]))
}

private func norm(_ name: String, _ width: Int) -> [ModelTensor] {
    ["weight", "bias"].map { ModelTensor(key: "\(name).\($0)", kind: .vector(shape: [width])) }
}

private func linear(_ name: String, _ outputs: Int, _ inputs: Int) -> [ModelTensor] {
    [
        ModelTensor(key: name + ".weight", kind: .matrix(outputs: outputs, inputs: inputs)),
        ModelTensor(key: name + ".bias", kind: .vector(shape: [outputs])),
    ]
}
