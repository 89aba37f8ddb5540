public import CLIP
import CLIPCompute
import CLIPSystem

/// How often labels are right on pictures whose labels are known.
///
/// It measures one model on these pictures with these labels: what it says of others depends on how alike they are.
/// ```swift
/// let evaluation = try LabelEvaluation(model: model, pictures: embeddings, truths: [0, 1, 0], labels: ["dog", "cat"])
/// print(evaluation.top1.value, evaluation.top1.interval, evaluation.calibration.expectedError)
/// ```
public struct LabelEvaluation: Sendable {
    /// The labels, in the order given.
    public let labels: [String]
    /// One answer per picture, in their order.
    public let pictures: [EvaluatedPicture]
    /// How many pictures get their own label first.
    public let top1: Proportion
    /// How many pictures have their own label among the first five; nil with fewer than five labels.
    public let top5: Proportion?
    /// The mean of the shares of right answers over the labels that have pictures: each label counts the same, however many
    /// pictures it has.
    public let meanRecall: Double
    /// One finding per label, in their order.
    public let classes: [ClassFinding]
    /// How many pictures of a label are taken for another, the commonest first; of equal ones in the order of the labels.
    public let confusions: [Confusion]
    /// Whether shares say how often answers are right.
    public let calibration: Calibration
    /// Each template alone, the best first; empty where there was one, or none.
    public let templates: [TemplateFinding]

    /// Classifies pictures whose labels are known, with all templates together and with each alone.
    /// - Parameters:
    ///   - model: the model that answers.
    ///   - pictures: of `model`.
    ///   - truths: the number of each picture's own label in `labels`.
    ///   - labels: the labels.
    ///   - templates: as for `ZeroShotClassifier`: the answers are of all together.
    ///   - longText: what happens to labels that are longer than the model's context.
    ///   - threads: by default those of the model.
    /// - Throws: `CLIPError` as `ZeroShotClassifier`, and of kind `.argument` when there are no pictures, or not as many
    ///   truths, or one that is no label's number.
    /// - Complexity: O(pictures · labels · (templates + 1) · dimension).
    public init(
        model: CLIPModel, pictures: [Embedding], truths: [Int], labels: [String],
        templates: [String] = Audit.defaultTemplates, longText: LongText = .truncate, threads: Int? = nil
    ) throws(CLIPError) {
        try ZeroShotClassifier.check(labels: labels, templates: templates)
        let prompts = try LabelPrompts(of: labels, templates: templates, model: model, longText: longText)
        try self.init(
            pictures: pictures, truths: truths, labels: labels, templates: templates,
            prompts: templates.indices.map { prompts.alone(in: $0) },
            logitScale: model.logitScale, threads: threads ?? model.threads)
    }

    /// The same of embeddings, whatever made them.
    /// - Parameters:
    ///   - pictures: of one model.
    ///   - truths: the number of each picture's own label in `labels`.
    ///   - labels: the labels.
    ///   - templates: what each row of `prompts` is called.
    ///   - prompts: for each template the embedding of each label in it. With several a label is their ensemble: normalised,
    ///     averaged and normalised again.
    ///   - logitScale: what cosines are multiplied by before the softmax that gives shares.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    /// - Throws: `CLIPError` of kind `.argument` when the counts don't match, lengths differ, or two labels are one.
    public init(
        pictures: [Embedding], truths: [Int], labels: [String], templates: [String], prompts: [[Embedding]],
        logitScale: Float, threads: Int? = nil
    ) throws(CLIPError) {
        guard prompts.count == templates.count, !prompts.isEmpty, prompts.allSatisfy({ $0.count == labels.count })
        else {
            throw CLIPError(
                .argument,
                "\(prompts.map(\.count)) embeddings of \(labels.count) labels in \(templates.count) templates, expected one of each label in each"
            )
        }
        try LabelEvaluation.check(pictures, truths: truths, labels: labels)
        try EmbeddingProducts.checkDimensions(pictures, prompts.flatMap { $0 })
        let pictures = pictures.map { $0.normalized() }
        let unit = prompts.map { $0.map { $0.normalized() } }
        let ensemble = labels.indices.map { label in
            Embedding(meanOf: unit.map { $0[label] }, normalize: true)
        }
        try ZeroShotClassifier.check(ensemble, of: labels)
        let compute = try Compute(threads: threads)
        // Each picture gets the label whose row has the largest product with it.
        func answers(_ rows: [Embedding]) throws(CLIPError) -> [EvaluatedPicture] {
            var answers: [EvaluatedPicture] = []
            answers.reserveCapacity(pictures.count)
            try EmbeddingProducts(rows, compute: compute).forEachRow(of: pictures) { picture, products in
                answers.append(EvaluatedPicture(truth: truths[picture], products: products, scale: logitScale))
            }
            return answers
        }
        let answered = try answers(ensemble)
        var findings: [TemplateFinding] = []
        if templates.count > 1 {
            var alone: [[Bool]] = []
            for rows in unit { alone.append(try answers(rows).map(\.isRight)) }
            findings = TemplateFinding.ranked(templates, areRight: alone, together: answered.map(\.isRight))
        }
        self.init(labels: labels, answered, templates: findings)
    }

