import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections
import PictureReports

struct Evaluate: Command {
    private static let results = ResultOptions.records
    private static let template = Option(
        each: "template", .text("text"),
        help: """
            A sentence that labels are put into, at {}; of several the answers are of all together, and each is tried \
            alone too. (default: eight plain ones)
            """)

    static let table = CommandTable(
        "evaluate",
        abstract: "Measure how often labels, or captions, are right on pictures of yours.",
        discussion: [
            """
            Pictures are classified among the labels of all of them. One record per picture ({"kind": "picture", ...}: \
            its label, the answer, how many labels come before its own), per label ("class": recall, precision), per \
            pair of labels that is mixed up ("confusion"), per template alone ("template": how far the best and all \
            together are ahead), per part of 0 to 1 ("calibration": how often answers with such a share are right), and \
            one of the whole ("summary": the share of right answers, the first and among five, the mean over labels, the \
            expected calibration error).
            """,
            """
            With --pairs, captions look for their pictures and pictures for their captions: "caption" and "picture" \
            say how many others come before, "retrieval" how often what belongs together is among the first k.
            """,
            """
            Intervals are where the share lies in 95 of 100 such samples (Wilson): of other pictures of the same kind, \
            chosen as these were. They say nothing of pictures of another kind. Templates are compared on the same \
            pictures (Newcombe); the best of many is in part the luckiest.
            """,
        ],
        positionals: [
            Positional(
                "folder", count: 1...1, unless: [PairChoice.pairs], isPath: true,
                help: """
                    A folder with one of pictures for each label, named like it (underscores count as spaces), or a csv \
                    file with a header: path, label.
                    """)
        ],
        options: PairChoice.options, [template, HeadChoice.head, IndexedPictures.index], ModelChoice.options,
        [PictureChoice.batchSize, TextChoice.longText], PictureChoice.options, results.all, PageChoice.options,
        examples: [
            .init(
                "clip evaluate pets --model b32.clip --html pets.html",
                "pets/dog/…, pets/cat/…: how often is it right, what does it mix up?"),
            .init(
                #"clip evaluate labels.csv --index photos --template "a {}" --template "{}""#,
                "Which template is better, on what is indexed?"),
            .init("clip evaluate --pairs captions.csv --index photos", "Do captions find their pictures?"),
        ])

