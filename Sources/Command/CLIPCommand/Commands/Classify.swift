import CLIP
import CLIPOptions
import PictureCollections

struct Classify: Command {
    private static let results = ResultOptions.table
    private static let labels = Option(
        each: "labels", .text("labels"),
        help: #"The labels, separated by commas. One with a comma inside is quoted: 'dog,"cat, asleep"'."#)
    private static let labelsFile = Option(
        each: "labels-file", .file("file"),
        help: "Read labels from a file, one a line; - is standard input.")
    private static let template = Option(
        each: "template", .text("text"),
        help: """
            The sentence that labels are put into, at {}. Given more than once, their embeddings are averaged. \
            (default: "a photo of a {}")
            """)
    private static let top = Option("top", .integer("count", 1...1_000_000), help: "Show only the best labels.")
    private static let independent = Option(
        "independent",
        help: """
            Also score each label alone: labels then need not exclude each other. A SigLIP does it by itself and by \
            default; other models weigh the label against prompts that name nothing in particular.
            """)
    private static let reject = Option(
        "reject", help: "Give an answer: the best label, or none where no label beats such prompts.")

    static let table = CommandTable(
        "classify",
        abstract: "Say which of the labels given fits each picture best.",
        discussion: [
            """
            One record per picture: {"input", "labels": [{"label", "probability", "similarity"}, ...], "ambiguous", \
            "fits_no_label", "model"}, best label first.
            """,
            """
            "probability" is a softmax over the labels given, a share among them: it says nothing about labels that \
            were not given, and one label alone always gets 1. "similarity" is the cosine that the model measured. \
            "ambiguous" means that the second label has more than half the share of the first; "fits_no_label" that \
            no label beats prompts that name nothing in particular.
            """,
            """
            "independent" scores a label without the others. "independent_by" says how: "sigmoid", the probability of \
            the pair that a SigLIP was trained to give, often small for all labels; or "background", how far the label \
            beats prompts that name nothing in particular.
            """,
            """
            Of labels that are learnt from examples "similarity" is the cosine with the mean of a label's examples, far \
            higher than that with words, and the farthest of these examples takes the place of such prompts. A few \
            pictures teach a model what they have in common, which may be the background.
            """,
        ],
        positionals: [
            PictureSources.positional(
                unless: [PictureSources.filesFrom, IndexedPictures.index, ExampleChoice.saveHead])
        ],
        options: [labels, labelsFile, template], ExampleChoice.options,
        [HeadChoice.head, top, independent, reject, IndexedPictures.index], ModelChoice.options,
        [PictureChoice.batchSize, PictureSources.filesFrom, TextSources.nulSeparated, TextChoice.longText],
        PictureChoice.options, results.all, [ExampleChoice.saveHead],
        examples: [
            .init(#"clip classify photo.jpg --labels "dog,cat""#, "A dog or a cat?"),
            .init(
                "clip classify photos --labels-file labels.txt --top 1 --format csv -o labels.csv",
                "The best label of every picture in a folder, as a table."),
            .init(
                "clip classify --index photos --labels-file labels.txt --top 1",
                "Other labels for what is indexed, in no time."),
            .init(
                #"clip classify *.png --labels "dog,cat" --template "a drawing of a {}" --reject"#,
                "Drawings, which may show neither."),
            .init(
                "clip classify photos --examples pets --save-head pets.safetensors",
                "pets/rex/…, pets/mia/…: by pictures, not by words."),
        ])

    private let output: ResultChoice
    private let model: ModelChoice
    private let pictures: PictureOrigin
    private let labels: LabelSource
    /// Whether any are to be classified.
    private let hasPictures: Bool
    private let templates: [String]
    private let longText: LongText
    private let top: Int?
    private let isIndependent: Bool
    private let answers: Bool

    /// Whence the labels are.
    private enum LabelSource {
        case words(LabelChoice)
        /// With words where some are given.
        case examples(ExampleChoice, LabelChoice)
        case head(HeadChoice)
    }

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        model = ModelChoice(&arguments)
        let sources = PictureSources(&arguments)
        pictures = try PictureOrigin(&arguments, sources)
        let words = try LabelChoice(&arguments, Self.labels, files: Self.labelsFile)
        let texts: [any AnyOption] = [Self.template, TextChoice.longText]
        if let head = try HeadChoice(
            &arguments,
            refusing: [Self.labels, Self.labelsFile, ExampleChoice.saveHead] + texts + ExampleChoice.options)
        {
            labels = .head(head)
        } else if let examples = try ExampleChoice(&arguments) {
            if words.isEmpty { try arguments.refuse(texts, "on examples alone: give their labels with '--labels' too") }
            labels = .examples(examples, words)
        } else {
            try words.checkAreGiven(beside: sources.paths)
            labels = .words(words)
        }
        hasPictures =
            !sources.paths.isEmpty || !sources.lists.isEmpty || !arguments.given(IndexedPictures.index).isEmpty
        let templates = arguments.take(Self.template)
        self.templates = templates.isEmpty ? ZeroShotClassifier.defaultTemplates : templates
        longText = arguments.take(TextChoice.longText)
        top = arguments.take(Self.top)
        isIndependent = arguments.take(Self.independent)
        answers = arguments.take(Self.reject)
    }

    func run(_ console: Console) throws {
        let words: [String]
        switch labels {
        case .words(let choice), .examples(_, let choice): words = try choice.read(console)
        case .head: words = []
        }
        let (pictures, model) = try self.pictures.open(self.model, console)
        switch labels {
        case .words:
            let classifier = try ZeroShotClassifier(
                model: model, labels: words, templates: templates, longText: longText)
            try console.warnOfDroppedText(inLabels: words, templates: templates, longText: longText, model: model)
            let isSigmoid = model.logitBias != nil
            let style = ClassificationRecord.Style(
                top: top, showsIndependent: isIndependent || isSigmoid, weighed: isSigmoid ? .sigmoid : .background,
                answers: answers)
            try classify(pictures, model, style, labelCount: words.count, console, by: classifier.classify) {
                numbers, index, body in
                try index.classify(numbers, by: classifier, top: top, threads: model.threads, body)
            }
        case .examples(let choice, _):
            let head = try choice.learn(
                words, templates: templates, longText: longText, model: model, pictures: reading(pictures, model),
                console)
            try classify(pictures, model, by: head, console)
        case .head(let choice): try classify(pictures, model, by: choice.load(for: model), console)
        }
    }

    private func classify(
        _ pictures: PictureOrigin.Opened, _ model: CLIPModel, by head: PictureHead, _ console: Console
    ) throws {
        guard hasPictures else { return }
        let style = ClassificationRecord.Style(
            top: top, showsIndependent: isIndependent, weighed: .examples, answers: answers)
        try classify(pictures, model, style, labelCount: head.names.count, console, by: head.classify) {
            numbers, index, body in try index.classify(numbers, by: head, body)
        }
    }

    /// How examples are read: like the pictures.
    private func reading(
        _ pictures: PictureOrigin.Opened, _ model: CLIPModel
    ) -> (reading: PictureOptions, fit: PictureFit?, batchSize: Int) {
        switch pictures {
        case .files(_, let choice):
            let options = choice.options(for: model)
            return (options.reading, options.fit, options.batchSize)
        case .index(_, let index): return (index.settings.reading, index.settings.fit, 8)
        }
    }

    private func classify(
        _ pictures: PictureOrigin.Opened, _ model: CLIPModel, _ style: ClassificationRecord.Style, labelCount: Int,
        _ console: Console, by classify: (Embedding) -> Classification,
        inIndex: ([Int], PictureIndex, (PictureClassification) throws -> Void) throws -> Void
    ) throws {
        let results = try ResultStream(
            output, console, model: model.fingerprint, note: style.note(labelCount: labelCount), columns: style.columns)
        switch pictures {
        case .files(let sources, let choice):
            try PictureRun(sources, choice, console).embedEach(with: model, to: results) { name, embedding in
                try results.write(ClassificationRecord(input: name, result: classify(embedding), style: style))
            }
        case .index(let indexed, let index):
            let numbers = try indexed.numbers(in: index, console)
            if console.showsProgress { console.progress = ProgressBar(total: numbers.count, unit: "pictures") }
            try inIndex(numbers, index) { found in
                console.progress?.refresh()
                let name = RecordName(try index.picture(found.number))
                try results.write(ClassificationRecord(input: name, result: found.classification, style: style))
            }
        }
        try results.finish()
    }
}

/// The labels of a picture.
private struct ClassificationRecord: Record {
    /// What a label is weighed against when it is weighed alone.
    enum Weighed: String {
        /// Nothing: the model has a probability for the pair.
        case sigmoid
        /// Prompts that name nothing in particular.
        case background
        /// The farthest of the label's own examples.
        case examples
    }

