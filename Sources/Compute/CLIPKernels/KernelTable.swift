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

/// The loops over pictures of one instruction set, as functions that any code may call on a machine that has it. The
/// bytes that they make are the same for all.
package struct PictureKernels: Sendable, CustomStringConvertible {
    /// The instruction set's name.
    package let description: String
    /// The horizontal pass of a resize, over a batch of rows.
    package let resample: @Sendable (RowResampling) -> Void
    /// A batch's part in one row of the vertical pass.
    package let addRows: @Sendable (WeightedRows) -> Void
    /// Puts red, green and blue side by side.
    package let interleave: @Sendable (ColourRow) -> Void
    /// The same of Y, Cb and Cr, converted.
    package let convertYCbCr: @Sendable (ColourRow) -> Void
    /// Triangle filters that double a row's width, its height (one of the two rows), or both.
    package let doubleWidth: @Sendable (UpsampledRow) -> Void
    package let doubleHeight: @Sendable (UpsampledRow) -> Void
    package let doubleBoth: @Sendable (UpsampledRow) -> Void

    package init(
        _ description: String, resample: @escaping @Sendable (RowResampling) -> Void,
        addRows: @escaping @Sendable (WeightedRows) -> Void, interleave: @escaping @Sendable (ColourRow) -> Void,
        convertYCbCr: @escaping @Sendable (ColourRow) -> Void,
        doubleWidth: @escaping @Sendable (UpsampledRow) -> Void,
        doubleHeight: @escaping @Sendable (UpsampledRow) -> Void,
        doubleBoth: @escaping @Sendable (UpsampledRow) -> Void
    ) {
        self.description = description
        self.resample = resample
        self.addRows = addRows
        self.interleave = interleave
        self.convertYCbCr = convertYCbCr
        self.doubleWidth = doubleWidth
        self.doubleHeight = doubleHeight
        self.doubleBoth = doubleBoth
    }
}
