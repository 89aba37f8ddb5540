internal import CLIPKernels

/// One sequence of an attention layer: where its rows lie.
package struct AttentionSequence {
    /// `[queries, heads · headWidth]`.
    package var queries: Rows<Float>
    /// The rows of its keys and values, run after run. Sequences that begin alike may share the rows of that beginning.
    package var keyRows: [Range<Int>]
    /// The position of the first query among the keys when a query sees only keys up to its own position, else nil.
    package var causalPosition: Int?
    /// The row of the first query among the keys' rows, for a bias by distance.
    package var firstRow: Int
    /// `[queries, heads · headWidth]`.
    package var target: MutableRows<Float>

    package init(
        queries: Rows<Float>, keyRows: [Range<Int>], causalPosition: Int?, firstRow: Int = 0,
        target: MutableRows<Float>
    ) {
        self.queries = queries
        self.keyRows = keyRows
        self.causalPosition = causalPosition
        self.firstRow = firstRow
        self.target = target
    }
}

/// What each head adds to the score of a query and a key by the number of rows between them (Shaw et al., 2018).
package struct RelativeBias: Sendable {
    /// The most rows between two, either way.
    private let reach: Int
    private let numbers: ParameterVector

    /// - Parameter bias: of a head, and the query's row less the key's, from `-reach` to `reach`.
    package init(heads: Int, reach: Int, _ bias: (_ head: Int, _ distance: Int) -> Float) {
        self.reach = reach
        // Behind the last there is room for a tile's width of queries.
        let room = [Float](repeating: 0, count: 64)
        numbers = ParameterVector(
            (0..<heads).flatMap { head in (-reach...reach).map { bias(head, $0) } } + room)
    }

    /// The number of a head for distance 0.
    fileprivate func middle(head: Int) -> UnsafePointer<Float> { numbers.start + head * (2 * reach + 1) + reach }
}

extension Compute {
    /// softmax(scale · Q · Kᵀ + bias) · V for every head of every sequence.
    ///
    /// `keys` and `values` are those of all sequences. 64 floats behind the last value must be readable, as they are in
    /// `Activations`. An output is the same to the bit however its keys are cut into runs.
    ///
    /// - Parameter scale: nil means 1 / √headWidth.
    /// - Parameter isWhole: whether both products are of whole numbers of 13 bits, as beside weights that are whole numbers:
    ///   an output is then the same to the bit on every instruction set.
    package func attention(
        _ sequences: [AttentionSequence], keys: Rows<Float>, values: Rows<Float>, heads: Int, headWidth: Int,
        scale: Float? = nil, bias: RelativeBias? = nil, isWhole: Bool
    ) {
        let scale = scale ?? 1 / Float(headWidth).squareRoot()
        parallel.run(sequences.count * heads) { task in
            let sequence = sequences[task / heads]
            let column = task % heads * headWidth
            sequence.keyRows.withUnsafeBufferPointer { keyRows in
                let head = AttentionHead(
                    sequence.queries.columns(from: column), keys: keys.columns(from: column),
                    values: values.columns(from: column), keyRows: keyRows, headWidth: headWidth, scale: scale,
                    causalPosition: sequence.causalPosition,
                    relativeBias: bias.map { $0.middle(head: task % heads) + sequence.firstRow },
                    target: sequence.target.columns(from: column))
                let kernel = isWhole ? kernels.int16.attention : kernels.attention
                kernel(head)
            }
        }
    }
}
