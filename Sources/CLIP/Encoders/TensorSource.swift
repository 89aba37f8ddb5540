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
