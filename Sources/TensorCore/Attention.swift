internal import Kernels

/// One sequence of an attention layer: where its rows lie.
package struct AttentionSequence {
    /// The first row of queries, of keys and of values, each `[count, heads · headWidth]`.
    package var queries: UnsafePointer<Float>
    package var keys: UnsafePointer<Float>
    package var values: UnsafePointer<Float>
    package var queryCount: Int
    package var keyCount: Int
    /// The position of the first query among the keys when a query sees only keys up to its own position, else nil.
    package var causalPosition: Int?
    /// `[queryCount, heads · headWidth]`.
    package var target: UnsafeMutablePointer<Float>

    package init(
        queries: UnsafePointer<Float>, keys: UnsafePointer<Float>, values: UnsafePointer<Float>, queryCount: Int,
        keyCount: Int, causalPosition: Int?, target: UnsafeMutablePointer<Float>
    ) {
        self.queries = queries
        self.keys = keys
        self.values = values
        self.queryCount = queryCount
        self.keyCount = keyCount
        self.causalPosition = causalPosition
        self.target = target
    }
}

extension Compute {
    /// softmax(Q · Kᵀ / √headWidth) · V for every head of every sequence.
    ///
    /// Queries, keys and values lie `stride` floats apart. 64 floats behind the last value must be readable, as they
    /// are in `Activations`.
    package func attention(
        _ sequences: [AttentionSequence], heads: Int, headWidth: Int, stride: Int, targetStride: Int
    ) {
        let scale = 1 / Float(headWidth).squareRoot()
        parallel.run(sequences.count * heads) { task in
            let sequence = sequences[task / heads]
            let offset = task % heads * headWidth
            kernels.attention(
                AttentionHead(
                    queries: sequence.queries + offset, keys: sequence.keys + offset, values: sequence.values + offset,
                    stride: stride, queryCount: sequence.queryCount, keyCount: sequence.keyCount, headWidth: headWidth,
                    scale: scale, causalPosition: sequence.causalPosition, target: sequence.target + offset,
                    targetStride: targetStride))
        }
    }
}