    /// Classifies pictures whose labels are known by a head. They should be none of its examples, which it knows.
    /// - Parameters:
    ///   - head: made of examples, whose labels these are.
    ///   - pictures: of the model that the head belongs to.
    ///   - truths: the number of each picture's own label in the head's `names`.
    /// - Throws: `CLIPError` of kind `.argument` as the others, and for a head without labels.
    /// - Complexity: O(pictures · labels · dimension).
    public init(head: PictureHead, pictures: [Embedding], truths: [Int]) throws(CLIPError) {
        guard head.hasExamples else {
            throw CLIPError(.argument, "the head has values, not labels: expected one made of examples")
        }
        try LabelEvaluation.check(pictures, truths: truths, labels: head.names)
        try EmbeddingProducts.checkDimensions(pictures, head.prototypes)
        var answers: [EvaluatedPicture] = []
        for (picture, truth) in zip(pictures, truths) {
            try checkCancellation()
            let ranked = head.classify(picture).labels
            guard let rank = ranked.firstIndex(where: { $0.label == head.names[truth] }),
                let answer = head.names.firstIndex(of: ranked[0].label)
            else { continue }
            answers.append(
                EvaluatedPicture(
                    truth: truth, answer: answer, rank: rank, probability: ranked[0].probability,
                    similarity: ranked[0].similarity, truthSimilarity: ranked[rank].similarity))
        }
        self.init(labels: head.names, answers, templates: [])
    }

    private init(labels: [String], _ pictures: [EvaluatedPicture], templates: [TemplateFinding]) {
        self.labels = labels
        self.pictures = pictures
        self.templates = templates
        top1 = Proportion(pictures.count { $0.rank == 0 }, of: pictures.count)
        top5 = labels.count >= 5 ? Proportion(pictures.count { $0.rank < 5 }, of: pictures.count) : nil
        var counts = [[Int: Int]](repeating: [:], count: labels.count)
        for picture in pictures { counts[picture.truth][picture.answer, default: 0] += 1 }
        classes = labels.indices.map { label in
            let right = counts[label][label] ?? 0
            return ClassFinding(
                label: labels[label], recall: Proportion(right, of: counts[label].values.reduce(0, +)),
                precision: Proportion(right, of: counts.reduce(0) { $0 + ($1[label] ?? 0) }))
        }
        let present = classes.filter { $0.recall.count > 0 }
        meanRecall = present.reduce(0) { $0 + $1.recall.value } / Double(max(1, present.count))
        confusions = labels.indices.flatMap { truth in
            counts[truth].sorted { $0.key < $1.key }.compactMap { answer, count in
                answer == truth ? nil : Confusion(truth: truth, answer: answer, count: count)
            }
        }.enumerated().sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }.map(\.element)
        calibration = Calibration(shares: pictures.map { Double($0.probability) }, areRight: pictures.map(\.isRight))
    }

    private static func check(_ pictures: [Embedding], truths: [Int], labels: [String]) throws(CLIPError) {
        guard !pictures.isEmpty else { throw CLIPError(.argument, "no pictures, expected at least one") }
        guard truths.count == pictures.count else {
            throw CLIPError(.argument, "\(truths.count) truths for \(pictures.count) pictures, expected one each")
        }
        if let truth = truths.first(where: { !labels.indices.contains($0) }) {
            throw CLIPError(.argument, "\(truth) is the number of none of the \(labels.count) labels")
        }
    }
}

