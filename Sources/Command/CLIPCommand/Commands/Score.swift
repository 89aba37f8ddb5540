import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Score: Command {
    private static let results = ResultOptions.table
    private static let reference = Option(
        each: "reference", .text("text"),
        help: "A caption that a person wrote of the picture: also gives RefCLIPScore.")
    private static let template = Option(
        "template", .text("text"), default: "{}",
        help: """
            The sentence that captions are put into, at {}. Published CLIPScores use "A photo depicts {}". \
            (default: "{}")
            """)
    private static let head = Option(
        "head", .file("file"),
        help: """
            Give pictures the values of a head that was trained on the model's embeddings, such as a score of taste or a \
            filter: a safetensors file of linear layers. All arguments are pictures then.
            """)
    private static let activation: Option<PictureHead.Activation?> = Option(
        "activation", .choice("function"),
        help: """
            What stands between a head's layers, where its file doesn't say, since it can't be told from the weights: none, \
            relu, gelu or tanh.
            """)

    static let table = CommandTable(
        "score",
        abstract: "Score how well captions fit their pictures (CLIPScore), or pictures with a head.",
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
            """
            With --head one record per picture: {"image", "values": [{"name", "value"}, ...], "head", "model"}. Such values \
            are a judgement, of those who chose and marked the head's pictures: look at what it picks out before acting on \
            it. Its card is shown; Sources/PictureCollections/Heads says how its file is made.
            """,
        ],
        positionals: [
            Positional("image", count: 1...1, unless: [PairChoice.pairs, head], isPath: true, help: "A picture."),
            Positional("text", count: 1...Int.max, unless: [PairChoice.pairs, head], help: "Captions of it."),
        ],
        options: PairChoice.options, [reference, template, head, activation, IndexedPictures.index],
        ModelChoice.options,
        [PictureChoice.batchSize, TextChoice.longText], PictureChoice.options, results.all,
        examples: [
            .init(#"clip score photo.jpg "a dog on a beach" "a cat on a sofa""#, "Which caption fits better?"),
            .init(
                #"clip score --pairs generated.jsonl --template "A photo depicts {}" -o scores.csv"#,
                "The pictures that a generator made of its prompts."),
            .init("producer | clip score --pairs - --format jsonl | consumer", "A filter in a pipeline, order kept."),
            .init(
                "clip score --head taste.safetensors photos --model l14.clip",
                "Scores by a head, of the model it is for."),
        ])

    private let output: ResultChoice
    private let model: ModelChoice
    /// nil where the pairs stand on the command line.
    private let table: PairChoice?
    private let pairs: [CaptionPair]
    private let template: String
    private let pictures: PictureOrigin
    private let longText: LongText
    /// nil without a head: pictures are scored for their captions.
    private let head: (path: String, activation: PictureHead.Activation?)?

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        model = ModelChoice(&arguments)
        let all = PictureSources(&arguments)
        if let path = arguments.take(Self.head) {
            try arguments.refuse(
                PairChoice.options + [Self.reference, Self.template, TextChoice.longText], "with '--head <file>'")
            if arguments.positionals.isEmpty, arguments.given(IndexedPictures.index).isEmpty {
                throw UsageError("Missing expected argument '<image> ...'.")
            }
            head = (path, arguments.take(Self.activation))
            pictures = try PictureOrigin(&arguments, all)
            (table, pairs, template, longText) = (nil, [], "{}", .truncate)
            return
        }
        head = nil
        try arguments.refuse([Self.activation], "without the '--head <file>' that it is of")
        pictures = try PictureOrigin(&arguments, all.only(arguments.positionals.first ?? []))
        longText = arguments.take(TextChoice.longText)
        table = try PairChoice(&arguments)
        if table != nil, !arguments.positionals.isEmpty {
            throw UsageError("Pairs come from '--pairs' or from the command line, not from both.")
        }
        let references = arguments.take(Self.reference)
        if table != nil, !references.isEmpty {
            throw UsageError("References stand in the file of '--pairs', each with its picture.")
        }
        if table == nil, arguments.positionals.count < 2 {
            throw UsageError("Missing expected argument '<text> ...'.")
        }
        template = arguments.take(Self.template)
        if !template.contains("{}") {
            throw UsageError("The template '\(displayed(template))' has no {} for the caption.")
        }
        let picture = PathBytes(arguments.positionals.first ?? [])
        pairs = arguments.texts.dropFirst().map { CaptionPair(picture: picture, caption: $0, references: references) }
    }

    func run(_ console: Console) throws {
        let (pictures, model) = try self.pictures.open(self.model, console)
        if let head {
            let head = try PictureHead(path: PathBytes(head.path), activation: head.activation)
            try head.check(model)
            return try writeValues(of: head, pictures, model, console)
        }
        let results = try ResultStream(output, console, model: model.fingerprint, columns: ScoreRecord.columns)
        let batchSize: Int
        let scorer: PairScorer
        switch pictures {
        case .files(_, let choice):
            let options = choice.options(for: model)
            batchSize = options.batchSize
            scorer = options.scorer(model, template: template, longText: longText)
        case .index(_, let index):
            batchSize = 256
            scorer = PairScorer(
                model: model, template: template, longText: longText, embeddings: try index.embeddingsByPath())
        }
        var (count, sum) = (0, 0.0)
        func write(_ rows: [Result<CaptionPair, CLIPError>]) throws {
            let pairs = rows.compactMap { try? $0.get() }
            try console.warnOfDroppedText(in: pairs.flatMap(scorer.texts), longText: longText, model: model)
            var scores = try scorer.scores(pairs)[...]
            for row in rows {
                switch row.map({ ($0, scores.popFirst()) }) {
                case .failure(let fault): try results.fail(RecordName(""), fault.shown)
                case .success((let pair, .success(let score))):
                    count += 1
                    sum += Double(score.score)
                    try results.write(ScoreRecord(pair: pair, score: score))
                case .success((let pair, .failure(let error))):
                    try results.fail(
                        RecordName(bytes: pair.picture.bytes), described(error, name: pair.picture.text))
                case .success((_, nil)): continue
                }
            }
        }
        if let choice = table {
            let table = try choice.open()
            if console.showsProgress { console.progress = ProgressBar(total: nil, unit: "pairs") }
            while case let rows = try table.batch(batchSize), !rows.isEmpty {
                for row in rows { if case .success(let row) = row { try choice.check(row.pair) } }
                console.progress?.refresh()
                try write(rows.map { $0.map(\.pair) })
                try results.flush()
            }
            if count == 0, !console.hasFailed {
                throw CLIPError(.storage, "\(table.name): holds no pairs, expected one a line")
            }
        } else {
            try write(pairs.map { .success($0) })
        }
        results.setNote(
            count > 1
                ? "  mean CLIPScore \(decimal(sum / Double(count), places: 3)) of \(count) pairs; a score is not a truth value"
                : "  a score says how near picture and caption are, not whether the caption is true")
        try results.finish()
    }
}

