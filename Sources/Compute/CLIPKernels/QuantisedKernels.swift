/// The kernels of quantised layers on one instruction set.
package struct QuantisedKernels: Sendable {
    /// The rows of a tile at most.
    package let tileRows: Int
    /// The 32-bit words that a group of four levels takes.
    package let steps: Int
    package let quantise: @Sendable (RowQuantisation) -> Void
    package let linear: @Sendable (QuantisedBlock) -> Void
    /// One head of one sequence without a mask, where it is faster than in floats.
    package let attention: (@Sendable (AttentionHead) -> Void)?

    package init(
        tileRows: Int, steps: Int, quantise: @escaping @Sendable (RowQuantisation) -> Void,
        linear: @escaping @Sendable (QuantisedBlock) -> Void, attention: (@Sendable (AttentionHead) -> Void)? = nil
    ) {
        self.tileRows = tileRows
        self.steps = steps
        self.quantise = quantise
        self.linear = linear
        self.attention = attention
    }
}
