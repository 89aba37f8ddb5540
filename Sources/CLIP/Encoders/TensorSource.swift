package import CLIPCompute
internal import CLIPSystem
internal import Synchronization

/// Where the encoders take their weights from, by Hugging Face key, checked: a file of packed panels, or a checkpoint
/// that is packed while it loads.
package protocol TensorSource: Sendable {
    /// A linear layer's weights, `[outputs, inputs]`. The patch embedding `[width, 3, p, p]` is one of `3 · p · p` inputs.
    /// - Throws: `CLIPError` when the tensor is missing, of another shape, or holds a NaN.
    func matrix(_ key: String, outputs: Int, inputs: Int) throws(CLIPError) -> PanelPackedMatrix

    /// Floats: a bias, a norm's weight, the class embedding, or a table of positions, row after row.
    /// - Parameter shape: one extent, or the rows and columns of a table.
    /// - Throws: `CLIPError` as for `matrix`.
    func vector(_ key: String, shape: [Int]) throws(CLIPError) -> ParameterVector

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
    private let owner: (any AnyObject & Sendable)?

    /// A view of `rows * columns` little-endian numbers that `owner` keeps alive. They may start at any byte.
    package init(
        rows: Int, columns: Int, elementType: PanelPackedMatrix.ElementType, bytes: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable
    ) {
        precondition(!elementType.isWhole, "a table's rows are floats")
        precondition(bytes.count == rows * columns * elementType.byteCount)
        self.rows = rows
        self.columns = columns
        self.elementType = elementType
        self.bytes = bytes
        self.owner = owner
    }

    /// A table of which the shape alone is known.
    fileprivate init(unreadRows rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        elementType = .float32
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
        owner = nil
    }

    /// Adds row `index` to `columns` floats.
    package func add(row index: Int, to target: UnsafeMutablePointer<Float>) {
        precondition(index >= 0 && index < rows && bytes.count > 0)
        switch elementType {
        case .float32:
            for column in 0..<columns {
                target[column] += bytes.loadUnaligned(
                    fromByteOffset: 4 * (index * columns + column), as: Float.self)
            }
        case .float16:
            for column in 0..<columns {
                target[column] += Float(
                    halfBits: bytes.loadUnaligned(fromByteOffset: 2 * (index * columns + column), as: UInt16.self))
            }
        case .int16, .int8: preconditionFailure("a table's rows are floats")
        }
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

    var isMatrix: Bool {
        if case .matrix = kind { true } else { false }
    }

    /// Whether this is one of the many matrices that most of the time goes into. The last projection is not: it is
    /// small, and nothing after it evens out what rounding does.
    var isQuantisable: Bool {
        guard isMatrix else { return false }
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
    /// The image encoder's tensors, in the order in which it reads them.
    var imageTensors: [ModelTensor] {
        TensorRecorder.tensors { (source) throws(CLIPError) in
            _ = try ImageEncoder(configuration: self, weights: source)
        }
    }

    /// The text encoder's tensors, in the order in which it reads them.
    var textTensors: [ModelTensor] {
        TensorRecorder.tensors { (source) throws(CLIPError) in
            _ = try TextEncoder(configuration: self, weights: source)
        }
    }
}

/// Notes what an encoder asks for and gives it shapes without numbers, so that tensors are named in one place, where they
/// are read.
private final class TensorRecorder: TensorSource {
    private let asked = Mutex<[ModelTensor]>([])

    static func tensors(_ make: (TensorRecorder) throws(CLIPError) -> Void) -> [ModelTensor] {
        let recorder = TensorRecorder()
        do {
            try make(recorder)
        } catch {
            preconditionFailure("encoders throw what their source throws, and this one throws nothing: \(error)")
        }
        return recorder.asked.withLock { $0 }
    }

    func matrix(_ key: String, outputs: Int, inputs: Int) -> PanelPackedMatrix {
        note(key, .matrix(outputs: outputs, inputs: inputs))
        return PanelPackedMatrix(unreadInputs: inputs, outputs: outputs)
    }

    func vector(_ key: String, shape: [Int]) -> ParameterVector {
        note(key, .vector(shape: shape))
        return ParameterVector(unreadCount: shape.reduce(1, *))
    }

    func table(_ key: String, rows: Int, columns: Int) -> RowTable {
        note(key, .table(rows: rows, columns: columns))
        return RowTable(unreadRows: rows, columns: columns)
    }

    private func note(_ key: String, _ kind: ModelTensor.Kind) {
        asked.withLock { $0.append(ModelTensor(key: key, kind: kind)) }
    }
}
