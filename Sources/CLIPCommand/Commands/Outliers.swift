import CLIP
import PictureCollections

struct Outliers: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]
    private static let top = Option("top", .integer("count", 1...1_000_000), help: "How many to show. (default: 10)")
    private static let neighbours = Option(
        "neighbours", .integer("count", 1...1000), help: "With how many nearest others each is compared. (default: 5)")

    static let table = CommandTable(
        "outliers",
        abstract: "Find the pictures of an index that are least like the others.",
        discussion: [
            """
            One record per picture, the least like the rest first: {"rank", "path", "similarity", "nearest", \
            "model"}, where similarity is the mean cosine with its nearest others: scans that went wrong, pictures that \
            are in the wrong folder, and what is simply rare. Every picture is compared with every other one: ten times \
            the pictures take a hundred times as long.
            """
        ],
        positionals: [.indexedFolder],
        options: [top, neighbours] + IndexInput.options + Option.outputOptions(formats) + Option.pageOptions,
        examples: [.init("clip outliers photos --top 20", "What doesn't belong here?")])

    private let output: OutputOptions
    private let source: IndexSource
    private let page: PageChoice?
    private let top: Int
    private let neighbours: Int

    init(_ arguments: Arguments) throws(UsageError) {
        source = try IndexSource(arguments, needsModel: false)
        page = try PageChoice(arguments)
        top = arguments.integer(Outliers.top) ?? 10
        neighbours = arguments.integer(Outliers.neighbours) ?? 5
        output = try OutputOptions(arguments, formats: Outliers.formats)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let page = try page.map { choice throws(OutputError) in try choice.open(console) }
        let index = try source.open(console).index
        let found = try index.outliers(
            top: top, neighbours: neighbours, threads: source.threads, progress: IndexInput.progress(console))
        console.progress?.clear()
        console.progress = nil
        let results = try ResultStream(
            output, console: console, note: "mean cosines with the nearest others, of \(index.count) pictures")
        if let page { try page.write(OutliersPage(index: index, found: found).report(page)) }
        for (rank, outlier) in found.enumerated() {
            try results.write(
                OutlierRecord(
                    rank: rank + 1, path: index.picture(outlier.number).path, similarity: outlier.similarity,
                    nearest: index.picture(outlier.nearest).path, fingerprint: index.fingerprint))
        }
        try results.finish()
        return !console.hasFailed
    }
}

/// A picture that is unlike the others.
private struct OutlierRecord: Record {
    let rank: Int
    let path: String
    let similarity: Float
    let nearest: String
    let fingerprint: String

    var fields: [(name: String, value: FieldValue)] {
        [
            ("rank", .integer(rank)), ("path", .text(path)), ("similarity", .number(similarity)),
            ("nearest", .text(nearest)), ("model", .text(fingerprint)),
        ]
    }

    var text: String {
        "  \(decimal(Double(similarity), places: 3).rightAligned(to: 6))  \(displayed(path))"
            + "  (nearest: \(displayed(nearest)))\n"
    }
}
