import CLIP
import CLIPOptions
import PictureCollections
import PictureReports

struct Filter: Command {
    private static let results = ResultOptions.listing
    private static let keep = Option(
        each: "keep", .text("text"), help: "Keep pictures that show this; several: any of them.")
    private static let drop = Option(
        each: "drop", .text("text"),
        help: "Drop pictures that show this, and match it better than what is to be kept.")
    private static let threshold = Option(
        "threshold", .cosine,
        help: """
            The cosine from which a picture shows something. (default: one greater than with any prompt that \
            names nothing in particular, such as "a photo", and with the embedded model at least 0.2)
            """)
    private static let show = Option(
        "show", .choice("which"), default: Listed.kept,
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
        positionals: [IndexSource.positional],
        options: [keep, drop, threshold, show], PairChoice.options, [TextChoice.longText], IndexSource.options,
        results.all, PageChoice.options,
        examples: [
            .init(#"clip filter photos --keep "a photo of food" --drop "a screenshot""#, "Pictures of food."),
            .init(#"clip filter --index photos --drop "text" --show dropped"#, "What shows text?"),
            .init("clip filter --pairs train.csv --threshold 0.25 -o clean.csv", "Pairs that fit each other."),
        ])

    private enum Listed: String, CaseIterable {
        case kept, dropped, all
    }

    private enum Work {
        case index(IndexSource, keep: [String], drop: [String], Listed, PageChoice?)
        case pairs(PairChoice, ModelChoice, PictureChoice)
    }

    private let output: ResultChoice
    private let least: Float?
    private let longText: LongText
    private let work: Work

    init(_ arguments: inout Arguments) throws(UsageError) {
        least = arguments.take(Self.threshold)
        longText = arguments.take(TextChoice.longText)
        if let pairs = try PairChoice(&arguments) {
            let ofIndex: [any AnyOption] = [Self.keep, Self.drop, Self.show, IndexChoice.index] + PageChoice.options
            try arguments.refuse(ofIndex, "with '--pairs <file>': it is for pictures of an index")
            try arguments.refuse([Self.results.format], "with '--pairs <file>': rows come out as they are")
            guard arguments.positionals.isEmpty else { throw UsageError("'--pairs <file>' takes no folder.") }
            output = ResultChoice(format: nil, path: arguments.take(ResultOptions.output))
            if let path = output.path { try OutputName(path).check(pairs.format.endings, of: ResultOptions.output) }
            work = .pairs(pairs, ModelChoice(&arguments), PictureChoice(&arguments))
        } else {
            output = try ResultChoice(&arguments, Self.results)
            let (keep, drop) = (arguments.take(Self.keep), arguments.take(Self.drop))
            guard !keep.isEmpty || !drop.isEmpty else {
                throw UsageError("Missing expected option '--keep <text>', '--drop <text>' or '--pairs <file>'.")
            }
            let source = try IndexSource(&arguments, needsModel: true)
            work = .index(
                source, keep: keep, drop: drop, arguments.take(Self.show),
                try PageChoice(&arguments, threads: source.threads))
        }
    }

    func run(_ console: Console) throws {
        switch work {
        case .index(let source, let keep, let drop, let listed, let page):
            try filter(source, keep: keep, drop: drop, listed, page?.open(console), console)
        case .pairs(let pairs, let model, let pictures): try filter(pairs, model, pictures, console)
        }
    }

    private func filter(
        _ source: IndexSource, keep: [String], drop: [String], _ which: Listed, _ page: PageFile?, _ console: Console
    ) throws {
        let input = try source.open(console)
        guard let model = input.model else { return }
        try console.warnOfDroppedText(in: keep + drop, longText: longText, model: model)
        let filter = PictureFilter(
            keep: try model.embed(keep, longText: longText), drop: try model.embed(drop, longText: longText),
            threshold: least, background: try SearchQuery.backgroundEmbeddings(of: model), leastFit: model.leastFit)
        let verdicts = try input.index.filter(filter, threads: source.threads)
        let gone = GoneFiles(input.index)
        let there = try gone.present(verdicts.map(\.number)).count
        let kept = try gone.present(verdicts.filter(\.isKept).map(\.number)).count
        let footer =
            "\(kept) of \(there.pictures) \(kept == 1 ? "stays" : "stay")\(which == .all ? ", - marks the others" : ""); "
            + "cosines with what was named\(gone.note)"
        let results = try ResultStream(
            output, console, model: input.index.fingerprint, note: footer, columns: FilterRecord.columns)
        let listed = verdicts.filter { which == .all || $0.isKept == (which == .kept) }
        if let page {
            try page.write(
                .filter(listed, of: input.index, keep: keep, drop: drop, keptCount: kept, gone: gone, file: page))
        }
        if listed.isEmpty { try results.tell(footer) }
        for verdict in listed {
            try results.write(
                FilterRecord(
                    picture: RecordName(input.index.picture(verdict.number)), verdict: verdict,
                    isGone: gone.contains(verdict.number)))
        }
        try results.finish()
    }

    /// Rows stream through: whoever reads may be waiting for the answers to what it wrote.
    private func filter(
        _ pairs: PairChoice, _ choice: ModelChoice, _ pictures: PictureChoice, _ console: Console
    ) throws {
        let table = try pairs.open()
        let model = try choice.load(console)
        let target = try Output(path: output.path)
        let lineEnd = [UInt8(ascii: "\n")]
        if let header = table.header {
            try target.write(table.appending("clip_score", "clip_score", to: header) + lineEnd)
        }
        if console.showsProgress { console.progress = ProgressBar(total: nil, unit: "pairs") }
        let options = pictures.options(for: model)
        let scorer = options.scorer(model, longText: longText)
        while case let batch = try table.batch(options.batchSize), !batch.isEmpty {
            console.progress?.refresh()
            var rows: [CaptionTable.Row] = []
            for row in batch {
                switch row {
                case .success(let row):
                    try pairs.check(row.pair)
                    rows.append(row)
                case .failure(let fault): console.fail(fault.shown)
                }
            }
            try console.warnOfDroppedText(in: rows.map(\.pair.caption), longText: longText, model: model)
            for (row, result) in zip(rows, try scorer.scores(rows.map(\.pair))) {
                console.progress?.advance()
                switch result {
                case .success(let score):
                    guard score.similarity >= least ?? -.infinity else { continue }
                    console.resultsBegin()
                    let cell = score.similarity.description
                    try target.write(table.appending("clip_score", cell, to: row.text) + lineEnd)
                case .failure(let error): console.fail(described(error, name: row.pair.picture.text))
                }
            }
            if output.path == nil { try target.flush() }
        }
        console.progress?.clear()
        try target.finish()
    }
}

/// What a filter says of a picture.
private struct FilterRecord: Record {
    let picture: RecordName
    let verdict: FilterVerdict
    let isGone: Bool

    static let columns = ["path", "kept", "keep", "drop", "gone", "model", "path_bytes"]

    var fields: Fields {
        ["path": picture, "kept": verdict.isKept, "keep": verdict.keep, "drop": verdict.drop, "gone": isGone]
    }

    var paths: [RecordName] { isGone ? [] : [picture] }

    var text: String {
        let scores = [("keep", verdict.keep), ("drop", verdict.drop)].compactMap { name, score in
            score.map { "\(name) \(decimal(Double($0), places: 3).rightAligned(to: 6))" }
        }
        return "\(verdict.isKept ? " " : "-") \(scores.joined(separator: "  "))  \(displayed(picture.text))"
            + (isGone ? "  gone\n" : "\n")
    }
}
