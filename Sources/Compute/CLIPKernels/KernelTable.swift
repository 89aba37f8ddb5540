/// All kernels of one instruction set, as functions that any code may call on a machine that has it.
///
/// A table is made inside the module that is compiled for its instruction set, and so are the functions in it.
package struct KernelTable: Sendable {
    package let layers: LayerKernels
    package let pictures: PictureKernels
    package let roofs: RoofKernels

    package init(layers: LayerKernels, pictures: PictureKernels, roofs: RoofKernels) {
        self.layers = layers
        self.pictures = pictures
        self.roofs = roofs
    }
}

/// The kernels of encoders.
@usableFromInline package struct LayerKernels: Sendable {
    /// A linear layer of weights that are floats.
    @usableFromInline package let linear: @Sendable (LinearInput, WeightPanels, LinearOutput) -> Void
    @usableFromInline package let layerNorm: @Sendable (Rows<Float>, NormParameters, MutableRows<Float>) -> Void
    /// One head of one sequence.
    @usableFromInline package let attention: @Sendable (AttentionHead) -> Void
    /// Some rows of a convolution of each channel by itself.
    @usableFromInline package let depthwise: @Sendable (DepthwiseJob) -> Void
    /// Takes rows of so many columns through an activation.
    @usableFromInline package let activate: @Sendable (MutableRows<Float>, _ columns: Int, LinearActivation) -> Void
    /// What a softmax over each of so many columns subtracts and divides by.
    @usableFromInline package let softmaxTerms: @Sendable (Rows<Float>, _ columns: Int, SoftmaxTerms) -> Void
    /// Those of int8 weights.
    @usableFromInline package var int8: QuantisedKernels
    /// Those of int16 weights.
    @usableFromInline package let int16: BlockKernels

    @inlinable @inline(__always)
    package init<Unit: VectorUnit>(_: Unit.Type, int8: QuantisedKernels, int16: BlockKernels) {
        linear = { Unit.linear($0, $1, $2) }
        layerNorm = { Unit.layerNorm($0, $1, into: $2) }
        attention = { Unit.attention($0) }
        depthwise = { Unit.depthwise($0) }
        activate = { Unit.activate($0, columns: $1, $2) }
        softmaxTerms = { Unit.softmaxTerms($0, columns: $1, $2) }
        self.int8 = int8
        self.int16 = int16
    }
}

/// The kernels of linear layers in whole numbers of 13 bits.
@usableFromInline package struct BlockKernels: Sendable {
    /// Turns the numbers of a row into whole ones. As many words as `slack` behind them may be written.
    @usableFromInline package let quantise:
        @Sendable (_ input: UnsafePointer<Float>, _ columns: Int, BlockTarget) -> Void
    @usableFromInline package let linear: @Sendable (BlockRows, WeightPanels, LinearOutput) -> Void
    /// One head of one sequence.
    @usableFromInline package let attention: @Sendable (AttentionHead) -> Void

    @inlinable @inline(__always)
    package init<Unit: QuantisingUnit, Products: BlockProducts>(_: Unit.Type, _: Products.Type) {
        self.init(Unit.self, tileRows: Products.tileRows) { Products.blockTile($0) }
    }

    @inlinable @inline(__always)
    package init<Unit: QuantisingUnit>(
        _: Unit.Type, tileRows: Int, tile: @escaping @Sendable (BlockTileJob) -> Void
    ) {
        quantise = { Unit.quantiseBlocks($0, columns: $1, into: $2) }
        linear = { Unit.blockLinear($0, $1, $2, tileRows: tileRows, tile: tile) }
        attention = { Unit.blockAttention($0, tileRows: tileRows, tile: tile) }
    }

    /// Words behind a row that may be written: half of the widest vector's numbers.
    package static let slack = 8
}

/// The kernels of linear layers whose inputs are quantised.
@usableFromInline package struct QuantisedKernels: Sendable {
    /// The rows of a tile at most.
    @usableFromInline package let tileRows: Int
    /// The 32-bit words that a group of levels takes.
    @usableFromInline package let steps: Int
    /// The least level: 0, or −128 where a word holds signed bytes.
    @usableFromInline package let leastLevel: Int32
    /// Quantises the rows of a tile, of so many columns each.
    @usableFromInline package let quantise:
        @Sendable (
            _ input: Rows<Float>, _ columns: Int, _ words: UnsafeMutablePointer<Int32>,
            _ scales: UnsafeMutablePointer<RowScale>
        ) -> Void
    /// Computes some tiles.
    @usableFromInline package let linear: @Sendable (LevelRows, _ tiles: Range<Int>, WeightPanels, LinearOutput) -> Void

    /// Levels as words of two, for `Products` that take pairs.
    @inlinable @inline(__always)
    package init<Unit: QuantisingUnit, Products: PairProducts>(_: Unit.Type, _: Products.Type) {
        tileRows = Products.tileRows
        steps = Products.steps
        leastLevel = 0
        quantise = {
            Unit.quantise($0, columns: $1, words: $2, scales: $3, steps: Products.steps, least: 0) {
                Unit.storePairs($0, $1)
            }
        }
        linear = {
            Unit.quantisedLinear(
                $0, tiles: $1, $2, $3, tileRows: Products.tileRows, steps: Products.steps
            ) { Products.tile($0) }
        }
    }

    /// Levels as words of four bytes, which `tile` sums.
    @inlinable @inline(__always)
    package init<Unit: ByteQuantisingUnit>(
        _: Unit.Type, tileRows: Int, tile: @escaping @Sendable (IntegerTileJob) -> Void
    ) {
        self.tileRows = tileRows
        steps = 1
        leastLevel = Unit.leastLevel
        quantise = {
            Unit.quantise($0, columns: $1, words: $2, scales: $3, steps: 1, least: Unit.leastLevel) {
                Unit.storeBytes($0, $1)
            }
        }
        linear = { Unit.quantisedLinear($0, tiles: $1, $2, $3, tileRows: tileRows, steps: 1, tile: tile) }
    }
}

