/// Floating-point operations, two per multiply-add, as they are done here: of the last layer only what the pooled tokens
/// need. Norms and activations aren't counted.
extension ModelConfiguration {
    /// The operations of embedding one picture.
    var operationsPerImage: Double {
        let tokens = vision.tokenCount
        let patches = Double(2 * vision.gridSize * vision.gridSize * 3 * vision.patchSize * vision.patchSize)
        let head = vision.transformer.poolingOperations(tokens: tokens)
        let projection =
            vision.hasProjection ? Double(2 * vision.transformer.width * embeddingDimension) : 0
        return (vision.pooling == .attention ? head : 0) + patches * Double(vision.transformer.width) + projection
            + vision.transformer.operations(
                TransformerWork(
                    rows: tokens, pairs: tokens * tokens, pooledRows: vision.pooling == .classToken ? 1 : tokens,
                    pooledPairs: vision.pooling == .classToken ? tokens : tokens * tokens))
    }

    /// The operations of embedding texts that lie so.
    func operations(of layout: TextLayout) -> Double {
        var work = TransformerWork(rows: layout.tokens.count, pairs: 0, pooledRows: layout.sequences.count)
        for sequence in layout.sequences {
            let length = sequence.rows.reduce(0) { $0 + $1.count }
            work.pooledPairs += length
            // A token of a causal encoder sees itself and those before it.
            work.pairs +=
                text.isCausal
                ? (length * (length + 1) - sequence.sharedCount * (sequence.sharedCount + 1)) / 2
                : length * length
        }
        let projection = Double(2 * text.transformer.width * embeddingDimension * layout.sequences.count)
        return text.transformer.operations(work) + (text.projection == .none ? 0 : projection)
    }
}

/// What goes through a stack of layers.
private struct TransformerWork {
    var rows: Int
    /// Queries times the keys that each of them sees.
    var pairs: Int
    /// Of the rows those that the last layer computes.
    var pooledRows: Int
    var pooledPairs = 0
}

extension TransformerConfiguration {
    /// An attention head: keys and values of all tokens, one query, output and MLP of one.
    fileprivate func poolingOperations(tokens: Int) -> Double {
        Double(4 * tokens * width * width + 4 * tokens * width + 4 * width * (width + intermediateWidth))
    }

    fileprivate func operations(_ work: TransformerWork) -> Double {
        guard layerCount > 0 else { return 0 }
        let (keysAndValues, others) = (2 * width * width, 2 * width * width + 2 * width * intermediateWidth)
        let full = work.rows * (keysAndValues + others) + 2 * work.pairs * width
        let last = work.rows * keysAndValues + work.pooledRows * others + 2 * work.pooledPairs * width
        return 2 * (Double(layerCount - 1) * Double(full) + Double(last))
    }
}
