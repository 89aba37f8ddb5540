public import CLIP

/// What an audit says of one picture.
public struct PictureFinding: Sendable, Equatable {
    /// The labels with the ensemble of all templates, best first.
    public let classification: Classification
    /// The best label with each template alone.
    public let answers: [String]
    /// The best label each time that one label is called by another of its names.
    public let synonymAnswers: [String]
    /// The group that the picture belongs to; nil where it has none.
    public let group: String?

    /// The best label with the ensemble.
    public var answer: String { classification.labels[0].label }
    /// Whether two templates give different answers.
    public var flipsWithTemplate: Bool { answers.contains { $0 != answers[0] } }
    /// Whether another name of some label changes the answer.
    public var flipsWithSynonym: Bool { synonymAnswers.contains { $0 != answer } }
    /// The share of templates that give the ensemble's answer.
    public var agreement: Double { Double(answers.count { $0 == answer }) / Double(max(1, answers.count)) }
    /// How far the cosine of the best label lies above that of the second; nil when there is one label.
    public var margin: Float? {
        let labels = classification.labels
        return labels.count > 1 ? labels[0].similarity - labels[1].similarity : nil
    }
}

/// What an audit says of one label.
public struct LabelFinding: Sendable, Equatable {
    /// The label that the finding is about.
    public let label: String
    /// How many pictures the label is the best one of.
    public let count: Int
    /// The share of all pictures that the label is the best one of.
    public let share: Double
    /// That share over the one that every label would have if answers were spread evenly: above 1 the label takes more
    /// than its part. Whether that is right depends on what the pictures show.
    public let representation: Double
    /// The mean cosine with all pictures: a label that is near to everything attracts answers (hubness; Radovanović et
    /// al., 2010).
    public let meanSimilarity: Double

    init(label: String, count: Int, pictureCount: Int, labelCount: Int, meanSimilarity: Double) {
        self.label = label
        self.count = count
        share = Double(count) / Double(pictureCount)
        representation = share * Double(labelCount)
        self.meanSimilarity = meanSimilarity
    }
}
