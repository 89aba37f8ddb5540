/// Names pictures with labels made up on the spot (Radford et al., 2021, section 3.1).
///
/// Built once, used for any number of pictures: the labels' embeddings are computed when it is made.
public struct ZeroShotClassifier: Sendable {
    /// The prompt that labels are put into when no other is given.
    public static let defaultTemplates = ["a photo of a {}"]

    /// The labels, in the order given.
    public let labels: [String]
    /// The prompts, each with `{}` where the label goes.
    public let templates: [String]

    /// Embeds the labels. With several templates a label is their ensemble: embeddings are normalised, averaged and
    /// normalised again.
    /// - Throws: `CLIPError` of kind `.argument` for no label, an empty or repeated one, or a template without `{}`.
    public init(
        model: CLIPModel, labels: [String], templates: [String] = defaultTemplates, longText: LongText = .truncate
    ) throws(CLIPError) { throw notYet }

    /// The text that is embedded for a label: the template with the label in place of every `{}`.
    public static func prompt(_ label: String, in template: String) -> String {
        var prompt = ""
        var rest = template.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar == "{", rest.first == "}" {
                prompt += label
                rest.removeFirst()
            } else {
                prompt.unicodeScalars.append(scalar)
            }
        }
        return prompt
    }

    /// Scores every label for a picture's embedding.
    public func classify(_ picture: Embedding) -> Classification { fatalError() }

    /// Embeds a picture and scores every label for it.
    public func classify(_ image: Image, fit: ImageFit? = nil) throws(CLIPError) -> Classification { throw notYet }
}

/// How a picture relates to the labels that were given. No label outside that list is considered.
public struct Classification: Sendable, Equatable {
    /// The labels, best first.
    public let labels: [LabelScore]
    /// Whether the second label is too close behind the first to call: its share is more than half of the first's.
    public let ambiguous: Bool
    /// Whether no label beats prompts that name nothing in particular: the picture probably shows none of them.
    public let fitsNoLabel: Bool
}

/// One label's scores for one picture.
public struct LabelScore: Sendable, Equatable {
    /// The label.
    public let label: String
    /// A softmax over the labels *given*: a share among them, not the probability that the label is true.
    public let probability: Float
    /// The cosine of picture and label: what the model measured.
    public let similarity: Float
    /// The label weighed alone against prompts that name nothing in particular, 0…1.
    public let independent: Float
}
