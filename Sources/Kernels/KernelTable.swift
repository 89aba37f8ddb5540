/// The kernels of one instruction set, as functions that any code may call on a machine that has it.
package struct KernelTable: Sendable {
    /// A block of a linear layer.
    package let linear: @Sendable (LinearBlock) -> Void
    package let layerNorm: @Sendable (LayerNormRows) -> Void
    /// One head of one sequence.
    package let attention: @Sendable (AttentionHead) -> Void

    package init(
        linear: @escaping @Sendable (LinearBlock) -> Void, layerNorm: @escaping @Sendable (LayerNormRows) -> Void,
        attention: @escaping @Sendable (AttentionHead) -> Void
    ) {
        self.linear = linear
        self.layerNorm = layerNorm
        self.attention = attention
    }
}
