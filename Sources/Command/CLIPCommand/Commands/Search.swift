import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections
import PictureReports

struct Search: Command {
    private static let results = ResultOptions.listing
    private static let image = Option(
        each: "image", .file("path"), help: "Look for pictures like this one too.")
    private static let minus = Option(
        each: "minus", .text("text"),
        help: "Leave out pictures that match this text better than what is wanted.")
    private static let minusImage = Option(
        each: "minus-image", .file("path"),
        help: "Leave out pictures that are nearer to this one than to the pictures wanted.")
    private static let minusThreshold = Option(
        "minus-threshold", .cosine,
        help: "Leave out whatever reaches this cosine with what --minus names, in place of the comparison.")
    private static let weights = Option(
        "weights", .text("numbers"),
        help: "How much each text, then each picture counts, separated by commas. (default: all the same)")
    private static let top = Option(
        "top", .integer("count", 1...1_000_000), default: 10, help: "How many to show. (default: 10)")
    private static let threshold = Option("threshold", .cosine, help: "Show only scores from this one on.")
    private static let update = Option(
        "update", off: "no-update", default: true,
        help: """
            Bring the index up to date first with the folders that it is of, where that takes no more than about two seconds. \
            (default: --update)
            """)
    private static let mustFind = Option(
        "must-find", help: "Exit with status 1 where a query finds nothing that is there and passes.")
    private static let filter = Option(
        "filter", .text("glob"),
        help: "Search only paths that match: * is anything but a slash, ** anything, ? a character, [ab] one of some.")

    private static let show = Option(
        "show",
        help: """
            Draw each picture under its line, as the terminal understands it: kitty's, iTerm's or sixel graphics, else blocks of \
            characters.
            """)

    private static let queriesFrom = Option(
        each: "file", .file("file"), help: "Read queries from a file, one a line, each for itself; - is standard input."
    )

