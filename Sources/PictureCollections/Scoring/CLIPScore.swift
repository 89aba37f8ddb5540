public import CLIP

/// How well a caption fits a picture, by their embeddings alone (Hessel et al., 2021, "CLIPScore: A Reference-free
/// Evaluation Metric for Image Captioning").
///
/// Scores of different models can't be compared, and none says whether a caption is true: it says how near two vectors
/// are. Published figures are of ViT-B/32 with "A photo depicts " in front of each caption.
public struct CLIPScore: Sendable, Equatable {
    /// The cosine of picture and caption, −1…1.
    public let similarity: Float
    /// CLIP-S, 0…2.5: 2.5 · max(cosine, 0).
    public let score: Float
    /// RefCLIP-S, nil without references: the harmonic mean of CLIP-S and the best max(cosine, 0) of the caption with a
    /// reference caption.
    public let referenceScore: Float?

    /// The factor w that the paper stretches cosines by.
    public static let weight: Float = 2.5

    /// Scores a caption.
    /// - Parameters:
    ///   - image: the embedding of the picture.
    ///   - text: the embedding of the caption.
    ///   - references: what people wrote of the same picture.
    /// - Precondition: all embeddings are of the same model.
    /// - Complexity: O(references · dimension).
    public init(image: Embedding, text: Embedding, references: [Embedding] = []) {
        similarity = image.similarity(to: text)
        score = CLIPScore.weight * max(similarity, 0)
        let closest = references.map { max(text.similarity(to: $0), 0) }.max()
        let score = score
        referenceScore = closest.map { $0 + score > 0 ? 2 * score * $0 / (score + $0) : 0 }
    }
}
