/// A point in the space that pictures and texts share.
public struct Embedding: Sendable, Hashable, Codable {
    /// The coordinates, `[embeddingDimension]`.
    public var values: [Float]

    /// An embedding with these coordinates.
    public init(values: [Float]) { self.values = values }

    /// The Euclidean length of the embedding.
    public var length: Float {
        var sum = 0.0
        for value in values { sum += Double(value) * Double(value) }
        return Float(sum.squareRoot())
    }

    /// The same direction at length 1; unchanged when all coordinates are zero.
    public func normalized() -> Embedding {
        let length = length
        return length > 0 ? Embedding(values: values.map { $0 / length }) : self
    }

    /// The cosine of the angle to `other`, −1…1; 0 when either is zero.
    /// - Precondition: both have the same number of coordinates.
    public func similarity(to other: Embedding) -> Float {
        precondition(values.count == other.values.count, "embeddings of different models can't be compared")
        var (product, own, others) = (0.0, 0.0, 0.0)
        for (a, b) in zip(values, other.values) {
            product += Double(a) * Double(b)
            own += Double(a) * Double(a)
            others += Double(b) * Double(b)
        }
        let lengths = (own * others).squareRoot()
        return lengths > 0 ? Float(max(-1, min(1, product / lengths))) : 0
    }
}