/// What the limits of a machine are measured with.
@usableFromInline package struct RoofKernels: Sendable {
    /// Multiply-adds in registers alone, `steps` times on twelve vectors.
    /// - Returns: the number of floating-point operations, two per multiply-add, and a number that depends on all.
    @usableFromInline package let multiplyAdds: @Sendable (_ steps: Int) -> (operations: Int, result: Float)
    /// The products of int8 layers in registers alone, `steps` times on twelve vectors.
    /// - Returns: the number of operations, a multiplication and an addition per product, and a number that depends on all.
    @usableFromInline package let integerProducts: @Sendable (_ steps: Int) -> (operations: Int, result: Int32)
    /// The same of int16 layers.
    @usableFromInline package let pairProducts: @Sendable (_ steps: Int) -> (operations: Int, result: Int32)
    /// The sum of `count` floats, a multiple of 128.
    @usableFromInline package let sum: @Sendable (_ start: UnsafePointer<Float>, _ count: Int) -> Float

    @inlinable @inline(__always)
    package init<Unit: VectorUnit, Products: PairProducts>(_: Unit.Type, _: Products.Type) {
        self.init(Unit.self, Products.self, Products.self)
    }

    /// Those of `Products` of 8 bits and of `Pairs`.
    @inlinable @inline(__always)
    package init<Unit: VectorUnit, Products: IntegerUnit, Pairs: IntegerUnit>(
        _: Unit.Type, _: Products.Type, _: Pairs.Type
    ) {
        multiplyAdds = { Unit.multiplyAdds($0) }
        integerProducts = { Products.roof($0) }
        pairProducts = { Pairs.roof($0) }
        sum = { Unit.sum($0, $1) }
    }

    /// The limits of `other` but for products of 8 bits.
    @inlinable @inline(__always)
    package init<Products: IntegerUnit>(_ other: RoofKernels, _: Products.Type) {
        multiplyAdds = other.multiplyAdds
        integerProducts = { Products.roof($0) }
        pairProducts = other.pairProducts
        sum = other.sum
    }

    /// The limits of `other` but for integer products, of 8 bits and of 16.
    @inlinable @inline(__always)
    package init<Products: IntegerUnit, Pairs: IntegerUnit>(_ other: RoofKernels, _: Products.Type, _: Pairs.Type) {
        multiplyAdds = other.multiplyAdds
        integerProducts = { Products.roof($0) }
        pairProducts = { Pairs.roof($0) }
        sum = other.sum
    }
}

/// The loops over pictures. The bytes that they make are the same on every instruction set.
@usableFromInline package struct PictureKernels: Sendable {
    /// The horizontal pass of a resize, over a batch of rows.
    @usableFromInline package let resample: @Sendable (RowResampling) -> Void
    /// A batch's part in one row of the vertical pass.
    @usableFromInline package let addRows: @Sendable (WeightedRows) -> Void
    /// Puts red, green and blue side by side.
    @usableFromInline package let interleave: @Sendable (ColourRow) -> Void
    /// The same of Y, Cb and Cr, converted.
    @usableFromInline package let convertYCbCr: @Sendable (ColourRow) -> Void
    /// Triangle filters that double a row's width, its height (one of the two rows), or both.
    @usableFromInline package let doubleWidth: @Sendable (UpsampledRow) -> Void
    @usableFromInline package let doubleHeight: @Sendable (UpsampledRow) -> Void
    @usableFromInline package let doubleBoth: @Sendable (UpsampledRow) -> Void

    @inlinable @inline(__always)
    package init<Unit: PictureUnit>(_: Unit.Type) {
        resample = { Unit.resample($0) }
        addRows = { Unit.addRows($0) }
        interleave = { Unit.interleave($0) }
        convertYCbCr = { Unit.convertYCbCr($0) }
        doubleWidth = { Unit.doubleWidth($0) }
        doubleHeight = { Unit.doubleHeight($0) }
        doubleBoth = { Unit.doubleBoth($0) }
    }
}
