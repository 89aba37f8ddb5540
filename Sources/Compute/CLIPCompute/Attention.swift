internal import CLIPKernels

/// One sequence of an attention layer: where its rows lie.
package struct AttentionSequence {
    /// The first query, `[queryCount, heads · headWidth]`.
    package var queries: UnsafePointer<Float>
    package var queryCount: Int
    /// The rows of its keys and values, run after run. Sequences that begin alike may share the rows of that beginning.
    package var keyRows: [Range<Int>]
    /// The position of the first query among the keys when a query sees only keys up to its own position, else nil.
    package var causalPosition: Int?
    /// `[queryCount, heads · headWidth]`.
    package var target: UnsafeMutablePointer<Float>

    package init(
        queries: UnsafePointer<Float>, queryCount: Int, keyRows: [Range<Int>], causalPosition: Int?,
        target: UnsafeMutablePointer<Float>
    ) {
        self.queries = queries
        self.queryCount = queryCount
        self.keyRows = keyRows
        self.causalPosition = causalPosition
        self.target = target
    }
}

extension Compute {
    /// softmax(Q · Kᵀ / √headWidth) · V for every head of every sequence.
    ///
    /// Queries, keys and values lie `stride` floats apart; `keys` and `values` are row 0 of those of all sequences. 64
    /// floats behind the last value must be readable, as they are in `Activations`. An output is the same to the bit
    /// however its keys are cut into runs.
    ///
    /// - Parameter isQuantised: whether both products may be quantised, as those of int8 weights are, where that is
    ///   faster: on instruction sets that have it, for many keys and no mask.
    package func attention(
        _ sequences: [AttentionSequence], keys: UnsafePointer<Float>, values: UnsafePointer<Float>, heads: Int,
        headWidth: Int, stride: Int, targetStride: Int, isQuantised: Bool = false
    ) {
        let scale = 1 / Float(headWidth).squareRoot()
        parallel.run(sequences.count * heads) { task in
            let sequence = sequences[task / heads]
            let offset = task % heads * headWidth
            sequence.keyRows.withUnsafeBufferPointer { keyRows in
                let head = AttentionHead(
                    queries: sequence.queries + offset, keys: keys + offset, values: values + offset,
                    stride: stride, queryCount: sequence.queryCount, keyRows: keyRows, headWidth: headWidth,
                    scale: scale, causalPosition: sequence.causalPosition, target: sequence.target + offset,
                    targetStride: targetStride)
                if isQuantised, head.causalPosition == nil, head.keyCount >= Compute.quantisedKeyCount,
                    let quantised = kernels.quantised.attention
                {
                    quantised(head)
                } else {
                    kernels.attention(head)
                }
            }
        }
    }

    /// Fewer keys cost as much to quantise as their products save.
    private static let quantisedKeyCount = 100
}
