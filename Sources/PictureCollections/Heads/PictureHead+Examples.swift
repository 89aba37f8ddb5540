public import CLIP
import CLIPCompute
import CLIPSystem

extension PictureHead {
    /// Learns labels from a few pictures of each.
    ///
    /// Without regression a label is the mean of its examples, each and the mean of length 1 (prototypes; Snell et al., 2017), and
    /// shares are a softmax of the cosines with them times the model's logit scale. With regression shares are those of a
    /// multinomial logistic regression on the examples, as scikit-learn's `LogisticRegression` gives them.
    /// - Parameters:
    ///   - model: that made the embeddings.
    ///   - labels: the labels, at least two.
    ///   - examples: the embeddings of each label's pictures, at least one, by `model`.
    ///   - words: the embedding of each label as a text, which then counts as one more example of it (Lin et al., 2023,
    ///     "Multimodality Helps Unimodality"); nil for examples alone.
    ///   - regressionC: C of the regression: how much examples count against small weights; nil is no regression.
    ///   - threads: by default those of the model. The result is the same for any number of them.
    /// - Throws: `CLIPError` of kind `.argument` for fewer than two labels, two that are the same, one without an example, or a
    ///   C that is not above zero; of kind `.cancelled`.
    public init(
        model: CLIPModel, labels: [String], examples: [[Embedding]], words: [Embedding]? = nil,
        regressionC: Double? = nil, threads: Int? = nil
    ) throws(CLIPError) {
        try self.init(
            labels: labels, examples: examples, words: words, regressionC: regressionC, logitScale: model.logitScale,
            fingerprint: model.fingerprint, modelName: model.info.card?.name ?? model.info.path,
            threads: threads ?? model.threads)
    }

    init(
        labels: [String], examples: [[Embedding]], words: [Embedding]? = nil, regressionC: Double?, logitScale: Float,
        fingerprint: String, modelName: String, threads: Int?
    ) throws(CLIPError) {
        try ZeroShotClassifier.check(labels: labels, templates: ["{}"])
        guard labels.count > 1, examples.count == labels.count, words?.count ?? labels.count == labels.count else {
            throw CLIPError(
                .argument,
                "examples of \(examples.count) labels and words of \(words?.count ?? 0) for \(labels.count) labels, expected "
                    + "at least two labels and some examples of each")
        }
        if let label = labels.indices.first(where: { examples[$0].isEmpty }) {
            throw CLIPError(.argument, "the label \"\(labels[label])\" has no examples, expected at least one")
        }
        if let c = regressionC, !(c > 0 && c.isFinite) {
            throw CLIPError(.argument, "C is \(c), expected a number above zero")
        }
        let unit = examples.map { $0.map { $0.normalized() } }
        let all = zip(unit, labels.indices).map { pictures, label in
            pictures + (words.map { [$0[label].normalized()] } ?? [])
        }
        try EmbeddingProducts.checkDimensions(all.flatMap { $0 })
        let prototypes = all.map { Embedding(meanOf: $0, normalize: true) }
        try ZeroShotClassifier.check(prototypes, of: labels)
        let dimension = prototypes[0].values.count
        let layer: HeadLayer
        if let c = regressionC {
            let fitted = try LogisticRegression(
                all.flatMap { $0.map(\.values) },
                labels: all.enumerated().flatMap { label, rows in rows.map { _ in label } },
                classes: labels.count, c: c, compute: try Compute(threads: threads))
            layer = HeadLayer(
                inputs: dimension, outputs: labels.count, weights: fitted.weights.flatMap { $0.map { Float($0) } },
                biases: fitted.intercepts.map { Float($0) })
        } else {
            layer = HeadLayer(
                inputs: dimension, outputs: labels.count,
                weights: prototypes.flatMap { $0.values.map { logitScale * $0 } },
                biases: [Float](repeating: 0, count: labels.count))
        }
        var card = [
            "model_name": modelName, "made_by": regressionC.map { "logistic regression, C = \($0)" } ?? "prototypes",
            "examples": zip(labels, unit).map { "\($0): \($1.count)" }.joined(separator: ", "),
        ]
        if words != nil { card["words"] = "the label's words count as one more example of it" }
        self.init(
            names: labels, layers: [layer], activation: .none, output: .softmax, fingerprint: fingerprint, card: card,
            prototypes: prototypes, reaches: try PictureHead.reaches(of: unit), logitScale: logitScale)
    }

