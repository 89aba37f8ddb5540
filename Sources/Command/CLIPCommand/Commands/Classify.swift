import CLIP
import CLIPOptions
import CLIPSystem
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

    fileprivate static let sortInto = Option(
        "sort-into", .target("folder"),
        help: """
            Put each picture into a folder inside this one that is named after its best label, or into "none" where no label \
            fits. Nothing there is replaced: a second picture of one name gets a number.
            """)
    fileprivate static let sortBy = Option(
        "sort-by", .choice("manner"), default: PictureSorting.Manner.copy,
        help: "How pictures come there: as copies, as symbolic links, or moved. (default: copy)")
    fileprivate static let xmp = Option(
        "xmp",
        help: "Write the labels that a picture shows as keywords into NAME.xmp beside it, where no such file is yet.")
    fileprivate static let keywords = Option(
        "keywords", .target("file"),
        help: "Write a table of the labels that each picture shows, for 'exiftool -r -csv+=FILE -sep \";\" FOLDER'.")
    fileprivate static let keywordThreshold = Option(
        "keyword-threshold", .cosine,
        help:
            "The cosine from which a label is a keyword. (default: one greater than with prompts that name nothing in particular)"
    )

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
            no label beats prompts that name nothing in particular. With --index "gone" marks a picture whose file is not there \
            any more.
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
        [HeadChoice.head, top, independent, reject, IndexedPictures.index],
        [sortInto, sortBy, xmp, keywords, keywordThreshold], ModelChoice.options,
        [
            PictureChoice.batchSize, PictureSources.filesFrom, TextSources.nulSeparated, TextChoice.longText,
            ModelChoice.language,
        ],
        PictureChoice.options, results.all, [ExampleChoice.saveHead, UndoChoice.list],
        examples: [
            .init(#"clip classify photo.jpg --labels "dog,cat""#, "A dog or a cat?"),
            .init(
                "clip classify photos --labels-file labels.txt --top 1 --format csv -o labels.csv",
                "The best label of every picture in a folder, as a table."),
            .init(
                "clip classify --index photos --labels-file labels.txt --top 1",
                "Other labels for what is indexed, in no time."),
            .init(
                #"clip classify photos --labels "beach,city" --sort-into sorted --sort-by link"#,
                "Folders of links, sorted/beach and so on; clip undo takes them away."),
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
    private let consequences: ConsequenceChoice

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
        let texts: [any AnyOption] = [Self.template, TextChoice.longText, ModelChoice.language]
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
        consequences = try ConsequenceChoice(&arguments, sources)
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
                answers: answers, marksGone: self.pictures.isIndexed, sorts: consequences.sorts)
            let top = consequences.needsAllLabels ? nil : top
            try classify(pictures, model, style, labels: words, console, by: classifier.classify) {
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
            top: top, showsIndependent: isIndependent, weighed: .examples, answers: answers,
            marksGone: self.pictures.isIndexed,
            sorts: consequences.sorts)
        try classify(pictures, model, style, labels: head.names, console, by: head.classify) {
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
        _ pictures: PictureOrigin.Opened, _ model: CLIPModel, _ style: ClassificationRecord.Style, labels: [String],
        _ console: Console, by classify: (Embedding) -> Classification,
        inIndex: ([Int], PictureIndex, (PictureClassification) throws -> Void) throws -> Void
    ) throws {
        let consequences = try consequences.open(labels)
        defer { TemporaryFiles.setLastWords(nil) }
        let results = try ResultStream(
            output, console, model: model.fingerprint, note: style.note(labelCount: labels.count),
            columns: style.columns)
        switch pictures {
        case .files(let sources, let choice):
            try PictureRun(sources, choice, console).embedEach(with: model, to: results) { name, embedding in
                let result = classify(embedding)
                let place = try consequences.follow(PathBytes(name.bytes), result, console)
                try results.write(ClassificationRecord(input: name, result: result, style: style, place: place))
            }
        case .index(let indexed, let index):
            let numbers = try indexed.numbers(in: index, console)
            if console.showsProgress { console.progress = ProgressBar(total: numbers.count, unit: "pictures") }
            try inIndex(numbers, index) { found in
                console.progress?.refresh()
                let picture = try index.picture(found.number)
                let place = try consequences.follow(
                    PathBytes(picture.pathBytes), hash: picture.contentHash, found.classification, console)
                try results.write(
                    ClassificationRecord(
                        input: RecordName(picture), result: found.classification, style: style, isGone: picture.isGone,
                        place: place))
            }
        }
        try results.finish()
        try consequences.finish(console)
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
        /// Whether pictures are taken from an index, so that their files may be gone.
        let marksGone: Bool
        /// Whether pictures are sorted into folders.
        let sorts: Bool

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
                + (answers ? ["answer"] : []) + ["ambiguous", "fits_no_label"]
                + (marksGone ? ["gone"] : []) + (sorts ? ["sorted_to"] : []) + ["model", "input_bytes"]
                + (sorts ? ["sorted_to_bytes"] : [])
        }
    }

    let input: RecordName
    let result: Classification
    let style: Style
    var isGone = false
    /// Where it was put.
    var place: PathBytes?

    private var shown: ArraySlice<LabelScore> { result.labels.prefix(style.top ?? .max) }
    private var answer: String { result.fitsNoLabel ? "none" : result.labels.first?.label ?? "none" }

    var fields: Fields {
        var fields: Fields = ["input": input, "labels": shown.map(scores)]
        if style.showsIndependent { fields.add("independent_by", style.weighed.rawValue) }
        fields += verdict(isRow: false)
        return fields
    }

    /// A line per label.
    var rows: [Fields] {
        shown.map { score in
            var row: Fields = ["input": input]
            row += scores(score)
            row += verdict(isRow: true)
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

    private func verdict(isRow: Bool) -> Fields {
        var fields: Fields = style.answers ? ["answer": answer] : [:]
        fields += ["ambiguous": result.isAmbiguous, "fits_no_label": result.fitsNoLabel]
        if style.marksGone { fields.add("gone", isGone) }
        if style.sorts {
            // A table has the same columns in every row.
            fields.add("sorted_to", place.map { RecordName(bytes: $0.bytes) } ?? (isRow ? RecordName("") : nil))
        }
        return fields
    }

    var text: String {
        // A thousand labels on a screen are no answer.
        let scores = style.top == nil && result.labels.count > 12 ? result.labels.prefix(5) : shown
        let names = scores.map { displayed($0.label).shortened(to: 40) }
        let width = names.map(columnCount).max() ?? 0
        var text =
            displayed(input.text) + (style.answers ? ": \(displayed(answer))" : "")
            + (isGone ? "  gone" : "") + (place.map { " -> \(displayed($0.text))" } ?? "") + "\n"
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

/// What becomes of pictures by their labels, as a command line says.
private struct ConsequenceChoice {
    private let folder: PathBytes?
    private let manner: PictureSorting.Manner
    private let writesSidecars: Bool
    private let table: String?
    private let threshold: Float?
    private let undo: UndoChoice

    init(_ arguments: inout Arguments, _ sources: PictureSources) throws(UsageError) {
        folder = arguments.take(Classify.sortInto).map { PathBytes($0) }
        if folder == nil { try arguments.refuse([Classify.sortBy], "without '--sort-into <folder>'") }
        manner = arguments.take(Classify.sortBy)
        writesSidecars = arguments.take(Classify.xmp)
        table = arguments.take(Classify.keywords)
        if table == nil, !writesSidecars {
            try arguments.refuse([Classify.keywordThreshold], "without '--xmp' or '--keywords <file>'")
        }
        threshold = arguments.take(Classify.keywordThreshold)
        if folder == nil, !writesSidecars {
            try arguments.refuse([UndoChoice.list], "where no file is touched: '--sort-into' and '--xmp' do")
        }
        undo = UndoChoice(&arguments)
        if let table {
            guard table != "-" else { throw UsageError("The table of '--keywords' goes to a file: name one.") }
            try OutputName(table).check(["csv"], of: Classify.keywords)
        }
        guard folder != nil || writesSidecars || table != nil else { return }
        guard !sources.paths.contains([UInt8(ascii: "-")]) else {
            throw UsageError("The picture on standard input is no file that could be sorted or named: leave out '-'.")
        }
        // Of an index that is named by its folder that folder is searched when it is brought up to date.
        let indexed = arguments.given(IndexedPictures.index).map { PathBytes($0) }.filter { $0.kind == .folder }
        let places = sources.paths.map { PathBytes($0) } + indexed
        if let folder, let searched = places.first(where: { folder.isSearched(with: $0) }) {
            throw UsageError(
                "'--sort-into \(displayed(folder.text))' is inside \(displayed(searched.text)): what is put there would be "
                    + "classified again. Name a folder outside.")
        }
    }

    var sorts: Bool { folder != nil }
    /// Whether more than the best label counts.
    var needsAllLabels: Bool { writesSidecars || table != nil }

    func open(_ labels: [String]) throws(CLIPError) -> Consequences {
        if table != nil { try KeywordTable.check(labels) }
        let undo = sorts || writesSidecars ? try undo.open(folder) : nil
        return Consequences(
            sorting: folder.map { PictureSorting(into: $0, labels: labels, manner: manner, undo: undo) },
            sidecars: writesSidecars ? KeywordSidecars(undo: undo) : nil,
            table: try table.map { path throws(CLIPError) in try KeywordTable(path: path) }, threshold: threshold,
            undo: undo)
    }
}

/// What becomes of pictures by their labels.
private final class Consequences {
    private let sorting: PictureSorting?
    private let sidecars: KeywordSidecars?
    private let table: KeywordTable?
    private let threshold: Float?
    private let undo: UndoList?
    private var count = 0

    init(
        sorting: PictureSorting?, sidecars: KeywordSidecars?, table: KeywordTable?, threshold: Float?, undo: UndoList?
    ) {
        self.sorting = sorting
        self.sidecars = sidecars
        self.table = table
        self.threshold = threshold
        self.undo = undo
    }

    /// Does it all for a picture; what can't be done is reported.
    /// - Returns: where the picture was put.
    /// - Throws: what ends the run.
    func follow(
        _ path: PathBytes, hash: String? = nil, _ classification: Classification, _ console: Console
    ) throws -> PathBytes? {
        var place: PathBytes?
        do throws(CLIPError) {
            place = try sorting?.sort(path, hash: hash, by: classification)
            if sidecars != nil || table != nil {
                let keywords = classification.keywords(reaching: threshold)
                // Where the file is now.
                let path = sorting?.manner == .move ? place ?? path : path
                try table?.add(path, keywords)
                _ = try sidecars?.write(keywords, beside: path)
            }
        } catch {
            // Without a list nothing more is done.
            if let failure = undo?.failure { throw failure }
            console.fail(described(error, name: path.text))
        }
        if let undo, let advice = undo.advice, undo.count > count {
            count = undo.count
            TemporaryFiles.setLastWords("clip: interrupted: \(advice)\n")
        }
        return place
    }

    func finish(_ console: Console) throws(CLIPError) {
        try table?.finish()
        if let advice = undo?.advice { console.note(advice) }
    }
}
