#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

extension CLIPModel {
    /// Writes this model as one flat `.clip` file: packed panels, tokenizer tables, card, and probe embeddings for
    /// `verify`. The file appears complete or not at all.
    /// - Returns: the file's size in bytes.
    @discardableResult
    public func pack(to url: URL, weights: WeightType = .float16) throws(CLIPError) -> Int { throw notYet }

    /// Recomputes the probe texts and pictures that the file carries, and compares with the embeddings stored beside
    /// them when it was packed from the original weights.
    /// - Throws: `CLIPError` when the model carries no probes.
    public func verify() throws(CLIPError) -> [ProbeResult] { throw notYet }
}

/// How weights are stored. Arithmetic is always in 32-bit floats.
public enum WeightType: String, Sendable, CaseIterable {
    /// 32-bit floats: exact.
    case float32 = "f32"
    /// 16-bit floats: half the size.
    case float16 = "f16"
}

/// How far one probe drifted from the stored embedding.
public struct ProbeResult: Sendable, Equatable {
    /// The probe's text, or the name of its picture.
    public let probe: String
    /// The cosine to the stored embedding.
    public let cosine: Float
    /// The largest difference of a coordinate, relative to the largest coordinate.
    public let largestError: Float
    /// The least cosine that these weights should reach.
    public let leastCosine: Float
    /// Whether it does.
    public var passes: Bool { cosine >= leastCosine }
}