    private let output: ResultChoice
    private let model: ModelChoice
    private let place: PathBytes
    private let pairs: PairChoice?
    private let pictures: PictureOrigin
    private let head: HeadChoice?
    private let templates: [String]
    private let longText: LongText
    private let page: PageChoice?

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        model = ModelChoice(&arguments)
        place = PathBytes(arguments.positionals.first ?? [])
        pictures = try PictureOrigin(&arguments, PictureSources(&arguments))
        longText = arguments.take(TextChoice.longText)
        pairs = try PairChoice(&arguments)
        if pairs != nil, !arguments.positionals.isEmpty {
            throw UsageError("Captions of '--pairs' name their pictures: leave out '<folder>'.")
        }
        if pairs != nil {
            try arguments.refuse([Self.template, PageChoice.html], "with '--pairs <file>'")
        }
        head = try HeadChoice(
            &arguments, refusing: [Self.template, TextChoice.longText] + (pairs == nil ? [] : [PairChoice.pairs]))
        let templates = arguments.take(Self.template)
        self.templates = templates.isEmpty ? Audit.defaultTemplates : templates
        page = try PageChoice(&arguments, threads: model.threads)
    }

    func run(_ console: Console) throws {
        if let pairs { try evaluateCaptions(pairs, console) } else { try evaluateLabels(console) }
    }

    private func evaluateLabels(_ console: Console) throws {
        let labelled = try LabelledPictures(place) { console.fail($0.shown) }
        let (pictures, model) = try self.pictures.naming(labelled.paths).open(self.model, console)
        let results = try ResultStream(
            output, console, note: "  of these pictures alone: others may be harder, or easier")
        let page = try page?.open(console)

        var names: [RecordName] = []
        var embeddings: [Embedding] = []
        var found: [String] = []
        var unlabelled: [RecordName] = []
        let origin = try EmbeddedPictures(pictures, model, results, console) { name, embedding in
            guard let label = labelled.label(of: name.bytes) else { return unlabelled.append(name) }
            names.append(name)
            embeddings.append(embedding)
            found.append(label)
        }
        if let first = unlabelled.first {
            console.warn(
                "\(unlabelled.count.pictures) left out for want of a label, such as \(first.text): expected \(place.text)/<label>/…"
            )
        }
        let head = try head?.load(for: model)
        let labels = head?.names ?? Array(Set(found)).sorted()
        if let head, let odd = Set(found).subtracting(head.names).min() {
            throw CLIPError(
                .storage, path: place.text,
                "has pictures of \"\(odd)\", which the head doesn't know: it has \(CLIPError.list(head.names))")
        }
        guard Set(found).count > 1 else {
            throw CLIPError(
                .storage, path: place.text,
                found.isEmpty
                    ? "no labelled picture could be read, expected \(place.text)/<label>/<picture>"
                    : "all pictures that can be read have the label \"\(found[0])\", expected at least two labels")
        }
        let numbers = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
        let truths = found.map { numbers[$0] ?? 0 }
        let evaluation: LabelEvaluation
        if let head {
            evaluation = try LabelEvaluation(head: head, pictures: embeddings, truths: truths)
        } else {
            try console.warnOfDroppedText(inLabels: labels, templates: templates, longText: longText, model: model)
            evaluation = try LabelEvaluation(
                model: model, pictures: embeddings, truths: truths, labels: labels, templates: templates,
                longText: longText)
        }
        let templates = head == nil ? self.templates : []
        if let page {
            try page.write(
                .evaluation(
                    evaluation, names: names.map(\.bytes), templates: templates, model: model,
                    options: origin.reading, file: page))
        }
        for (name, picture) in zip(names, evaluation.pictures) {
            try results.write(EvaluationRecord(picture: name, picture, labels))
        }
        for finding in evaluation.classes { try results.write(EvaluationRecord(finding)) }
        for (place, confusion) in evaluation.confusions.enumerated() {
            try results.write(EvaluationRecord(confusion, labels, isShown: place < 5))
        }
        for finding in evaluation.templates { try results.write(EvaluationRecord(finding)) }
        for bin in evaluation.calibration.bins where bin.accuracy.count > 0 { try results.write(EvaluationRecord(bin)) }
        try results.write(
            EvaluationRecord(evaluation, templates: templates, skipped: origin.skipped, model: model.fingerprint))
        try results.finish()
    }

    private func evaluateCaptions(_ choice: PairChoice, _ console: Console) throws {
        let table = try choice.open()
        var captions: [(text: String, picture: [UInt8])] = []
        var paths: [[UInt8]] = []
        var seen: Set<[UInt8]> = []
        while case let rows = try table.batch(1024), !rows.isEmpty {
            for row in rows {
                switch row {
                case .failure(let error): console.fail(error.shown)
                case .success(let row):
                    try choice.check(row.pair)
                    let path = row.pair.picture.bytes
                    if seen.insert(path).inserted { paths.append(path) }
                    captions += ([row.pair.caption] + row.pair.references).map { ($0, path) }
                }
            }
        }
        guard !captions.isEmpty else {
            throw CLIPError(.storage, path: table.name, "holds no captions, expected one a line")
        }
        let (pictures, model) = try self.pictures.naming(paths).open(self.model, console)
        let results = try ResultStream(
            output, console, note: "  each among all the others given: of more of them fewer are found")
        var names: [RecordName] = []
        var embeddings: [Embedding] = []
        let origin = try EmbeddedPictures(pictures, model, results, console) { name, embedding in
            names.append(name)
            embeddings.append(embedding)
        }
        let numbers = Dictionary(names.enumerated().map { ($1.bytes, $0) }) { first, _ in first }
        captions.removeAll { numbers[$0.picture] == nil }
        try console.warnOfDroppedText(in: captions.map(\.text), longText: longText, model: model)
        var texts: [Embedding] = []
        var owners: [Int] = []
        var kept: [String] = []
        for (caption, result) in zip(captions, try model.embeddingResults(of: captions.map(\.text), longText: longText))
        {
            switch result {
            case .failure(let error) where error.kind == .model: throw error
            case .failure(let error): console.fail(described(error, name: excerpt(caption.text)))
            case .success(let embedding):
                texts.append(embedding)
                owners.append(numbers[caption.picture] ?? 0)
                kept.append(caption.text)
            }
        }
        guard !texts.isEmpty else {
            throw CLIPError(.storage, path: table.name, "no picture with a caption could be read")
        }
        let evaluation = try RetrievalEvaluation(
            pictures: embeddings, captions: texts, owners: owners, threads: model.threads)
        for (number, text) in kept.enumerated() {
            try results.write(
                EvaluationRecord(
                    caption: text, of: names[owners[number]], rank: evaluation.pictureRanks[number],
                    similarity: evaluation.similarities[number]))
        }
        for (name, rank) in zip(names, evaluation.captionRanks) {
            try results.write(EvaluationRecord(asking: name, rank: rank))
        }
        for recall in evaluation.recalls { try results.write(EvaluationRecord(recall)) }
        try results.write(
            EvaluationRecord(
                pictureCount: names.count, captionCount: kept.count, skipped: origin.skipped, model: model.fingerprint))
        try results.finish()
    }
}

/// A finding of an evaluation.
private struct EvaluationRecord: Record {
    let fields: Fields
    let text: String

    init(picture name: RecordName, _ picture: EvaluatedPicture, _ labels: [String]) {
        fields = [
            "kind": "picture", "input": name, "label": labels[picture.truth], "answer": labels[picture.answer],
            "right": picture.isRight, "rank": picture.rank, "probability": picture.probability,
            "similarity": picture.similarity, "label_similarity": picture.truthSimilarity,
        ]
        text = ""
    }