extension Score {
    private func writeValues(
        of head: PictureHead, _ pictures: PictureOrigin.Opened, _ model: CLIPModel, _ console: Console
    ) throws {
        let card = head.card.filter { $0.key != "path" }.sorted { $0.key < $1.key }
        if head.fingerprint == nil {
            console.warn(
                "\(head.card["path"] ?? ""): doesn't say which model it belongs to; with another than \(model.info.path) its "
                    + "values mean nothing")
        }
        if !card.isEmpty {
            console.noteWithResults(
                "the head's card: "
                    + card.map { "\($0.key): \(excerpt($0.value, atMost: 300))" }.joined(separator: "; "))
        }
        let results = try ResultStream(
            output, console, model: model.fingerprint,
            note: "  a judgement, of those who chose and marked the head's pictures: look at what it picks out",
            columns: ["image", "name", "value", "head", "model", "image_bytes"])
        let name = head.card["name"] ?? head.card["path"].map { Path.name(of: $0) } ?? ""
        _ = try EmbeddedPictures(pictures, model, results, console) { picture, embedding in
            try results.write(
                ValueRecord(picture: picture, values: Array(zip(head.names, head.values(for: embedding))), head: name))
        }
        try results.finish()
    }
}

/// What a head says of one picture.
private struct ValueRecord: Record {
    let picture: RecordName
    let values: [(name: String, value: Float)]
    let head: String

    var fields: Fields {
        ["image": picture, "values": values.map { ["name": $0.name, "value": $0.value] as Fields }, "head": head]
    }

    var rows: [Fields] {
        values.map { ["image": picture, "name": $0.name, "value": $0.value, "head": head] }
    }

    var text: String {
        let numbers = values.map { "\(displayed($0.name)) \(decimal(Double($0.value), places: 3).rightAligned(to: 6))" }
        return "\(numbers.joined(separator: "  "))  \(displayed(picture.text))\n"
    }
}

/// The scores of one pair.
private struct ScoreRecord: Record {
    let pair: CaptionPair
    let score: CLIPScore

    var fields: Fields {
        [
            "image": RecordName(bytes: pair.picture.bytes), "text": pair.caption, "similarity": score.similarity,
            "clip_score": score.score, "ref_clip_score": score.referenceScore,
        ]
    }

    static let columns = [
        "image", "text", "similarity", "clip_score", "ref_clip_score", "model", "image_bytes",
    ]

    var text: String {
        func number(_ value: Float) -> String { decimal(Double(value), places: 3).rightAligned(to: 6) }
        let reference = score.referenceScore.map { "  RefCLIPScore \(number($0))" } ?? ""
        return "cosine \(number(score.similarity))  CLIPScore \(number(score.score))\(reference)"
            + "  \(displayed(pair.picture.text)): \(displayed(pair.caption))\n"
    }
}
