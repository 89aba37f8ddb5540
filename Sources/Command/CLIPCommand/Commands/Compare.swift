import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Compare: Command {
    private static let results = ResultOptions.table
    private static let resamples = Option(
        "resamples", .integer("count", 40...100_000), default: 1000,
        help: "How often both sets are resampled for the interval, and divided for the chance. (default: 1000)")
    private static let seed = Option(
        "seed", .integer("number", 0...Int.max), default: 1, help: "What decides the resamples. (default: 1)")

    static let table = CommandTable(
        "compare",
        abstract: "Measure how far apart two folders of pictures are (CMMD).",
        discussion: [
            """
            One record: {"a", "b", "distance", "interval", "expected_by_chance", "chance", "a_count", "b_count", \
            "skipped", "model"}. distance is 1000 times the squared maximum mean discrepancy of the embeddings with a Gaussian \
            kernel of bandwidth 10 (CMMD; Jayasumana et al., 2024); interval is where 95 % of bootstrap resamples \
            lie; expected_by_chance is what random divisions of all the pictures are apart; chance is the share of \
            those at least this far apart (a permutation test).
            """,
            """
            Zero means that the model sees no difference. Distances of different models, or of sets of very different \
            sizes, can't be compared: published values are of ViT-L/14 at 336 pixels and thousands of pictures.
            """,
        ],
        positionals: [
            Positional("a", count: 1...1, isPath: true, help: "A folder of pictures."),
            Positional("b", count: 1...1, isPath: true, help: "Another one."),
        ],
        options: [resamples, seed], ModelChoice.options, [PictureChoice.batchSize], PictureChoice.options, results.all,
        examples: [
            .init("clip compare real generated --model b32.clip", "How far are generated pictures from real ones?")
        ])

    private let output: ResultChoice
    private let model: ModelChoice
    private let names: [String]
    private let folders: [PictureSources]
    private let pictures: PictureChoice
    private let resamples: Int
    private let seed: UInt64

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        model = ModelChoice(&arguments)
        names = arguments.texts
        let sources = PictureSources(&arguments)
        folders = arguments.positionals.map { sources.only($0) }
        pictures = PictureChoice(&arguments)
        resamples = arguments.take(Self.resamples)
        seed = UInt64(arguments.take(Self.seed))
    }

    func run(_ console: Console) throws {
        let model = try model.load(console)
        let results = try ResultStream(
            output, console, model: model.fingerprint,
            note: "  0 means that this model sees no difference; compare only values of one model", isSingle: true)
        var sets: [[Embedding]] = []
        var skipped = SkippedTally()
        for (folder, name) in zip(folders, names) {
            var embeddings: [Embedding] = []
            skipped.add(
                try PictureRun(folder, pictures, console).embedEach(with: model, to: results) { _, embedding in
                    embeddings.append(embedding)
                    console.progress?.advance()
                })
            console.progress?.clear()
            guard embeddings.count > 1 else {
                throw CLIPError(.storage, "\(name): \(embeddings.count) pictures that can be read, expected at least 2")
            }
            sets.append(embeddings)
        }
        console.progress = nil
        let distance = try PictureSetDistance(
            sets[0], sets[1], resamples: resamples, seed: seed, threads: model.threads)
        for (folder, count) in zip(names, [distance.counts.first, distance.counts.second])
        where count == PictureSetDistance.largestSet {
            console.warn("\(folder): at most \(count) pictures are compared, evenly spread")
        }
        try results.write(DistanceRecord(a: names[0], b: names[1], distance: distance, skipped: skipped.files))
        try results.finish()
    }
}

/// How far apart two folders are.
private struct DistanceRecord: Record {
    let a: String
    let b: String
    let distance: PictureSetDistance
    let skipped: [SkippedFiles]

    var fields: Fields {
        [
            "a": a, "b": b, "distance": distance.distance,
            "interval": [Float(distance.interval.lowerBound), Float(distance.interval.upperBound)],
            "expected_by_chance": distance.expectedByChance, "chance": distance.chance,
            "a_count": distance.counts.first, "b_count": distance.counts.second, "skipped": skipped,
        ]
    }

    var text: String {
        func number(_ value: Double) -> String { decimal(value, places: 3) }
        let interval = "\(number(distance.interval.lowerBound)) to \(number(distance.interval.upperBound))"
        return """
            \(displayed(a)) (\(distance.counts.first) pictures) and \(displayed(b)) (\(distance.counts.second))
              CMMD      \(number(distance.distance))   95 % interval \(interval)
              by chance \(number(distance.expectedByChance))   so far apart or farther in \(number(distance.chance)) of \
            random divisions

            """
    }
}
