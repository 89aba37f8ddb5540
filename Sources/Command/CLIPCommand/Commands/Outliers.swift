import CLIP
import PictureCollections

struct Outliers: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]
    private static let top = Option("top", .integer("count", 1...1_000_000), help: "How many to show. (default: 10)")
    private static let neighbors = Option(
        "neighbours", .integer("count", 1...1000), help: "With how many nearest others each is compared. (default: 5)")

    static let table = CommandTable(
        "outliers",
        abstract: "Find the pictures of an index that are least like the others.",
        discussion: [
            """
            One record per picture, the least like the rest first: {"rank", "path", "similarity", "nearest", \
            "gone", "nearest_gone", "model"}, where similarity is the mean cosine with its nearest others: scans that went wrong, pictures that \
            are in the wrong folder, and what is simply rare. Every picture is compared with every other one: ten times \
            the pictures take a hundred times as long.
            """
        ],
        positionals: [.indexedFolder],
        options: [top, neighbors] + IndexInput.options + Option.outputOptions(formats) + Option.pageOptions,
        examples: [.init("clip outliers photos --top 20", "What doesn't belong here?")])

    private let output: OutputOptions
    private let source: IndexSource
    private let page: PageChoice?
    private let top: Int
    private let neighbors: Int

    init(_ arguments: Arguments) throws(UsageError) {
        source = try IndexSource(arguments, needsModel: false)
        page = try PageChoice(arguments)
        top = arguments.integer(Outliers.top) ?? 10
        neighbors = arguments.integer(Outliers.neighbors) ?? 5
        output = try OutputOptions(arguments, formats: Outliers.formats)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let page = try page.map { choice throws(OutputError) in try choice.open(console) }
        let index = try source.open(console).index
        // Those that are gone take no place of others: all are ranked.
        let all = try index.outliers(
            top: max(top, index.count), neighbors: neighbors, threads: source.threads,
            progress: IndexInput.progress(console))
        console.progress?.clear()
        console.progress = nil
        let gone = GoneFiles(index)
        let found = try gone.first(top, of: all) { $0.number }
        for outlier in found { _ = try gone.contains(outlier.nearest) }
        let results = try ResultStream(
            output, console: console,
            note: "mean cosines with the nearest others, of \(index.count) pictures\(gone.note)")
        if let page { try page.write(OutliersPage(index: index, found: found, gone: gone).report(page)) }
        var rank = 0
        for outlier in found {
            let isGone = try gone.contains(outlier.number)
            if !isGone { rank += 1 }
            try results.write(
                OutlierRecord(
                    rank: isGone ? nil : rank, picture: index.picture(outlier.number), similarity: outlier.similarity,
                    nearest: index.picture(outlier.nearest), isNearestGone: gone.contains(outlier.nearest),
                    fingerprint: index.fingerprint))
        }
        try results.finish()
        return !console.hasFailed
    }
}

/// A picture that is unlike the others.
private struct OutlierRecord: Record {
    /// Among those that are there; nil for one whose file is gone.
    let rank: Int?
    let picture: IndexedPicture
    let similarity: Float
    let nearest: IndexedPicture
    let isNearestGone: Bool
    let fingerprint: String

    var fields: [(name: String, value: FieldValue)] {
        [
            ("rank", rank.map { .integer($0) } ?? .null), ("path", .text(picture.path)),
            ("similarity", .number(similarity)), ("nearest", .text(nearest.path)), ("gone", .truth(rank == nil)),
            ("nearest_gone", .truth(isNearestGone)), ("model", .text(fingerprint)),
            ("path_bytes", .nameBytes(picture.pathBytes)), ("nearest_bytes", .nameBytes(nearest.pathBytes)),
        ]
    }

    var text: String {
        "  \(decimal(Double(similarity), places: 3).rightAligned(to: 6))  \(displayed(picture.path))"
            + (rank == nil ? "  gone" : "")
            + "  (nearest: \(displayed(nearest.path))\(isNearestGone ? ", gone" : ""))\n"
    }
}