    /// For each label the least cosine of an example with the mean of its others; of one with a single example the least of the
    /// other labels, and −1 where each has but one: then nothing can be said.
    /// - Complexity: O(examples · dimension).
    private static func reaches(of examples: [[Embedding]]) throws(CLIPError) -> [Float] {
        var known: [Float?] = []
        for pictures in examples {
            var sums = [Double](repeating: 0, count: pictures[0].values.count)
            for picture in pictures {
                for (index, value) in picture.values.enumerated() { sums[index] += Double(value) }
            }
            var least: Float?
            for picture in pictures where pictures.count > 1 {
                try checkCancellation()
                // What is left of the sum without it has the direction of the mean of the others.
                let others = Embedding(values: zip(sums, picture.values).map { Float($0 - Double($1)) })
                least = min(least ?? 1, picture.similarity(to: others))
            }
            known.append(least)
        }
        let least = known.compactMap { $0 }.min() ?? -1
        return known.map { $0 ?? least }
    }

    /// The labels for a picture.
    ///
    /// `similarity` is the cosine with the mean of a label's examples: of two pictures, so far higher than that of a picture with
    /// words. `independent` weighs it against the farthest of the label's own examples, and a picture that is farther from every
    /// label than that fits none.
    /// - Precondition: the head was made of examples, and `picture` is by its model.
    public func classify(_ picture: Embedding) -> Classification {
        precondition(hasExamples, "a head without examples has values, not labels")
        let logits = logits(picture)
        let shares = values(of: logits)
        let ranked = names.indices.sorted { (logits[$1], $0) < (logits[$0], $1) }
        let scores = ranked.map { label in
            let similarity = picture.similarity(to: prototypes[label])
            return LabelScore(
                label: names[label], probability: shares[label], similarity: similarity,
                independent: 1 / (1 + exp(-logitScale * (similarity - reaches[label]))))
        }
        return Classification(scores, fitsNoLabel: zip(ranked, scores).allSatisfy { $1.similarity < reaches[$0] })
    }
}

extension PictureIndex {
    /// What a head says of pictures of the index, by the embeddings that it holds: no picture is read.
    /// - Parameters:
    ///   - numbers: the pictures; nil is all of them, in the order in which they were indexed.
    ///   - head: made of examples, with the model that made the index.
    ///   - body: takes one picture after another, in their order.
    /// - Throws: `CLIPError` of kind `.model` when the head belongs to another model, of kind `.index` when a vector is damaged;
    ///   what `body` throws.
    /// - Complexity: O(pictures · labels · dimension).
    public func classify(
        _ numbers: [Int]? = nil, by head: PictureHead, _ body: (PictureClassification) throws -> Void
    ) throws {
        try head.check(self)
        for number in numbers ?? pictureNumbers {
            try checkCancellation()
            try body(PictureClassification(number: number, classification: head.classify(try embedding(of: number))))
        }
    }

    /// What `classify(_:by:_:)` finds, without blocking the caller's executor.
    /// - Throws: `CLIPError` as the synchronous method; of kind `.cancelled` once the task is cancelled.
    public func classifications(
        of numbers: [Int]? = nil, by head: PictureHead
    ) async throws(CLIPError) -> [PictureClassification] {
        try await withoutBlocking { () throws(CLIPError) in
            try head.check(self)
            var all: [PictureClassification] = []
            for number in numbers ?? pictureNumbers {
                try checkCancellation()
                all.append(
                    PictureClassification(number: number, classification: head.classify(try embedding(of: number))))
            }
            return all
        }
    }
}
