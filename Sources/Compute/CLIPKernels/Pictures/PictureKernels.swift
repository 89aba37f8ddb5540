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
