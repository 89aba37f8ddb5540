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
            names nothing in particular, such as "a photo")
            """)
    private static let show = Option(
        "show", .choice("which", ["kept", "dropped", "all"]),
        help: "Which pictures to list: kept, dropped or all. (default: kept)")
    static let table = CommandTable(
        "filter",
        abstract: "Choose pictures by what they show, or pairs of pictures and captions by how well they fit.",
        discussion: [
            """
            Of an index: one record per picture that stays: {"path", "kept", "keep", "drop", "model"}, where keep and \
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

    private let arguments: Arguments
    private let output: OutputOptions
    private let least: Float?

    init(_ arguments: Arguments) throws(UsageError) {
        self.arguments = arguments
        try PageFile.check(arguments)
        least = try arguments.number(Filter.threshold)
        try CaptionTable.check(arguments)
        let isPairs = arguments.has(.pairs)
        output =
            isPairs
            ? OutputOptions(format: nil, path: arguments.text(.output), isQuiet: arguments.flag(.quiet))
            : try OutputOptions(arguments, formats: Filter.formats)
        let ofIndex = [Filter.keep, Filter.drop, Filter.show, .index, .html].first { arguments.has($0) }
        if isPairs, let option = ofIndex {
            throw UsageError("'--\(option.name)' is for pictures of an index, not for '--pairs <file>'.")
        }
        guard !isPairs || arguments.positionals.isEmpty && !arguments.has(.format(Filter.formats)) else {
            throw UsageError("'--pairs <file>' takes no folder and no '--format': rows come out as they are.")
        }
        guard isPairs || arguments.has(Filter.keep) || arguments.has(Filter.drop) else {
            throw UsageError("Missing expected option '--keep <text>', '--drop <text>' or '--pairs <file>'.")
        }
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        if let table = try CaptionTable(arguments) {
            try filter(table, console)
        } else {
            try filter(IndexInput(arguments, console: console, needsModel: true), console)
        }
        return !console.hasFailed
    }

    private func filter(_ input: IndexInput, _ console: Console) throws {
        guard let model = input.model else { return }
        let page = try PageFile(arguments, console: console)
        let filter = PictureFilter(
            keep: try model.embed(arguments.all(Filter.keep)), drop: try model.embed(arguments.all(Filter.drop)),
            threshold: least, background: try SearchQuery.backgroundEmbeddings(of: model))
        let verdicts = try input.index.filter(filter, threads: arguments.integer(.threads))
        let kept = verdicts.count { $0.isKept }
        let which = arguments.text(Filter.show) ?? "kept"
        let results = try ResultStream(
            output, console: console,
            note:
                "\(kept) of \(verdicts.count) pictures stay\(which == "all" ? ", - marks the others" : ""); cosines with "
                + "what was named")
        let listed = verdicts.filter { which == "all" || $0.isKept == (which == "kept") }
        if let page {
            let report = FilterPage(
                index: input.index, verdicts: listed, keep: arguments.all(Filter.keep),
                drop: arguments.all(Filter.drop), keptCount: kept)
            try page.write(report.report(page))
        }
        for verdict in listed {
            try results.write(
                FilterRecord(
                    path: input.index.picture(verdict.number).path, verdict: verdict,
                    fingerprint: input.index.fingerprint))
        }
        try results.finish()
    }

    private func filter(_ table: CaptionTable, _ console: Console) throws {
        let model = try ModelChoice(arguments).load()
        let target = try Output(path: output.path)
        if let header = table.header {
            try target.write(table.appending("clip_score", "clip_score", to: header) + lineEnd)
        }
        if console.showsProgress { console.progress = ProgressBar(total: nil, unit: "pairs") }
        let options = PictureOptions(arguments, for: model)
        while case let batch = try table.batch(options.batchSize), !batch.isEmpty {
            var rows: [CaptionTable.Row] = []
            for row in batch {
                switch row {
                case .success(let row): rows.append(row)
                case .failure(let fault): console.fail(fault.description)
                }
            }
            let longText = arguments.choice(.longText, as: LongText.self) ?? .truncate
            let captions = try model.embedEach(rows.map(\.pair.text), longText: longText)
            var scores: [Float?] = []
            try model.embedEach(
                rows.map { .file($0.pair.image) }, options: options.reading, fit: options.fit,
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
    let path: String
    let verdict: FilterVerdict
    let fingerprint: String

    var fields: [(name: String, value: FieldValue)] {
        [
            ("path", .text(path)), ("kept", .truth(verdict.isKept)),
            ("keep", verdict.keep.map { .number($0) } ?? .null), ("drop", verdict.drop.map { .number($0) } ?? .null),
            ("model", .text(fingerprint)),
        ]
    }

    var text: String {
        let scores = [("keep", verdict.keep), ("drop", verdict.drop)].compactMap { name, score in
            score.map { "\(name) \(decimal(Double($0), places: 3).rightAligned(to: 6))" }
        }
        return "\(verdict.isKept ? " " : "-") \(scores.joined(separator: "  "))  \(displayed(path))\n"
    }
}
