/// How a picture relates to the labels that were given. No label outside that list is considered.
public struct Classification: Sendable, Equatable {
    /// The labels, best first; equal ones in the order given. Only the best where no more were asked for.
    public let labels: [LabelScore]
    /// Whether the second label is too close behind the first to call: its share is more than half of the first's.
    public let isAmbiguous: Bool
    /// Whether no label beats prompts that name nothing in particular: the picture probably shows none of them.
    public let fitsNoLabel: Bool
    /// The best cosine of prompts that name nothing in particular; nil where labels were learnt from examples.
    public let background: Float?

    /// - Parameters:
    ///   - ranked: best first, all or at least two where there are two.
    ///   - top: how many of them to keep.
    ///   - background: the best cosine of prompts that name nothing in particular.
    init(_ ranked: [LabelScore], top: Int = .max, background: Float) {
        self.init(
            ranked, top: top, fitsNoLabel: ranked.allSatisfy { $0.similarity <= background },
            background: background)
    }

    package init(_ ranked: [LabelScore], top: Int = .max, fitsNoLabel: Bool, background: Float? = nil) {
        labels = Array(ranked.prefix(top))
        isAmbiguous = ranked.count > 1 && ranked[1].probability > ranked[0].probability / 2
        self.fitsNoLabel = fitsNoLabel
        self.background = background
    }
}

/// One label's scores for one picture.
public struct LabelScore: Sendable, Equatable {
    /// The label that was scored.
    public let label: String
    /// A softmax over the labels *given*: a share among them, not the probability that the label is true.
    public let probability: Float
    /// The cosine of picture and label: what the model measured. Of labels learnt from examples that of the picture and the
    /// mean of a label's examples.
    public let similarity: Float
    /// The label weighed alone, 0…1, with s the model's `logitScale`; not calibrated.
    ///
    /// Of a model with a `logitBias` b, σ(s · cosine + b), the probability that the model was trained to give for the pair
    /// (Zhai et al., 2023); it is often small for every label of a list. Of others σ(s · (cosine − best cosine of prompts
    /// that name nothing in particular)): more than ½ means that the label says more about the picture than they do. Of labels
    /// learnt from examples the cosine of the label's farthest own example takes that place.
    public let independent: Float

    package init(label: String, probability: Float, similarity: Float, independent: Float) {
        self.label = label
        self.probability = probability
        self.similarity = similarity
        self.independent = independent
    }
}
