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

    /// Examines embeddings of pictures.
    /// - Parameters:
    ///   - model: the model that answers.
    ///   - pictures: of `model`.
    ///   - labels: the labels, each with the other names it has.
    ///   - templates: the prompts, each with `{}` where a label goes.
    ///   - groups: the group of each picture, nil where it has none; empty without groups.
    ///   - longText: what happens to labels that are longer than the model's context.
    ///   - permutations: how often groups are shuffled for the chance of an association.
    ///   - seed: what decides how groups are shuffled.
    /// - Throws: `CLIPError` as `ZeroShotClassifier`, and of kind `.argument` when there are no pictures, or not as many
    ///   groups.
    /// - Complexity: O(pictures · wordings · dimension), and O(pictures · permutations) for each label and group.
    public init(
        model: CLIPModel, pictures: [Embedding], labels: [AuditLabel], templates: [String] = defaultTemplates,
        groups: [String?] = [], longText: LongText = .truncate, permutations: Int = 1000, seed: UInt64 = 1
    ) throws(CLIPError) {
        guard !pictures.isEmpty else { throw CLIPError(.argument, "no pictures, expected at least one") }
        guard groups.isEmpty || groups.count == pictures.count else {
            throw CLIPError(.argument, "\(groups.count) groups for \(pictures.count) pictures, expected one each")
        }
        let names = labels.map(\.name)
        let whole = try ZeroShotClassifier(
            model: model, labels: names, templates: templates, longText: longText)
        let wordings = try Wordings(model: model, labels: labels, templates: templates, longText: longText)
        let answersByTemplate = templates.indices.map { template in
            pictures.map { Audit.index(ofLargest: $0.similarities(to: wordings.names.map { $0[template] })) }
        }
        let answersBySynonym = wordings.renamed.map { names in
            pictures.map { Audit.index(ofLargest: $0.similarities(to: names)) }
        }
        let classifications = try pictures.map { picture throws(CLIPError) in
            try checkCancellation()
            return whole.classify(picture)
        }
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
        associations = try GroupAssociation.all(
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

/// The embeddings of all that labels are called by, each prompt embedded once.
private struct Wordings {
    /// For each label the embedding of its first name in each template.
    let names: [[Embedding]]
    /// For each other name of a label the labels' ensembles of all templates, that label called by it.
    private(set) var renamed: [[Embedding]] = []

    init(
        model: CLIPModel, labels: [AuditLabel], templates: [String], longText: LongText
    ) throws(CLIPError) {
        let firstNames = labels.map(\.name)
        let others = labels.indices.flatMap { label in labels[label].otherNames.map { (label, $0) } }
        for (label, name) in others {
            var names = firstNames
            names[label] = name
            try ZeroShotClassifier.check(labels: names, templates: templates)
        }
        let prompts = try LabelPrompts(
            of: firstNames + others.map(\.1), templates: templates, model: model, longText: longText)
        names = Array(prompts.byLabel.prefix(labels.count))
        let ensembles = prompts.ensembles
        for (place, (label, name)) in others.enumerated() {
            let other = ensembles[labels.count + place]
            try ZeroShotClassifier.check([ensembles[label], other], of: [firstNames[label], name])
            var (called, calledNames) = (Array(ensembles.prefix(labels.count)), firstNames)
            (called[label], calledNames[label]) = (other, name)
            try ZeroShotClassifier.check(called, of: calledNames)
            renamed.append(called)
        }
    }
}

extension Embedding {
    fileprivate func similarities(to others: [Embedding]) -> [Double] { others.map { Double(similarity(to: $0)) } }
}

/// A label, and other names that mean the same.
public struct AuditLabel: Sendable, Equatable {
    /// The name that answers are given in.
    public let name: String
    /// What the label might have been called as well.
    public let otherNames: [String]

    /// A label with its names.
    public init(_ name: String, otherNames: [String] = []) {
        self.name = name
        self.otherNames = otherNames
    }

    /// A label as it is written on a command line, names between bars: `dog|puppy|hound`.
    package init(parsing text: String) {
        let names = text.split(separator: "|").map { name in
            String(name.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }
        self.init(names.first ?? text, otherNames: Array(names.dropFirst()))
    }
}