    init(_ finding: ClassFinding) {
        fields = [
            "kind": "class", "label": finding.label, "count": finding.recall.count, "right": finding.recall.successes,
            "recall": finding.recall.value, "recall_interval": finding.recall.interval.numbers,
            "answers": finding.precision.count, "precision": finding.precision.value,
            "precision_interval": finding.precision.interval.numbers,
        ]
        text =
            "  \(displayed(finding.label)): \(finding.recall.words) of its \(finding.recall.count) get it"
            + (finding.precision.count > 0
                ? ", \(percent(finding.precision.value)) of the \(finding.precision.count) that get it are its own"
                : "")
            + "\n"
    }

    init(_ confusion: Confusion, _ labels: [String], isShown: Bool) {
        fields = [
            "kind": "confusion", "label": labels[confusion.truth], "answer": labels[confusion.answer],
            "count": confusion.count,
        ]
        text =
            isShown
            ? "  taken for \(displayed(labels[confusion.answer])): \(confusion.count) of \(displayed(labels[confusion.truth]))\n"
            : ""
    }

    init(_ finding: TemplateFinding) {
        fields = [
            "kind": "template", "template": finding.template, "top1": finding.accuracy.value,
            "top1_interval": finding.accuracy.interval.numbers, "together_ahead": finding.togetherAhead.value,
            "together_ahead_interval": finding.togetherAhead.interval.numbers,
            "best_ahead": finding.bestAhead?.value, "best_ahead_interval": finding.bestAhead?.interval.numbers,
        ]
        let behind =
            finding.bestAhead.map {
                "\($0.points) behind the best" + ($0.interval.contains(0) ? ", which may be chance" : "")
            } ?? "the best"
        text = "  \"\(displayed(finding.template))\" alone: \(finding.accuracy.words), \(behind)\n"
    }

    init(_ bin: Calibration.Bin) {
        fields = [
            "kind": "calibration", "from": bin.shares.lowerBound, "to": bin.shares.upperBound,
            "count": bin.accuracy.count, "mean_probability": bin.meanShare, "right": bin.accuracy.value,
            "right_interval": bin.accuracy.interval.numbers,
        ]
        text = ""
    }

    init(_ evaluation: LabelEvaluation, templates: [String], skipped: [SkippedFiles], model: String) {
        fields = [
            "kind": "summary", "pictures": evaluation.pictures.count, "labels": evaluation.labels.count,
            "top1": evaluation.top1.value, "top1_interval": evaluation.top1.interval.numbers,
            "top5": evaluation.top5?.value, "top5_interval": evaluation.top5?.interval.numbers,
            "mean_recall": evaluation.meanRecall, "calibration_error": evaluation.calibration.expectedError,
            "templates": templates, "skipped": skipped, "model": model,
        ]
        var text = """
            of \(evaluation.pictures.count) pictures with \(evaluation.labels.count) labels
              right: \(evaluation.top1.words), mean over labels \(percent(evaluation.meanRecall))

            """
        if let top5 = evaluation.top5 { text += "  among the first five: \(top5.words)\n" }
        text += """
              calibration error \(decimal(evaluation.calibration.expectedError, places: 3)): so far are shares from how often \
            answers are right

            """
        self.text = text
    }

    init(caption: String, of picture: RecordName, rank: Int, similarity: Float) {
        fields = ["kind": "caption", "text": caption, "image": picture, "rank": rank, "similarity": similarity]
        text = ""
    }

    init(asking picture: RecordName, rank: Int?) {
        fields = ["kind": "picture", "input": picture, "rank": rank]
        text = ""
    }

    init(_ recall: RetrievalEvaluation.Recall) {
        fields = [
            "kind": "retrieval", "k": recall.k, "image_recall": recall.picturesFound.value,
            "image_recall_interval": recall.picturesFound.interval.numbers,
            "text_recall": recall.captionsFound.value, "text_recall_interval": recall.captionsFound.interval.numbers,
        ]
        text =
            "  among the first \(recall.k): \(recall.picturesFound.words) of captions find their picture, "
            + "\(recall.captionsFound.words) of pictures a caption of theirs\n"
    }

    init(pictureCount: Int, captionCount: Int, skipped: [SkippedFiles], model: String) {
        fields = [
            "kind": "summary", "pictures": pictureCount, "captions": captionCount, "skipped": skipped, "model": model,
        ]
        text = "of \(pictureCount) pictures and \(captionCount) captions\n"
    }
}

extension Proportion {
    /// `77.3 % (70.0 to 83.3)`.
    fileprivate var words: String {
        "\(percent(value)) (\(decimal(100 * interval.lowerBound, places: 1)) to \(decimal(100 * interval.upperBound, places: 1)))"
    }
}

extension PairedDifference {
    /// `2.0 points (-1.0 to 5.0)`.
    fileprivate var points: String {
        "\(decimal(100 * value, places: 1)) points (\(decimal(100 * interval.lowerBound, places: 1)) to "
            + "\(decimal(100 * interval.upperBound, places: 1)))"
    }
}

extension ClosedRange<Double> {
    fileprivate var numbers: [Float] { [Float(lowerBound), Float(upperBound)] }
}

private func percent(_ share: Double) -> String { decimal(100 * share, places: 1) + " %" }
