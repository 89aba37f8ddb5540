import CLIP
import CLIPOptions
import PictureCollections
import PictureReports

struct Outliers: Command {
    private static let results = ResultOptions.listing
    private static let top = Option(
        "top", .integer("count", 1...1_000_000), default: 10, help: "How many to show. (default: 10)")
    private static let neighbors = Option(
        "neighbours", .integer("count", 1...1000), default: 5,
        help: "With how many nearest others each is compared. (default: 5)")

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
        positionals: [IndexSource.positional],
        options: [top, neighbors], IndexSource.options, results.all, PageChoice.options,
        examples: [.init("clip outliers photos --top 20", "What doesn't belong here?")])

    private let output: ResultChoice
    private let source: IndexSource
    private let page: PageChoice?
    private let top: Int
    private let neighbors: Int

    init(_ arguments: inout Arguments) throws(UsageError) {
        source = try IndexSource(&arguments, needsModel: false)
        page = try PageChoice(&arguments, threads: source.threads)
        top = arguments.take(Self.top)
        neighbors = arguments.take(Self.neighbors)
        output = try ResultChoice(&arguments, Self.results)
    }

    func run(_ console: Console) throws {
        let page = try page?.open(console)
        let index = try source.open(console).index
        // Those that are gone take no place of others: all are ranked.
        let all = try index.findOutliers(
            top: max(top, index.count), neighbors: neighbors, threads: source.threads,
            progress: console.counting("pictures"))
        console.endProgress()
        let gone = GoneFiles(index)
        let found = try gone.first(top, of: all) { $0.number }
        for outlier in found { _ = try gone.contains(outlier.nearest) }
        let results = try ResultStream(
            output, console, model: index.fingerprint,
            note: "mean cosines with the nearest others, of \(index.count) pictures\(gone.note)",
            columns: OutlierRecord.columns)
        if let page { try page.write(.outliers(found, of: index, gone: gone, file: page)) }
        var rank = 0
        for outlier in found {
            let isGone = try gone.contains(outlier.number)
            if !isGone { rank += 1 }
            try results.write(
                OutlierRecord(
                    rank: isGone ? nil : rank, picture: RecordName(index.picture(outlier.number)),
                    similarity: outlier.similarity, nearest: RecordName(index.picture(outlier.nearest)),
                    isNearestGone: gone.contains(outlier.nearest)))
        }
        try results.finish()
    }
}

/// A picture that is unlike the others.
private struct OutlierRecord: Record {
    /// Among those that are there; nil for one whose file is gone.
    let rank: Int?
    let picture: RecordName
    let similarity: Float
    let nearest: RecordName
    let isNearestGone: Bool

    static let columns = [
        "rank", "path", "similarity", "nearest", "gone", "nearest_gone", "model", "path_bytes", "nearest_bytes",
    ]

    var fields: Fields {
        [
            "rank": rank, "path": picture, "similarity": similarity, "nearest": nearest, "gone": rank == nil,
            "nearest_gone": isNearestGone,
        ]
    }

    var paths: [RecordName] { rank == nil ? [] : [picture] }

    var text: String {
        "  \(decimal(Double(similarity), places: 3).rightAligned(to: 6))  \(displayed(picture.text))"
            + (rank == nil ? "  gone" : "")
            + "  (nearest: \(displayed(nearest.text))\(isNearestGone ? ", gone" : ""))\n"
    }
}
