/// The embeddings of labels in templates.
package struct LabelPrompts: Sendable {
    /// For each label the embedding of each template with it, of length 1.
    package let byLabel: [[Embedding]]
    /// The embeddings of the texts that were given besides.
    package let others: [Embedding]

    /// Embeds all texts in one call: equal ones, beginnings and batches are shared.
    /// - Parameters:
    ///   - labels: what is put into the templates.
    ///   - templates: each with `{}` where a label goes.
    ///   - others: texts that are embedded as they are.
    ///   - model: embeds.
    ///   - longText: what happens to texts that are longer than the model's context.
    /// - Throws: `CLIPError` as embedding texts does.
    package init(
        of labels: [String], templates: [String], others: [String] = [], model: CLIPModel,
        longText: LongText = .truncate
    ) throws(CLIPError) {
        let texts = LabelPrompts.texts(of: labels, templates: templates) + others
        let embeddings: [Embedding] = try model.embed(texts, longText: longText, normalize: true)
        byLabel = labels.indices.map { Array(embeddings[$0 * templates.count..<($0 + 1) * templates.count]) }
        self.others = embeddings.suffix(others.count)
    }

    /// Each label in each template, label by label.
    package static func texts(of labels: [String], templates: [String]) -> [String] {
        labels.flatMap { label in templates.map { ZeroShotClassifier.prompt(label, in: $0) } }
    }

    /// One embedding a label: those of its templates averaged, and normalised again.
    package var ensembles: [Embedding] { byLabel.map { Embedding(meanOf: $0, normalize: true) } }

    /// One embedding a label: that in one template.
    package func alone(in template: Int) -> [Embedding] { byLabel.map { $0[template] } }
}
