extension ModelConfiguration {
    /// Floating-point operations that the reference spends on one picture: two per multiply-add of every layer for
    /// every token. Ours are fewer: the last layer computes the class token alone.
    public var operationsPerImage: Double {
        let tokens = vision.tokenCount
        let patches = Double(2 * (tokens - 1) * 3 * vision.patchSize * vision.patchSize * vision.transformer.width)
        let projection = Double(2 * vision.transformer.width * embeddingDimension)
        return patches + vision.transformer.operations(tokens: tokens) + projection
    }

    /// The same for one text of `tokens` tokens, start and end included, without padding.
    public func operationsPerText(tokens: Int) -> Double {
        text.transformer.operations(tokens: tokens) + Double(2 * text.transformer.width * embeddingDimension)
    }
}

extension TransformerConfiguration {
    fileprivate func operations(tokens: Int) -> Double {
        let linear = 2 * tokens * width * (4 * width + 2 * intermediateWidth)
        let attention = 2 * tokens * tokens * width * 2
        return Double(layerCount) * Double(linear + attention)
    }
}
