import CLIP
import CLIPSystem
import PictureCollections

struct Score: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]
    private static let reference = Option(
        "reference", .text("text"), isRepeatable: true,
        help: "A caption that a person wrote of the picture: also gives RefCLIPScore.")
    private static let template = Option(
        "template", .text("text"),
        help: """
            The sentence that captions are put into, at {}. Published CLIPScores use "A photo depicts {}". \
            (default: "{}")
            """)

    static let table = CommandTable(
        "score",
        abstract: "Score how well captions fit their pictures (CLIPScore).",
        discussion: [
            """
            One record per pair: {"image", "text", "similarity", "clip_score", "ref_clip_score", "model"}. similarity \
            is the cosine; clip_score is 2.5 times the cosine, or 0 where that is negative (Hessel et al., 2021); \
            ref_clip_score, where there are references, is its harmonic mean with the best cosine of caption and \
            reference.
            """,
            """
            A score says how near two embeddings are, not whether the caption is true: negations, counts, positions \
            and names hardly move it. Scores of different models can't be compared; "model" says whose they are.
            """,
        ],
        positionals: [
            Positional("image", count: 1...1, unless: [.pairs], isPath: true, help: "A picture."),
            Positional("text", count: 1...Int.max, unless: [.pairs], help: "Captions of it."),
        ],
        options: Option.pairOptions + [reference, template] + Option.modelOptions + [.batchSize, .longText]
            + Option.pictureOptions + Option.outputOptions(formats),
        examples: [
            .init(#"clip score photo.jpg "a dog on a beach" "a cat on a sofa""#, "Which caption fits better?"),
            .init(
                #"clip score --pairs generated.jsonl --template "A photo depicts {}" -o scores.csv"#,
                "The pictures that a generator made of its prompts."),
            .init("producer | clip score --pairs - --format jsonl | consumer", "A filter in a pipeline, order kept."),
        ])

    private let output: OutputOptions
    private let model: ModelChoice
    /// nil where the pairs stand on the command line.
    private let table: PairChoice?
    private let pairs: [CaptionPair]
    private let template: String
    private let pictures: PictureChoice
    private let longText: LongText

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: Score.formats)
        model = ModelChoice(arguments)
        pictures = PictureChoice(arguments)
        longText = arguments.longText
        table = try PairChoice(arguments)
        if table != nil, !arguments.positionals.isEmpty {
            throw UsageError("Pairs come from '--pairs' or from the command line, not from both.")
        }
        let references = arguments.all(Score.reference)
        if table != nil, !references.isEmpty {
            throw UsageError("References stand in the file of '--pairs', each with its picture.")
        }
        if table == nil, arguments.positionals.count < 2 {
            throw UsageError("Missing expected argument '<text> ...'.")
        }
        template = arguments.text(Score.template) ?? "{}"
        if !template.contains("{}") {
            throw UsageError("The template '\(displayed(template))' has no {} for the caption.")
        }
        let picture = PathBytes(arguments.positionals.first ?? [])
        pairs = arguments.texts.dropFirst().map { CaptionPair(image: picture, text: $0, references: references) }
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let model = try model.load(console)
        let results = try ResultStream(output, console: console)
        var run = ScoreRun(
            model: model, template: template, options: pictures.options(for: model), longText: longText,
            console: console)
        if let choice = table {
            let table = try choice.open()
            if console.showsProgress { console.progress = ProgressBar(total: nil, unit: "pairs") }
            while case let rows = try table.batch(run.options.batchSize), !rows.isEmpty {
                for row in rows { if case .success(let row) = row { try choice.check(row.pair) } }
                console.progress?.refresh()
                try run.score(rows.map { $0.map(\.pair) }, to: results)
                try results.flush()
            }
            if run.count == 0, !console.hasFailed {
                throw InputError("\(table.name): holds no pairs, expected one a line")
            }
        } else {
            try run.score(pairs.map { .success($0) }, to: results)
        }
        results.setNote(run.note)
        try results.finish()
        return !console.hasFailed
    }
}

/// The scores of one command line.
private struct ScoreRun {
    let model: CLIPModel
    let template: String
    let options: PictureOptionList
    private let longText: LongText
    private let console: Console
    private(set) var count = 0
    private var sum = 0.0

    init(model: CLIPModel, template: String, options: PictureOptionList, longText: LongText, console: Console) {
        self.model = model
        self.template = template
        self.options = options
        self.longText = longText
        self.console = console
    }

    /// What stands under scores for people.
    var note: String? {
        count > 1
            ? "  mean CLIPScore \(decimal(sum / Double(count), places: 3)) of \(count) pairs; a score is not a truth value"
            : "  a score says how near picture and caption are, not whether the caption is true"
    }

    /// Scores pairs in their order; a line without a pair, a picture that can't be read or a text that can't be
    /// embedded is reported, and the others go on.
    mutating func score(_ lines: [Result<CaptionPair, CaptionTable.Fault>], to results: ResultStream) throws {
        let pairs = lines.compactMap { try? $0.get() }
        var pictures: [PathBytes: Result<Embedding, CLIPError>] = [:]
        try model.embedEach(
            Set(pairs.map(\.image)).sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }.map(\.imageInput),
            options: options.reading, fit: options.fit,
            batchSize: options.batchSize
        ) { input, result in
            if case .failure(let error) = result, error.kind == .model { throw error }
            pictures[PathBytes(RecordName(input).bytes)] = result
        }
        let texts = pairs.flatMap { [prompt($0.text)] + $0.references.map(prompt) }
        for text in texts { try console.warnOfDroppedText(in: text, longText: longText, model: model) }
        let embedded = try model.embedEach(texts, longText: longText)
        var next = 0
        for line in lines {
            switch line {
            case .failure(let error): try results.fail(RecordName(""), error.description)
            case .success(let pair):
                let captions = embedded[next..<next + 1 + pair.references.count]
                next += captions.count
                do {
                    guard let picture = pictures[pair.image] else { continue }
                    let image = try picture.get()
                    var vectors: [Embedding] = []
                    for caption in captions { vectors.append(try caption.get()) }
                    let score = CLIPScore(image: image, text: vectors[0], references: Array(vectors[1...]))
                    count += 1
                    sum += Double(score.score)
                    try results.write(ScoreRecord(pair: pair, score: score, fingerprint: model.fingerprint))
                } catch let error as CLIPError where error.kind != .model {
                    try results.fail(RecordName(bytes: pair.image.bytes), described(error, name: pair.image.text))
                }
            }
        }
    }

    private func prompt(_ text: String) -> String { ZeroShotClassifier.prompt(text, in: template) }
}

/// The scores of one pair.
private struct ScoreRecord: Record {
    let pair: CaptionPair
    let score: CLIPScore
    let fingerprint: String

    var fields: [(name: String, value: FieldValue)] {
        [
            ("image", .text(pair.image.text)), ("text", .text(pair.text)), ("similarity", .number(score.similarity)),
            ("clip_score", .number(score.score)),
            ("ref_clip_score", score.referenceScore.map { .number($0) } ?? .null), ("model", .text(fingerprint)),
            ("image_bytes", .nameBytes(pair.image.bytes)),
        ]
    }

    var text: String {
        func number(_ value: Float) -> String { decimal(Double(value), places: 3).rightAligned(to: 6) }
        let reference = score.referenceScore.map { "  RefCLIPScore \(number($0))" } ?? ""
        return "cosine \(number(score.similarity))  CLIPScore \(number(score.score))\(reference)"
            + "  \(displayed(pair.image.text)): \(displayed(pair.text))\n"
    }
}
