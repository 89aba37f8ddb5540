internal import CLIPKernels

/// One sequence of an attention layer: where its rows lie.
package struct AttentionSequence {
    /// `[queries, heads · headWidth]`.
    package var queries: Rows<Float>
    /// The rows of its keys and values, run after run. Sequences that begin alike may share the rows of that beginning.
    package var keyRows: [Range<Int>]
    /// The position of the first query among the keys when a query sees only keys up to its own position, else nil.
    package var causalPosition: Int?
    /// `[queries, heads · headWidth]`.
    package var target: MutableRows<Float>

    package init(
        queries: Rows<Float>, keyRows: [Range<Int>], causalPosition: Int?, target: MutableRows<Float>
    ) {
        self.queries = queries
        self.keyRows = keyRows
        self.causalPosition = causalPosition
        self.target = target
    }
}

extension Compute {
    /// softmax(Q · Kᵀ / √headWidth) · V for every head of every sequence.
    ///
    /// `keys` and `values` are those of all sequences. 64 floats behind the last value must be readable, as they are in
    /// `Activations`. An output is the same to the bit however its keys are cut into runs.
    ///
    /// - Parameter isWhole: whether both products are of whole numbers of 13 bits, as beside weights that are whole numbers:
    ///   an output is then the same to the bit on every instruction set.
    package func attention(
        _ sequences: [AttentionSequence], keys: Rows<Float>, values: Rows<Float>, heads: Int, headWidth: Int,
        isWhole: Bool
    ) {
        let scale = 1 / Float(headWidth).squareRoot()
        parallel.run(sequences.count * heads) { task in
            let sequence = sequences[task / heads]
            let column = task % heads * headWidth
            sequence.keyRows.withUnsafeBufferPointer { keyRows in
                let head = AttentionHead(
                    sequence.queries.columns(from: column), keys: keys.columns(from: column),
                    values: values.columns(from: column), keyRows: keyRows, headWidth: headWidth, scale: scale,
                    causalPosition: sequence.causalPosition, target: sequence.target.columns(from: column))
                let kernel = isWhole ? kernels.int16.attention : kernels.attention
                kernel(head)
            }
        }
    }
}