/// The answer to one picture whose label is known.
public struct EvaluatedPicture: Sendable, Equatable {
    /// The number of its own label.
    public let truth: Int
    /// The number of the label that it gets.
    public let answer: Int
    /// How many labels come before its own: 0 where the answer is right. Of equal ones the first given comes first.
    public let rank: Int
    /// The share of the answer among all labels: a softmax, not the probability of being right; see `Calibration` for how
    /// often it is.
    public let probability: Float
    /// The cosine of picture and answer.
    public let similarity: Float
    /// The cosine of picture and its own label.
    public let truthSimilarity: Float

    /// Whether the answer is its own label.
    public var isRight: Bool { rank == 0 }

    init(truth: Int, answer: Int, rank: Int, probability: Float, similarity: Float, truthSimilarity: Float) {
        self.truth = truth
        self.answer = answer
        self.rank = rank
        self.probability = probability
        self.similarity = similarity
        self.truthSimilarity = truthSimilarity
    }

    /// - Parameter products: the picture's cosine with each label.
    init(truth: Int, products: UnsafeBufferPointer<Float>, scale: Float) {
        var best = 0
        for (label, product) in products.enumerated() where product > products[best] { best = label }
        let largest = Double(products[best])
        let sum = products.reduce(0.0) { $0 + exp(Double(scale) * (Double($1) - largest)) }
        self.truth = truth
        answer = best
        rank = EmbeddingProducts.rank(of: truth, in: products)
        probability = Float(1 / sum)
        similarity = products[best]
        truthSimilarity = products[truth]
    }
}

/// What an evaluation says of one label.
public struct ClassFinding: Sendable, Equatable {
    /// The label that the finding is about.
    public let label: String
    /// Of its pictures, how many get it.
    public let recall: Proportion
    /// Of the pictures that get it, how many are its own.
    public let precision: Proportion
}

/// Pictures of one label that are taken for another.
public struct Confusion: Sendable, Equatable {
    /// The number of their own label.
    public let truth: Int
    /// The number of the label that they get.
    public let answer: Int
    /// How many there are.
    public let count: Int
}

/// How one template does without the others.
public struct TemplateFinding: Sendable, Equatable {
    /// The sentence that labels were put into.
    public let template: String
    /// How many pictures get their own label first with it alone.
    public let accuracy: Proportion
    /// How much oftener all templates together are right than this one alone.
    public let togetherAhead: PairedDifference
    /// How much oftener the best template is right than this one; of the best nil. The best of many owes some of its lead to
    /// luck, so that an interval that just leaves 0 out proves little.
    public let bestAhead: PairedDifference?

    /// - Parameters:
    ///   - areRight: for each template which of its answers are right.
    ///   - together: which answers of all together are.
    static func ranked(_ templates: [String], areRight: [[Bool]], together: [Bool]) -> [TemplateFinding] {
        let rights = areRight.map { $0.count { $0 } }
        let order = templates.indices.sorted { (rights[$1], $0) < (rights[$0], $1) }
        return order.map { template in
            TemplateFinding(
                template: templates[template], accuracy: Proportion(rights[template], of: together.count),
                togetherAhead: PairedDifference(together, areRight[template]),
                bestAhead: template == order[0] ? nil : PairedDifference(areRight[order[0]], areRight[template]))
        }
    }
}
