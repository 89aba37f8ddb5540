/// The weights of a linear layer, `[outputs, inputs]`, packed for the matmul kernels.
///
/// Panels `[ceil(outputs / 16)][inputs][16]`: sixteen output columns at a time, K-major inside, the last panel padded
/// with zeros. One layout serves every instruction set (one 512-bit vector, two of 256, four of 128), and a file that
/// holds panels is used as it is mapped.
package struct PanelPackedMatrix: Sendable {
    package static let panelWidth = 16

    /// How each weight is stored. Sums are always taken in 32-bit floats.
    package enum ElementType: Sendable, CaseIterable {
        case float32
        case float16

        package var byteCount: Int { self == .float32 ? 4 : 2 }
    }

    /// K, the length of an input row.
    package let inputs: Int
    /// N, the length of an output row.
    package let outputs: Int
    package let elementType: ElementType
    /// The panels, aligned to their element size. Valid while `owner` lives.
    nonisolated(unsafe) package let bytes: UnsafeRawBufferPointer
    /// Keeps `bytes` alive: a mapped file, or the buffer that packing made.
    private let owner: any AnyObject & Sendable

    /// Panels that lie in memory already.
    package init(
        inputs: Int, outputs: Int, elementType: ElementType, bytes: UnsafeRawBufferPointer,
        owner: any AnyObject & Sendable
    ) {
        precondition(bytes.count == PanelPackedMatrix.byteCount(inputs: inputs, outputs: outputs, elementType))
        self.inputs = inputs
        self.outputs = outputs
        self.elementType = elementType
        self.bytes = bytes
        self.owner = owner
    }

    /// The number of panels of sixteen columns that `outputs` columns fill.
    package static func panelCount(outputs: Int) -> Int { (outputs + panelWidth - 1) / panelWidth }

    /// The size of the panels of an `[outputs, inputs]` matrix.
    package static func byteCount(inputs: Int, outputs: Int, _ elementType: ElementType) -> Int {
        panelCount(outputs: outputs) * panelWidth * inputs * elementType.byteCount
    }
}