    static let table = CommandTable(
        "search",
        abstract: "Find pictures in an index by words, by pictures, or by both.",
        discussion: [
            """
            One record per hit, best first: {"query", "rank", "path", "score", "cosines", "fits", "gone", "model"}. Several \
            texts and pictures are looked for together: the score is the weighted mean of a picture's cosines with \
            them. "cosines" are those of each, as the model measured. The search is exact.
            """,
            """
            --minus excludes, it doesn't subtract: a picture drops out when its cosine with the text is greater than \
            with every text wanted; where only pictures are wanted, greater than with every prompt that names \
            nothing in particular; with --minus-threshold, when it reaches that cosine. --minus-image compares with \
            the pictures wanted in the same way.
            """,
            """
            "fits" is false where a picture is no more like the text than like such prompts ("a photo", "an object"), with \
            the embedded model also below a cosine of 0.2, which words without meaning hardly ever reach: it probably shows \
            something else, and a search always has a best hit. "gone" is true where the file is not there any more: such a \
            hit has no rank and doesn't count.
            """,
        ],
        positionals: [
            Positional(
                "text", count: 1...Int.max, unless: [image, queriesFrom],
                help: "What the pictures should show, all of it together.")
        ],
        options: [
            IndexChoice.index, image, minus, minusImage, minusThreshold, weights, top, threshold, filter, mustFind,
            update, show,
            queriesFrom,
        ], ModelChoice.options, [TextChoice.longText, ModelChoice.language], results.all, PageChoice.options,
        exclusion: minus,
        examples: [
            .init(#"clip search "a red bicycle" --index photos"#, "The ten best pictures in photos/.clip-index."),
            .init(#"clip search "a beach" --minus "people" --filter "2024/**""#, "Empty beaches of one year."),
            .init(#"clip search --image sofa.jpg "in red" --weights 1,0.5 --top 3"#, "Like this picture, but in red."),
            .init(#"clip search "a dog" --top 50 --html dogs.html"#, "A page of them, for a browser."),
            .init(#"clip search "a dog" --top 3 --show"#, "Three of them, in the terminal."),
            .init(
                #"clip search "a dog" --paths -0 | xargs -0 cp -t dogs"#, "The pictures themselves, for other programs."
            ),
            .init(
                "clip search --file queries.txt --format jsonl",
                "Many queries, one a line; from a pipe each is answered as it comes."),
        ])

    private let output: ResultChoice
    private let path: PathBytes
    private let outputs: OutputFiles
    private let model: ModelChoice
    private let page: PageChoice?
    /// All of the command line together; nil where queries come from lists, each line for itself.
    private let request: Request?
    private let lists: [String]
    private let excluded: [PictureReport.Asked]
    private let exclusionThreshold: Float?
    private let top: Int
    private let threshold: Float?
    private let mustFind: Bool
    private let updates: Bool
    private let shows: Bool
    private let glob: Glob?
    private let longText: LongText

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        // Other commands take the folder so.
        if arguments.given(IndexChoice.index).isEmpty, let folder = arguments.texts.last,
            PathBytes(folder).kind == .folder
        {
            throw UsageError("'\(displayed(folder))' is a folder: search in it with --index \(displayed(folder))")
        }
        path = IndexChoice.take(&arguments)
        outputs = arguments.outputs
        model = ModelChoice(&arguments)
        page = try PageChoice(&arguments, threads: model.threads)
        let texts = arguments.texts
        let pictures = arguments.take(Self.image)
        lists = arguments.take(Self.queriesFrom)
        let minus = arguments.take(Self.minus)
        excluded =
            minus.map { .init($0, isPicture: false, isWanted: false) }
            + arguments.take(Self.minusImage).map { .init($0, isPicture: true, isWanted: false) }
        threshold = arguments.take(Self.threshold)
        top = arguments.take(Self.top)
        mustFind = arguments.take(Self.mustFind)
        updates = arguments.take(Self.update)
        shows = arguments.take(Self.show)
        if shows, output.isData {
            throw UsageError("'--show' draws among text for people: add '--format text', or leave it out.")
        }
        glob = arguments.take(Self.filter).map { Glob($0) }
        if texts.isEmpty, lists.isEmpty, minus.isEmpty {
            try arguments.refuse([TextChoice.longText, ModelChoice.language], "where nothing is a text")
        }
        longText = arguments.take(TextChoice.longText)
        let names = texts + pictures
        let weights = try Search.weights(arguments.take(Self.weights), count: names.count)
        guard lists.isEmpty || names.isEmpty else {
            throw UsageError("Queries come from '--file <file>' or from the command line, not from both.")
        }
        request =
            lists.isEmpty
            ? Request(
                name: names.joined(separator: " + "),
                wanted: names.enumerated().map { place, name in
                    .init(name, isPicture: place >= texts.count, weight: weights.map { $0[place] })
                })
            : nil
        if excluded.isEmpty {
            try arguments.refuse([Self.minusThreshold], "without a '--minus' or '--minus-image' that it is of")
        }
        exclusionThreshold = arguments.take(Self.minusThreshold)
    }

    private static func weights(_ text: String?, count: Int) throws(UsageError) -> [Float]? {
        guard let text else { return nil }
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map {
            Float($0.filter { $0 != " " })
        }
        guard numbers.count == count, numbers.allSatisfy({ $0?.isFinite ?? false }) else {
            throw UsageError(
                "'--weights \(displayed(text))' is not a list of \(count) numbers: one for each text, then one for each "
                    + "picture.")
        }
        return numbers.compactMap { $0 }
    }

    func run(_ console: Console) throws {
        let page = try page?.open(console)
        var index = try IndexChoice.open(path, outputs, console)
        let model = try model.load(of: index, console)
        if updates, try IndexInput.refresh(index, model, console) {
            index = try IndexChoice.open(path, outputs, console)
        }
        let embedder = TermEmbedder(index: index, model: model, longText: longText, console: console)
        let excluding = try embedder.terms(excluded)
        var background: [Embedding]?
        let gone = GoneFiles(index)
        let drawings = shows ? TerminalPictures(environment: environmentVariable) : nil
        let results = try ResultStream(output, console, model: index.fingerprint, columns: SearchRecord.columns)
        var answers: [PictureReport.Answer] = []
        var fits = FitCount()
        // Whoever writes queries into a pipe may be waiting for the answers to those that are there.
        var batches = try RequestBatches(request, lists)
        while case let requests = try batches.next(), !requests.isEmpty {
            let wanted = try embedder.terms(requests.flatMap(\.wanted))
            var rest = wanted[...]
            var queries: [SearchQuery] = []
            for request in requests {
                var query = SearchQuery(Array(rest.prefix(request.wanted.count)))
                rest = rest.dropFirst(request.wanted.count)
                query.excluded = excluding
                query.exclusionThreshold = exclusionThreshold
                query.threshold = threshold
                query.paths = glob
                if (request.wanted + excluded).contains(where: { !$0.isPicture }) {
                    let prompts = try background ?? SearchQuery.backgroundEmbeddings(of: model)
                    background = prompts
                    query.background = prompts
                    query.leastFit = model.leastFit
                }
                queries.append(query)
            }
            for (request, hits) in zip(requests, try search(index, queries, gone)) {
                fits.add(hits)
                if page != nil {
                    answers.append(.init(name: request.name, asked: request.wanted + excluded, hits: hits))
                }
                var rank = 0
                for (place, hit) in hits.enumerated() {
                    let isGone = gone.contains(hit.picture)
                    if !isGone { rank += 1 }
                    try results.write(
                        SearchRecord(
                            query: request.name, rank: isGone ? nil : rank, hit: hit,
                            showsQuery: self.request == nil && place == 0,
                            drawing: isGone ? nil : drawings.flatMap { drawing(of: hit.picture, in: index, by: $0) }))
                }
                if rank == 0 {
                    let answer = "\(excerpt(request.name)): no picture passes"
                    if mustFind { console.fail(answer) } else { try results.tell(answer) }
                }
            }
            try results.flush()
        }
        results.setNote(fits.note(index) + gone.note)
        if let page { try page.write(.search(answers, in: index, gone: gone, file: page)) }
        try results.finish()
    }

    /// A picture as the terminal shows it; nil for one that can't be read any more, which its line says nothing of.
    private func drawing(of picture: IndexedPicture, in index: PictureIndex, by drawings: TerminalPictures) -> String? {
        var reading = index.settings.reading
        reading.leastEdge = TerminalPictures.edge
        reading.allowsTruncated = true
        reading.threads = model.threads ?? 1
        guard let picture = try? Picture(reading: PathBytes(picture.pathBytes), options: reading) else { return nil }
        return drawings.drawing(of: picture, indent: 4)
    }

    /// The hits of each query: as many as are asked for of those whose file is there, and those that are gone among them.
    private func search(_ index: PictureIndex, _ queries: [SearchQuery], _ gone: GoneFiles) throws -> [[SearchHit]] {
        var count = top
        while true {
            let found = try index.search(queries, top: count, threads: model.threads)
            let taken = try found.map { try gone.first(top, of: $0) { $0.picture.number } }
            let isEnough = zip(found, taken).allSatisfy { found, taken in
                found.count < count || taken.count { !gone.contains($0.picture) } >= top
            }
            if isEnough { return taken }
            count *= 4
        }
    }
}

/// What is looked for in one pass, as it was written.
private struct Request {
    let name: String
    let wanted: [PictureReport.Asked]
}

/// What is wanted: all of the command line together, or each line of lists alone.
private struct RequestBatches {
    private var first: Request?
    private var lines: LineList?

    init(_ request: Request?, _ lists: [String]) throws(CLIPError) {
        first = request
        lines = request == nil ? try LineList(lists) : nil
    }

    /// Those that are there by now, as many as one reading of the vectors takes; none after the last.
    mutating func next() throws(CLIPError) -> [Request] {
        if let request = first {
            first = nil
            return [request]
        }
        return try lines?.batch(128).map { Request(name: $0, wanted: [.init($0, isPicture: false)]) } ?? []
    }
}

/// Whether the hits of all queries fit.
private struct FitCount {
    private var hits = 0
    private var misfits = 0

    mutating func add(_ hits: [SearchHit]) {
        self.hits += hits.count
        misfits += hits.count { $0.fits == false }
    }

    /// What people should know of the scores.
    func note(_ index: PictureIndex) -> String {
        let scores =
            "cosines, exact among \(index.count) pictures; a picture and a text usually score lower than two of a kind"
        guard misfits > 0 else { return scores }
        if misfits == hits {
            return
                "nothing fits: no hit is more like the text than like \"a photo\" or a word without meaning\n\(scores)"
        }
        return "?: no more like the text than like \"a photo\" or a word without meaning\n\(scores)"
    }
}

/// Embeds what a query is made of.
private struct TermEmbedder {
    let index: PictureIndex
    let model: CLIPModel
    let longText: LongText
    let console: Console

    /// Texts all together; pictures read and fitted as those of the index.
    func terms(_ asked: [PictureReport.Asked]) throws -> [SearchQuery.Term] {
        // A model of pictures alone can answer where nothing is a text.
        let texts = asked.filter { !$0.isPicture }.map(\.text)
        try console.warnOfDroppedText(in: texts, longText: longText, model: model)
        let embedded: [Embedding] = try texts.isEmpty ? [] : model.embed(texts, longText: longText)
        var rest = embedded[...]
        return try asked.map { asked in
            let embedding = try asked.isPicture ? picture(asked.text) : rest.removeFirst()
            return SearchQuery.Term(embedding, kind: asked.isPicture ? .picture : .text, weight: asked.weight ?? 1)
        }
    }

    private func picture(_ path: String) throws(CLIPError) -> Embedding {
        do throws(CLIPError) {
            let picture = try Picture(reading: PathBytes(path), options: index.settings.reading)
            return try model.embed(picture, fit: index.settings.fit)
        } catch {
            throw CLIPError(.storage, described(error, name: path))
        }
    }
}

/// A picture that a search found.
private struct SearchRecord: Record {
    let query: String
    /// Among those that are there; nil for one whose file is gone.
    let rank: Int?
    let hit: SearchHit
    let showsQuery: Bool
    /// Text that draws the picture.
    let drawing: String?

    static let columns = ["query", "rank", "path", "score", "cosines", "fits", "gone", "model", "path_bytes"]

    var fields: Fields {
        [
            "query": query, "rank": rank, "path": RecordName(hit.picture), "score": hit.score, "cosines": hit.cosines,
            "fits": hit.fits, "gone": rank == nil,
        ]
    }

    var paths: [RecordName] { rank == nil ? [] : [RecordName(hit.picture)] }

    var text: String {
        let heading = showsQuery ? "\(displayed(query))\n" : ""
        let score = decimal(Double(hit.score), places: 3).rightAligned(to: 6)
        return
            "\(heading)  \(score)\(hit.fits == false ? " ?" : "  ") \(displayed(hit.picture.path))\(rank == nil ? "  gone" : "")\n"
            + (drawing ?? "")
    }
}