    /// What a record shows.
    struct Style {
        /// How many labels; nil for all.
        let top: Int?
        /// Whether each label's score alone stands beside the others.
        let showsIndependent: Bool
        /// What a label is weighed against when it is weighed alone.
        let weighed: Weighed
        /// Whether there is an answer, which may be none.
        let answers: Bool

        /// What must be known to read the numbers.
        func note(labelCount: Int) -> String {
            var note =
                labelCount == 1
                ? "  one label alone always has the whole share: look at the cosine, or use --independent"
                : "  share among the \(labelCount) labels given, not a probability of being true"
            if showsIndependent {
                switch weighed {
                case .sigmoid:
                    note += "\n  alone: the probability that the model gives the pair, whatever the other labels"
                case .background: note += "\n  alone: the label against prompts that name nothing in particular"
                case .examples: note += "\n  alone: the label against the farthest of its own examples"
                }
            }
            return note
        }

        var columns: [String] {
            ["input", "label", "probability", "similarity"] + (showsIndependent ? ["independent"] : [])
                + (answers ? ["answer"] : []) + ["ambiguous", "fits_no_label", "model", "input_bytes"]
        }
    }

    let input: RecordName
    let result: Classification
    let style: Style

    private var shown: ArraySlice<LabelScore> { result.labels.prefix(style.top ?? .max) }
    private var answer: String { result.fitsNoLabel ? "none" : result.labels.first?.label ?? "none" }

