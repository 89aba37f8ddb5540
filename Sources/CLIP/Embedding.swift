/// A point in the space that pictures and texts share.
public struct Embedding: Sendable, Hashable, Codable {
    /// The coordinates, `[embeddingDimension]`.
    public var values: [Float]

    /// An embedding with these coordinates.
    public init(values: [Float]) { self.values = values }
}
