/// The weights of a linear layer, `[outputs, inputs]`, packed for the matmul kernels.
///
/// Panels `[ceil(outputs / 16)][inputs][16]`: sixteen output columns at a time, K-major inside, the last panel padded
/// with zeros. One layout serves every instruction set (one 512-bit vector, two of 256, four of 128), and a file that
/// holds panels is used as it is mapped.
///
/// int8 panels are `[ceil(outputs / 16)][ceil(inputs / 4)][16][4]`: four inputs of a column side by side, the last four
/// padded with zeros.
package struct PanelPackedMatrix: Sendable {
    package static let panelWidth = 16

    /// How each weight is stored. Sums are taken in 32-bit floats, of int8 in 32-bit integers.
    package enum ElementType: Sendable, CaseIterable {
        case float32
        case float16
        /// Whole numbers of −127…127, each column with a scale of its own.
        case int8

        package var byteCount: Int {
            switch self {
            case .float32: 4
            case .float16: 2
            case .int8: 1
            }
        }
    }

    /// K, the length of an input row.
    package let inputs: Int
    /// N, the length of an output row.
    package let outputs: Int
    package let elementType: ElementType
    /// The panels, aligned to their element size. Valid while `owner` lives.
    nonisolated(unsafe) package let bytes: UnsafeRawBufferPointer
    /// An int8 matrix's scales, else nil.
    package let columnScales: ColumnScales?
    /// Keeps `bytes` alive: a mapped file, or the buffer that packing made.
    private let owner: any AnyObject & Sendable

    /// Panels that lie in memory already.
    package init(
        inputs: Int, outputs: Int, elementType: ElementType, bytes: UnsafeRawBufferPointer,
        columnScales: ColumnScales? = nil, owner: any AnyObject & Sendable
    ) {
        precondition(bytes.count == PanelPackedMatrix.byteCount(inputs: inputs, outputs: outputs, elementType))
        precondition((elementType == .int8) == (columnScales != nil))
        precondition(columnScales.map { $0.count == PanelPackedMatrix.paddedOutputs(outputs) } ?? true)
        self.inputs = inputs
        self.outputs = outputs
        self.elementType = elementType
        self.bytes = bytes
        self.columnScales = columnScales
        self.owner = owner
    }

    /// The number of panels of sixteen columns that `outputs` columns fill.
    package static func panelCount(outputs: Int) -> Int { (outputs + panelWidth - 1) / panelWidth }

    /// The number of columns that the panels of `outputs` columns hold.
    package static func paddedOutputs(_ outputs: Int) -> Int { panelCount(outputs: outputs) * panelWidth }

    /// The size of the panels of an `[outputs, inputs]` matrix.
    package static func byteCount(inputs: Int, outputs: Int, _ elementType: ElementType) -> Int {
        let depth = elementType == .int8 ? groupCount(inputs: inputs) * 4 : inputs
        return paddedOutputs(outputs) * depth * elementType.byteCount
    }
}
