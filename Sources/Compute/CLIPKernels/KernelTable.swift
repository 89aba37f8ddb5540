/// The kernels of one instruction set, as functions that any code may call on a machine that has it.
package struct KernelTable: Sendable {
    /// A block of a linear layer.
    package let linear: @Sendable (LinearBlock) -> Void
    package let layerNorm: @Sendable (LayerNormRows) -> Void
    /// One head of one sequence.
    package let attention: @Sendable (AttentionHead) -> Void
    package let quantised: QuantisedKernels

    package init(
        linear: @escaping @Sendable (LinearBlock) -> Void, layerNorm: @escaping @Sendable (LayerNormRows) -> Void,
        attention: @escaping @Sendable (AttentionHead) -> Void, quantised: QuantisedKernels
    ) {
        self.linear = linear
        self.layerNorm = layerNorm
        self.attention = attention
        self.quantised = quantised
    }

    /// The same kernels but for quantised layers.
    package func replacing(quantised: QuantisedKernels) -> KernelTable {
        KernelTable(linear: linear, layerNorm: layerNorm, attention: attention, quantised: quantised)
    }
}
