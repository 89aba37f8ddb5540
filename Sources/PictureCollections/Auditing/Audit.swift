public import CLIP

/// How zero-shot labels behave on some pictures: how much the wording decides, where answers are close or fit nothing, and
/// what falls to which group of pictures.
///
/// It measures a model on these pictures and these words, nothing more: a small number is no proof of fairness.
public struct Audit: Sendable {
    /// The labels, each with all its wordings.
    public let labels: [AuditLabel]
    /// The sentences that labels were put into.
    public let templates: [String]
    /// One finding per picture, in their order.
    public let pictures: [PictureFinding]
    /// One finding per label, in their order.
    public let labelFindings: [LabelFinding]
    /// The share of pictures whose best label is not the same in all templates.
    public let templateFlipRate: Double
    /// The share of pictures whose best label changes when one label is called by another of its names; nil when no
    /// label has two.
    public let synonymFlipRate: Double?
    /// How labels lean towards groups of pictures; empty without groups.
    public let associations: [GroupAssociation]

    /// Sentences that say the same and should get the same answers.
    public static let defaultTemplates = [
        "a photo of a {}", "a picture of a {}", "an image of a {}", "a {}", "{}", "this is a {}", "there is a {} here",
        "a close-up of a {}",
    ]

    /// Examines embeddings of pictures. O(pictures · wordings · dimension), plus `permutations` per label and group.
    /// - Parameters:
    ///   - pictures: of `model`.
    ///   - groups: the group of each picture, nil where it has none; empty without groups.
    ///   - permutations: how often groups are shuffled for the chance of an association.
    /// - Throws: `CLIPError` as `ZeroShotClassifier`, and of kind `.argument` when there are no pictures, or not as many
    ///   groups.
    public init(
        model: CLIPModel, pictures: [Embedding], labels: [AuditLabel], templates: [String] = defaultTemplates,
        groups: [String?] = [], permutations: Int = 1000, seed: UInt64 = 1
    ) throws(CLIPError) {
        guard !pictures.isEmpty else { throw CLIPError(.argument, "no pictures, expected at least one") }
        guard groups.isEmpty || groups.count == pictures.count else {
            throw CLIPError(.argument, "\(groups.count) groups for \(pictures.count) pictures, expected one each")
        }
        let names = labels.map(\.name)
        let whole = try ZeroShotClassifier(model: model, labels: names, templates: templates)
        var answersByTemplate: [[Int]] = []
        for template in templates {
            let single = try ZeroShotClassifier(model: model, labels: names, templates: [template])
            answersByTemplate.append(pictures.map { single.bestLabel(of: $0) })
        }
        var answersBySynonym: [[Int]] = []
        for (index, label) in labels.enumerated() {
            for other in label.otherNames {
                var renamed = names
                renamed[index] = other
                let single = try ZeroShotClassifier(model: model, labels: renamed, templates: templates)
                answersBySynonym.append(pictures.map { single.bestLabel(of: $0) })
            }
        }
        let classifications = pictures.map { whole.classify($0) }
        let similarities = classifications.map { Audit.similarities(of: $0, in: names) }
        let best = similarities.map { Audit.index(ofLargest: $0) }

        self.labels = labels
        self.templates = templates
        self.pictures = pictures.indices.map { index in
            PictureFinding(
                classification: classifications[index],
                answers: answersByTemplate.map { names[$0[index]] },
                synonymAnswers: answersBySynonym.map { names[$0[index]] }, group: groups.isEmpty ? nil : groups[index])
        }
        templateFlipRate = Audit.share(of: self.pictures) { $0.flipsWithTemplate }
        synonymFlipRate =
            answersBySynonym.isEmpty ? nil : Audit.share(of: self.pictures) { $0.flipsWithSynonym }
        labelFindings = names.indices.map { label in
            LabelFinding(
                label: names[label], count: best.count { $0 == label }, pictureCount: pictures.count,
                labelCount: names.count,
                meanSimilarity: similarities.reduce(0) { $0 + $1[label] } / Double(pictures.count))
        }
        associations = GroupAssociation.all(
            labels: names, similarities: similarities, groups: groups, permutations: permutations, seed: seed)
    }

    private static func share(of pictures: [PictureFinding], _ condition: (PictureFinding) -> Bool) -> Double {
        Double(pictures.count(where: condition)) / Double(pictures.count)
    }

    private static func similarities(of classification: Classification, in names: [String]) -> [Double] {
        var similarities: [String: Float] = [:]
        for score in classification.labels { similarities[score.label] = score.similarity }
        return names.map { Double(similarities[$0] ?? 0) }
    }

    private static func index(ofLargest values: [Double]) -> Int {
        values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
    }
}

extension ZeroShotClassifier {
    /// The index of the label that a picture fits best.
    fileprivate func bestLabel(of picture: Embedding) -> Int {
        let best = classify(picture).labels[0].label
        return labels.firstIndex(of: best) ?? 0
    }
}

/// A label, and other names that mean the same.
public struct AuditLabel: Sendable, Equatable {
    /// The name that answers are given in.
    public let name: String
    /// What it might have been called as well.
    public let otherNames: [String]

    /// A label with its names.
    public init(_ name: String, otherNames: [String] = []) {
        self.name = name
        self.otherNames = otherNames
    }

    /// A label as it is written on a command line, names between bars: `dog|puppy|hound`.
    public init(parsing text: String) {
        let names = text.split(separator: "|").map { name in
            String(name.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }
        self.init(names.first ?? text, otherNames: Array(names.dropFirst()))
    }
}
