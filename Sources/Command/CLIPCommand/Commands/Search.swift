import CLIP
import CLIPSystem
import PictureCollections

struct Search: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]
    private static let image = Option(
        "image", .file("path"), isRepeatable: true, help: "Look for pictures like this one too.")
    private static let minus = Option(
        "minus", .text("text"), isRepeatable: true,
        help: "Leave out pictures that match this text better than what is wanted.")
    private static let minusImage = Option(
        "minus-image", .file("path"), isRepeatable: true,
        help: "Leave out pictures that are nearer to this one than to the pictures wanted.")
    private static let minusThreshold = Option(
        "minus-threshold", .text("cosine"),
        help: "Leave out whatever reaches this cosine with what --minus names, in place of the comparison.")
    private static let weights = Option(
        "weights", .text("numbers"),
        help: "How much each text, then each picture counts, separated by commas. (default: all the same)")
    private static let top = Option("top", .integer("count", 1...1_000_000), help: "How many to show. (default: 10)")
    private static let threshold = Option("threshold", .text("cosine"), help: "Show only scores from this one on.")
    private static let filter = Option(
        "filter", .text("glob"),
        help: "Search only paths that match: * is anything but a slash, ** anything, ? a character, [ab] one of some.")

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
            the embedded model also below a cosine of 0.3, which words without meaning hardly ever reach: it probably shows \
            something else, and a search always has a best hit. "gone" is true where the file is not there any more: such a \
            hit has no rank and doesn't count.
            """,
        ],
        positionals: [
            Positional(
                "text", count: 1...Int.max, unless: [image, .queriesFrom],
                help: "What the pictures should show, all of it together.")
        ],
        options: [
            .index, image, minus, minusImage, minusThreshold, weights, top, threshold, filter, .queriesFrom,
        ] + Option.modelOptions + [.longText] + Option.outputOptions(formats) + Option.pageOptions,
        examples: [
            .init(#"clip search "a red bicycle" --index photos"#, "The ten best pictures in photos/.clip-index."),
            .init(#"clip search "a beach" --minus "people" --filter "2024/**""#, "Empty beaches of one year."),
            .init(#"clip search --image sofa.jpg "in red" --weights 1,0.5 --top 3"#, "Like this picture, but in red."),
            .init(#"clip search "a dog" --top 50 --html dogs.html"#, "A page of them, for a browser."),
            .init("clip search --file queries.txt --format jsonl", "Many queries, one a line, in one pass."),
        ])

    private let output: OutputOptions
    private let path: PathBytes
    private let outputs: OutputFiles
    private let model: ModelChoice
    private let page: PageChoice?
    private let texts: [String]
    private let pictures: [String]
    /// Lists of queries, each line for itself.
    private let lists: [String]
    private let excludedTexts: [String]
    private let excludedPictures: [String]
    private let exclusionThreshold: Float?
    private let weightList: [Float]?
    private let top: Int
    private let threshold: Float?
    private let glob: Glob?
    private let longText: LongText
    private let threads: Int?

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: Search.formats)
        page = try PageChoice(arguments)
        // Other commands take the folder so.
        if arguments.given(.index).isEmpty, let folder = arguments.texts.last, PathBytes(folder).kind == .folder {
            throw UsageError("'\(displayed(folder))' is a folder: search in it with --index \(displayed(folder))")
        }
        path = IndexChoice.path(arguments.text(.index).map { PathBytes($0) })
        outputs = arguments.outputs
        model = ModelChoice(arguments)
        threads = arguments.integer(.threads)
        texts = arguments.texts
        pictures = arguments.all(Search.image)
        lists = arguments.all(.queriesFrom)
        excludedTexts = arguments.all(Search.minus)
        excludedPictures = arguments.all(Search.minusImage)
        threshold = try arguments.number(Search.threshold)
        top = arguments.integer(Search.top) ?? 10
        glob = arguments.text(Search.filter).map { Glob($0) }
        if texts.isEmpty, lists.isEmpty, excludedTexts.isEmpty {
            try arguments.refuse([.longText], "where nothing is a text")
        }
        longText = arguments.longText
        let termCount = texts.count + pictures.count
        if let text = arguments.text(Search.weights) {
            let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map {
                Float($0.filter { $0 != " " })
            }
            guard numbers.count == termCount, numbers.allSatisfy({ $0?.isFinite ?? false }) else {
                throw UsageError(
                    "'--weights \(displayed(text))' is not a list of \(termCount) numbers: one for each text, then one for "
                        + "each picture.")
            }
            weightList = numbers.compactMap { $0 }
        } else {
            weightList = nil
        }
        guard lists.isEmpty || termCount == 0 else {
            throw UsageError("Queries come from '--file <file>' or from the command line, not from both.")
        }
        if excludedTexts.isEmpty, excludedPictures.isEmpty {
            try arguments.refuse([Search.minusThreshold], "without a '--minus' or '--minus-image' that it is of")
        }
        exclusionThreshold = try arguments.number(Search.minusThreshold)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let page = try page.map { choice throws(OutputError) in try choice.open(console) }
        let index = try IndexChoice.open(path, outputs, console)
        let model = try model.load(of: index, console)
        let terms = SearchTerms(index: index, model: model, longText: longText, console: console)
        var queries: [(name: String, query: SearchQuery)] = []
        let excluded = try terms.texts(excludedTexts) + terms.pictures(excludedPictures)
        for wanted in try wantedTerms(terms) {
            var query = SearchQuery(wanted.terms)
            query.excluded = excluded
            query.exclusionThreshold = exclusionThreshold
            query.threshold = threshold
            query.paths = glob
            if wanted.terms.contains(where: { $0.kind == .text }) || !excludedTexts.isEmpty {
                query.background = try terms.background()
                query.leastFit = model.leastFit
            }
            queries.append((wanted.name, query))
        }
        let gone = GoneFiles(index)
        let found = try search(index, queries.map(\.query), gone)
        let results = try ResultStream(output, console: console, note: note(index, found) + gone.note)
        if let page {
            let answers = zip(queries, found).map {
                SearchPage.Answer(name: $0.name, terms: pageTerms(query: $0.name), hits: $1)
            }
            try page.write(SearchPage(answers: answers, index: index, gone: gone).report(page))
        }
        for ((name, _), hits) in zip(queries, found) {
            var rank = 0
            for (place, hit) in hits.enumerated() {
                let isGone = gone.contains(hit.picture)
                if !isGone { rank += 1 }
                try results.write(
                    SearchRecord(
                        query: name, rank: isGone ? nil : rank, hit: hit, fingerprint: index.fingerprint,
                        showsQuery: queries.count > 1 && place == 0))
            }
            if rank == 0 { try results.tell("\(quoted(name)): no picture passes") }
        }
        try results.finish()
        return !console.hasFailed
    }

    /// The hits of each query: as many as are asked for of those whose file is there, and those that are gone among them.
    private func search(_ index: PictureIndex, _ queries: [SearchQuery], _ gone: GoneFiles) throws -> [[SearchHit]] {
        var count = top
        while true {
            let found = try index.search(queries, top: count, threads: threads)
            let taken = try found.map { try gone.first(top, of: $0) { $0.picture.number } }
            let isEnough = zip(found, taken).allSatisfy { found, taken in
                found.count < count || taken.count { !gone.contains($0.picture) } >= top
            }
            if isEnough { return taken }
            count *= 4
        }
    }

    /// What is wanted: all of the command line together, or each line of a file alone.
    private func wantedTerms(_ terms: SearchTerms) throws -> [(name: String, terms: [SearchQuery.Term])] {
        if !lists.isEmpty {
            let lines = try LabelList.read(paths: lists)
            return zip(lines, try terms.texts(lines)).map { ($0, [$1]) }
        }
        var wanted = try terms.texts(texts) + terms.pictures(pictures)
        if let weightList { for index in wanted.indices { wanted[index].weight = weightList[index] } }
        return [((texts + pictures).joined(separator: " + "), wanted)]
    }

    /// What was asked for, for the page: all of the command line, or a line of a file.
    private func pageTerms(query: String) -> [SearchPage.Term] {
        func terms(_ texts: [String], isPicture: Bool = false, isWanted: Bool = true) -> [SearchPage.Term] {
            texts.map { .init(text: $0, isPicture: isPicture, isWanted: isWanted, weight: nil) }
        }
        let wanted = lists.isEmpty ? terms(texts) + terms(pictures, isPicture: true) : terms([query])
        let weighted = wanted.enumerated().map { place, term in
            SearchPage.Term(
                text: term.text, isPicture: term.isPicture, isWanted: true, weight: weightList.map { $0[place] })
        }
        return weighted + terms(excludedTexts, isWanted: false)
            + terms(excludedPictures, isPicture: true, isWanted: false)
    }

    /// What people should know of the scores.
    private func note(_ index: PictureIndex, _ found: [[SearchHit]]) -> String {
        let hits = found.flatMap { $0 }
        let scores =
            "cosines, exact among \(index.count) pictures; a picture and a text usually score lower than two of a kind"
        guard hits.contains(where: { $0.fits == false }) else { return scores }
        if hits.allSatisfy({ $0.fits == false }) {
            return
                "nothing fits: no hit is more like the text than like \"a photo\" or a word without meaning\n\(scores)"
        }
        return "?: no more like the text than like \"a photo\" or a word without meaning\n\(scores)"
    }
}

extension Option {
    static let queriesFrom = Option(
        "file", .file("file"), isRepeatable: true,
        help: "Read queries from a file, one a line, each for itself; - is standard input.")
}

/// Embeds what a query is made of.
struct SearchTerms {
    let index: PictureIndex
    let model: CLIPModel
    let longText: LongText
    let console: Console

    func texts(_ texts: [String]) throws -> [SearchQuery.Term] {
        // A model of pictures alone can answer where nothing is a text.
        guard !texts.isEmpty else { return [] }
        for text in texts { try console.warnOfDroppedText(in: text, longText: longText, model: model) }
        let embeddings: [Embedding] = try model.embed(texts, longText: longText)
        return embeddings.map { SearchQuery.Term($0, kind: .text) }
    }

    /// Pictures, read and fitted as those of the index.
    func pictures(_ paths: [String]) throws -> [SearchQuery.Term] {
        try paths.map { path in
            do throws(CLIPError) {
                let image = try Picture(reading: PathBytes(path), options: index.settings.reading)
                return SearchQuery.Term(try model.embed(image, fit: index.settings.fit), kind: .picture)
            } catch {
                throw InputError(described(error, name: path))
            }
        }
    }

    func background() throws -> [Embedding] { try SearchQuery.backgroundEmbeddings(of: model) }
}

/// A picture that a search found.
private struct SearchRecord: Record {
    let query: String
    /// Among those that are there; nil for one whose file is gone.
    let rank: Int?
    let hit: SearchHit
    let fingerprint: String
    let showsQuery: Bool

    var fields: [(name: String, value: FieldValue)] {
        [
            ("query", .text(query)), ("rank", rank.map { .integer($0) } ?? .null), ("path", .text(hit.picture.path)),
            ("score", .number(hit.score)), ("cosines", .numbers(hit.cosines)),
            ("fits", hit.fits.map { .truth($0) } ?? .null), ("gone", .truth(rank == nil)),
            ("model", .text(fingerprint)), ("path_bytes", .nameBytes(hit.picture.pathBytes)),
        ]
    }

    var text: String {
        let heading = showsQuery ? "\(displayed(query))\n" : ""
        let score = decimal(Double(hit.score), places: 3).rightAligned(to: 6)
        return
            "\(heading)  \(score)\(hit.fits == false ? " ?" : "  ") \(displayed(hit.picture.path))\(rank == nil ? "  gone" : "")\n"
    }
}
