import CLIP

/// The labels of a picture.
struct ClassificationRecord: Record {
    /// What a record shows.
    struct Style {
        /// How many labels; nil for all.
        let top: Int?
        /// Whether each label's score alone stands beside the others.
        let showsIndependent: Bool
        /// Whether that is the model's own sigmoid, not a comparison with background prompts.
        let isSigmoid: Bool
        /// Whether there is an answer, which may be none.
        let answers: Bool

        /// What must be known to read the numbers.
        func note(labelCount: Int) -> String {
            var note =
                labelCount == 1
                ? "  one label alone always has the whole share: look at the cosine, or use --independent"
                : "  share among the \(labelCount) labels given, not a probability of being true"
            if showsIndependent {
                note +=
                    isSigmoid
                    ? "\n  alone: the probability that the model gives the pair, whatever the other labels"
                    : "\n  alone: the label against prompts that name nothing in particular"
            }
            return note
        }
    }

    let input: RecordName
    let result: Classification
    let fingerprint: String
    let style: Style

    private var shown: ArraySlice<LabelScore> { result.labels.prefix(style.top ?? .max) }
    private var answer: String { result.fitsNoLabel ? "none" : result.labels.first?.label ?? "none" }

    var fields: [(name: String, value: FieldValue)] {
        let labels = shown.map { score in
            var fields: [(name: String, value: FieldValue)] = [
                ("label", .text(score.label)), ("probability", .number(score.probability)),
                ("similarity", .number(score.similarity)),
            ]
            if style.showsIndependent { fields.append(("independent", .number(score.independent))) }
            return FieldValue.object(fields)
        }
        let answer: [(name: String, value: FieldValue)] = style.answers ? [("answer", .text(self.answer))] : []
        let scoring: [(name: String, value: FieldValue)] =
            style.showsIndependent
            ? [("independent_by", .text(style.isSigmoid ? "sigmoid" : "background"))] : []
        return [("input", .text(input.text)), ("labels", .list(labels))] + scoring + answer + [
            ("ambiguous", .truth(result.ambiguous)), ("fits_no_label", .truth(result.fitsNoLabel)),
            ("model", .text(fingerprint)), ("input_bytes", .nameBytes(input.bytes)),
        ]
    }

    var columns: [String] {
        ["input", "label", "probability", "similarity"] + (style.showsIndependent ? ["independent"] : [])
            + (style.answers ? ["answer"] : []) + ["ambiguous", "fits_no_label", "model", "input_bytes"]
    }

    /// A line per label.
    var rows: [[FieldValue]] {
        shown.map { score in
            [.text(input.text), .text(score.label), .number(score.probability), .number(score.similarity)]
                + (style.showsIndependent ? [.number(score.independent)] : [])
                + (style.answers ? [.text(answer)] : [])
                + [
                    .truth(result.ambiguous), .truth(result.fitsNoLabel), .text(fingerprint),
                    .nameBytes(input.bytes),
                ]
        }
    }

    var text: String {
        // A thousand labels on a screen are no answer.
        let scores = style.top == nil && result.labels.count > 12 ? result.labels.prefix(5) : shown
        let names = scores.map { displayed($0.label) }
        let width = min(40, names.map(columnCount).max() ?? 0)
        var text = displayed(input.text) + (style.answers ? ": \(displayed(answer))" : "") + "\n"
        for (name, score) in zip(names, scores) {
            text += "  \(name.padded(to: width))  \(percent(score.probability))   cosine "
            text += decimal(Double(score.similarity), places: 3).rightAligned(to: 6)
            if style.showsIndependent { text += "   alone \(percent(score.independent))" }
            text += "\n"
        }
        if scores.count < result.labels.count, style.top == nil {
            text += "  … \(result.labels.count - scores.count) more; --top \(result.labels.count) shows all\n"
        }
        if result.fitsNoLabel {
            text += "  none of the labels stands out from background prompts\n"
        } else if result.ambiguous, result.labels.count > 1 {
            text += "  ambiguous: \(displayed(result.labels[0].label)) or \(displayed(result.labels[1].label))\n"
        }
        return text
    }

    /// Never 100 % nor 0 % for what is only near it.
    private func percent(_ share: Float) -> String {
        let text =
            switch share {
            case ..<0.005 where share > 0: "<1 %"
            case 0.995..<1: ">99 %"
            default: decimal(Double(share) * 100, places: 0) + " %"
            }
        return text.rightAligned(to: 5)
    }
}