    var fields: Fields {
        var fields: Fields = ["input": input, "labels": shown.map(scores)]
        if style.showsIndependent { fields.add("independent_by", style.weighed.rawValue) }
        fields += verdict
        return fields
    }

    /// A line per label.
    var rows: [Fields] {
        shown.map { score in
            var row: Fields = ["input": input]
            row += scores(score)
            row += verdict
            return row
        }
    }

    private func scores(_ score: LabelScore) -> Fields {
        var fields: Fields = [
            "label": score.label, "probability": score.probability, "similarity": score.similarity,
        ]
        if style.showsIndependent { fields.add("independent", score.independent) }
        return fields
    }

    private var verdict: Fields {
        var fields: Fields = style.answers ? ["answer": answer] : [:]
        fields += ["ambiguous": result.isAmbiguous, "fits_no_label": result.fitsNoLabel]
        return fields
    }

    var text: String {
        // A thousand labels on a screen are no answer.
        let scores = style.top == nil && result.labels.count > 12 ? result.labels.prefix(5) : shown
        let names = scores.map { displayed($0.label).shortened(to: 40) }
        let width = names.map(columnCount).max() ?? 0
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
            text +=
                style.weighed == .examples
                ? "  none of the labels: farther from each than its own examples are\n"
                : "  none of the labels stands out from background prompts\n"
        } else if result.isAmbiguous, result.labels.count > 1 {
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
