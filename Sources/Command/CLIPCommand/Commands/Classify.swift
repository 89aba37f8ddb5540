import CLIP

struct Classify: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]
    private static let labels = Option(
        "labels", .text("labels"), isRepeatable: true,
        help: #"The labels, separated by commas. One with a comma inside is quoted: 'dog,"cat, asleep"'."#)
    private static let labelsFile = Option(
        "labels-file", .file("file"), isRepeatable: true,
        help: "Read labels from a file, one a line; - is standard input.")
    private static let template = Option(
        "template", .text("text"), isRepeatable: true,
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
        ],
        positionals: [.pictures],
        options: [labels, labelsFile, template, top, independent, reject] + Option.modelOptions
            + [.batchSize, .filesFrom, .nulSeparated, .longText] + Option.pictureOptions
            + Option.outputOptions(formats),
        examples: [
            .init(#"clip classify photo.jpg --labels "dog,cat""#, "A dog or a cat?"),
            .init(
                "clip classify photos --labels-file labels.txt --top 1 --format csv -o labels.csv",
                "The best label of every picture in a folder, as a table."),
            .init(
                #"clip classify *.png --labels "dog,cat" --template "a drawing of a {}" --reject"#,
                "Drawings, which may show neither."),
        ])

    private let output: OutputOptions
    private let model: ModelChoice
    private let sources: PictureSources
    private let pictures: PictureChoice
    private let labels: LabelChoice
    private let templates: [String]
    private let longText: LongText
    private let top: Int?
    private let isIndependent: Bool
    private let answers: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: Classify.formats)
        model = ModelChoice(arguments)
        sources = PictureSources(arguments)
        pictures = PictureChoice(arguments)
        labels = try LabelChoice(arguments, Classify.labels, files: Classify.labelsFile)
        guard !labels.isEmpty else {
            throw UsageError("Missing expected option '--labels <labels>' or '--labels-file <file>'.")
        }
        try labels.checkCommas(sources.paths)
        let templates = arguments.all(Classify.template)
        self.templates = templates.isEmpty ? ZeroShotClassifier.defaultTemplates : templates
        longText = arguments.longText
        top = arguments.integer(Classify.top)
        isIndependent = arguments.flag(Classify.independent)
        answers = arguments.flag(Classify.reject)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let labels = try labels.read(console)
        let model = try model.load(console)
        let classifier = try ZeroShotClassifier(model: model, labels: labels, templates: templates, longText: longText)
        try console.warnOfDroppedText(inLabels: labels, templates: templates, longText: longText, model: model)
        let style = ClassificationRecord.Style(
            top: top, showsIndependent: isIndependent || model.logitBias != nil, isSigmoid: model.logitBias != nil,
            answers: answers)
        let results = try ResultStream(output, console: console, note: style.note(labelCount: labels.count))
        try PictureRun(sources, pictures, console: console).embedEach(with: model, to: results) { name, embedding in
            try results.write(
                ClassificationRecord(
                    input: name, result: classifier.classify(embedding), fingerprint: model.fingerprint, style: style))
        }
        try results.finish()
        return !console.hasFailed
    }
}
