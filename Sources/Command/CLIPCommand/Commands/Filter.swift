import CLIP
import PictureCollections

struct Filter: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]
    private static let keep = Option(
        "keep", .text("text"), isRepeatable: true, help: "Keep pictures that show this; several: any of them.")
    private static let drop = Option(
        "drop", .text("text"), isRepeatable: true,
        help: "Drop pictures that show this, and match it better than what is to be kept.")
    private static let threshold = Option(
        "threshold", .text("cosine"),
        help: """
            The cosine from which a picture shows something. (default: one greater than with any prompt that \
            names nothing in particular, such as "a photo", and with the embedded model at least 0.3)
            """)
    private static let show = Option(
        "show", .choice("which", ["kept", "dropped", "all"]),
        help: "Which pictures to list: kept, dropped or all. (default: kept)")
    static let table = CommandTable(
        "filter",
        abstract: "Choose pictures by what they show, or pairs of pictures and captions by how well they fit.",
        discussion: [
            """
            Of an index: one record per picture that stays: {"path", "kept", "keep", "drop", "gone", "model"}, where keep and \
            drop are the greatest cosines with the texts named. Nothing is moved or deleted.
            """,
            """
            With --pairs, the rows of a caption file come out as they are with one more column, clip_score, the cosine \
            of picture and caption; with --threshold only those that reach it, as LAION and DataComp chose theirs (0.28 \
            to 0.3 for OpenAI's B/32: the scores of other models lie elsewhere). Rows stream through; one that can't be \
            scored is reported and left out.
            """,
        ],
        positionals: [.indexedFolder],
        options: [keep, drop, threshold, show] + Option.pairOptions + [.longText] + IndexInput.options
            + Option.outputOptions(formats) + Option.pageOptions,
        examples: [
            .init(#"clip filter photos --keep "a photo of food" --drop "a screenshot""#, "Pictures of food."),
            .init(#"clip filter --index photos --drop "text" --show dropped"#, "What shows text?"),
            .init("clip filter --pairs train.csv --threshold 0.25 -o clean.csv", "Pairs that fit each other."),
        ])

    private let output: OutputOptions
    private let least: Float?
    private let longText: LongText
    private let work: Work

    private enum Work {
        case index(IndexSource, keep: [String], drop: [String], show: String, PageChoice?)
        case pairs(PairChoice, ModelChoice, PictureChoice)
    }

    init(_ arguments: Arguments) throws(UsageError) {
        least = try arguments.number(Filter.threshold)
        longText = arguments.longText
        if let pairs = try PairChoice(arguments) {
            try arguments.refuse(
                [Filter.keep, Filter.drop, Filter.show, .index, .html, .htmlLinks],
                "with '--pairs <file>': it is for pictures of an index")
            try arguments.refuse([.format(Filter.formats)], "with '--pairs <file>': rows come out as they are")
            guard arguments.positionals.isEmpty else { throw UsageError("'--pairs <file>' takes no folder.") }
            output = OutputOptions(format: nil, path: arguments.text(.output), isQuiet: arguments.flag(.quiet))
            if let path = output.path { try OutputName(path).check(pairs.format.endings, of: .output) }
            work = .pairs(pairs, ModelChoice(arguments), PictureChoice(arguments))
        } else {
            output = try OutputOptions(arguments, formats: Filter.formats)
            let (keep, drop) = (arguments.all(Filter.keep), arguments.all(Filter.drop))
            guard !keep.isEmpty || !drop.isEmpty else {
                throw UsageError("Missing expected option '--keep <text>', '--drop <text>' or '--pairs <file>'.")
            }
            work = .index(
                try IndexSource(arguments, needsModel: true), keep: keep, drop: drop,
                show: arguments.text(Filter.show) ?? "kept", try PageChoice(arguments))
        }
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        switch work {
        case .index(let source, let keep, let drop, let show, let page):
            let page = try page.map { choice throws(OutputError) in try choice.open(console) }
            try filter(source, keep: keep, drop: drop, show: show, page, console)
        case .pairs(let pairs, let model, let pictures): try filter(pairs, model, pictures, console)
        }
        return !console.hasFailed
    }

    private func filter(
        _ source: IndexSource, keep: [String], drop: [String], show which: String, _ page: PageFile?, _ console: Console
    ) throws {
        let input = try source.open(console)
        guard let model = input.model else { return }
        for text in keep + drop { try console.warnOfDroppedText(in: text, longText: longText, model: model) }
        let filter = PictureFilter(
            keep: try model.embed(keep, longText: longText), drop: try model.embed(drop, longText: longText),
            threshold: least, background: try SearchQuery.backgroundEmbeddings(of: model), leastFit: model.leastFit)
        let verdicts = try input.index.filter(filter, threads: source.threads)
        let gone = GoneFiles(input.index)
        let there = try gone.present(verdicts.map(\.number)).count
        let kept = try gone.present(verdicts.filter(\.isKept).map(\.number)).count
        let footer =
            "\(kept) of \(there.pictures) \(kept == 1 ? "stays" : "stay")\(which == "all" ? ", - marks the others" : ""); "
            + "cosines with what was named\(gone.note)"
        let results = try ResultStream(output, console: console, note: footer)
        let listed = verdicts.filter { which == "all" || $0.isKept == (which == "kept") }
        if let page {
            let report = FilterPage(
                index: input.index, verdicts: listed, keep: keep, drop: drop, keptCount: kept, gone: gone)
            try page.write(report.report(page))
        }
        if listed.isEmpty { try results.tell(footer) }
        for verdict in listed {
            try results.write(
                FilterRecord(
                    picture: input.index.picture(verdict.number), verdict: verdict,
                    isGone: gone.contains(verdict.number),
                    fingerprint: input.index.fingerprint))
        }
        try results.finish()
    }

    private func filter(
        _ pairs: PairChoice, _ choice: ModelChoice, _ pictures: PictureChoice, _ console: Console
    ) throws {
        let table = try pairs.open()
        let model = try choice.load(console)
        let target = try Output(path: output.path)
        if let header = table.header {
            try target.write(table.appending("clip_score", "clip_score", to: header) + lineEnd)
        }
        if console.showsProgress { console.progress = ProgressBar(total: nil, unit: "pairs") }
        let options = pictures.options(for: model)
        while case let batch = try table.batch(options.batchSize), !batch.isEmpty {
            console.progress?.refresh()
            var rows: [CaptionTable.Row] = []
            for row in batch {
                switch row {
                case .success(let row):
                    try pairs.check(row.pair)
                    rows.append(row)
                case .failure(let fault): console.fail(fault.description)
                }
            }
            for row in rows { try console.warnOfDroppedText(in: row.pair.text, longText: longText, model: model) }
            let captions = try model.embedEach(rows.map(\.pair.text), longText: longText)
            var scores: [Float?] = []
            try model.embedEach(
                rows.map(\.pair.image.imageInput), options: options.reading, fit: options.fit,
                batchSize: options.batchSize
            ) { input, result in
                do {
                    scores.append(try result.get().similarity(to: captions[scores.count].get()))
                } catch let error as CLIPError where error.kind != .model {
                    console.fail(described(error, name: input.name))
                    scores.append(nil)
                }
                console.progress?.advance()
            }
            for (row, score) in zip(rows, scores) {
                guard let score, score >= least ?? -.infinity else { continue }
                console.resultsBegin()
                try target.write(table.appending("clip_score", score.description, to: row.text) + lineEnd)
            }
            // Whoever reads may be waiting for the answers to what it wrote.
            if output.path == nil { try target.flush() }
        }
        console.progress?.clear()
        try target.finish()
    }
}

private let lineEnd = [UInt8(ascii: "\n")]

/// What a filter says of a picture.
private struct FilterRecord: Record {
    let picture: IndexedPicture
    let verdict: FilterVerdict
    let isGone: Bool
    let fingerprint: String

    var fields: [(name: String, value: FieldValue)] {
        [
            ("path", .text(picture.path)), ("kept", .truth(verdict.isKept)),
            ("keep", verdict.keep.map { .number($0) } ?? .null), ("drop", verdict.drop.map { .number($0) } ?? .null),
            ("gone", .truth(isGone)), ("model", .text(fingerprint)), ("path_bytes", .nameBytes(picture.pathBytes)),
        ]
    }

    var text: String {
        let scores = [("keep", verdict.keep), ("drop", verdict.drop)].compactMap { name, score in
            score.map { "\(name) \(decimal(Double($0), places: 3).rightAligned(to: 6))" }
        }
        return "\(verdict.isKept ? " " : "-") \(scores.joined(separator: "  "))  \(displayed(picture.path))"
            + (isGone ? "  gone\n" : "\n")
    }
}
