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

    private static let indexes = Option(
        each: "index", .file("file"),
        help: """
            Take embeddings from an index, or from that of a folder, and read no picture: given once, the folders are in \
            it; given twice without folders, all that one has is compared with all that the other has.
            """)

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
            Positional("a", count: 1...1, unless: [indexes], isPath: true, help: "A folder of pictures."),
            Positional("b", count: 1...1, unless: [indexes], isPath: true, help: "Another one."),
        ],
        options: [resamples, seed, indexes], ModelChoice.options, [PictureChoice.batchSize], PictureChoice.options,
        results.all,
        examples: [
            .init("clip compare real generated --model b32.clip", "How far are generated pictures from real ones?"),
            .init("clip compare photos/2023 photos/2024 --index photos", "Two folders of one index, read no more."),
        ])

    private let output: ResultChoice
    private enum Pictures {
        case files([PictureSources], PictureChoice, ModelChoice)
        case indexes([IndexedPictures], threads: Int?)
    }

    private let names: [String]
    private let pictures: Pictures
    private let resamples: Int
    private let seed: UInt64

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        let sources = PictureSources(&arguments)
        let folders = arguments.positionals.map { sources.only($0) }
        let indexes = arguments.take(Self.indexes)
        switch (indexes.count, folders.count) {
        case (0, _):
            names = arguments.texts
            pictures = .files(folders, PictureChoice(&arguments), ModelChoice(&arguments))
        case (1, 2):
            names = arguments.texts
            var indexed: [IndexedPictures] = []
            for folder in folders { indexed.append(try IndexedPictures(indexes[0], folder, &arguments)) }
            pictures = .indexes(indexed, threads: arguments.take(ModelChoice.threads))
        case (2, 0):
            names = indexes
            var indexed: [IndexedPictures] = []
            for index in indexes { indexed.append(try IndexedPictures(index, sources, &arguments)) }
            pictures = .indexes(indexed, threads: arguments.take(ModelChoice.threads))
        default:
            throw UsageError(
                "Expected one '--index <file>' and two folders in it, or two '--index <file>' and no folder.")
        }
        resamples = arguments.take(Self.resamples)
        seed = UInt64(arguments.take(Self.seed))
    }

    func run(_ console: Console) throws {
        let note = "  0 means that this model sees no difference; compare only values of one model"
        let results: ResultStream
        var sets: [[Embedding]] = []
        var skipped = SkippedTally()
        let threads: Int?
        switch pictures {
        case .files(let folders, let choice, let model):
            let model = try model.load(console)
            threads = model.threads
            results = try ResultStream(output, console, model: model.fingerprint, note: note, isSingle: true)
            for (folder, name) in zip(folders, names) {
                var embeddings: [Embedding] = []
                skipped.add(
                    try PictureRun(folder, choice, console).embedEach(with: model, to: results) { _, embedding in
                        embeddings.append(embedding)
                        console.progress?.advance()
                    })
                console.progress?.clear()
                try check(embeddings, name)
                sets.append(embeddings)
            }
            console.progress = nil
        case .indexes(let indexed, let count):
            threads = count
            let indexes = try indexed.map { try $0.open(console) }
            guard indexes[0].fingerprint == indexes[1].fingerprint else {
                throw CLIPError(
                    .index, path: indexes[1].url.path,
                    "is of model \(indexes[1].modelName), \(indexes[0].url.path) of \(indexes[0].modelName): index both with one"
                )
            }
            results = try ResultStream(output, console, model: indexes[0].fingerprint, note: note, isSingle: true)
            for ((pictures, index), name) in zip(zip(indexed, indexes), names) {
                var embeddings: [Embedding] = []
                try pictures.forEach(in: index, console) { embeddings.append($1) }
                try check(embeddings, name)
                sets.append(embeddings)
            }
        }
        let distance = try PictureSetDistance(sets[0], sets[1], resamples: resamples, seed: seed, threads: threads)
        for (folder, count) in zip(names, [distance.counts.first, distance.counts.second])
        where count == PictureSetDistance.largestSet {
            console.warn("\(folder): at most \(count) pictures are compared, evenly spread")
        }
        try results.write(DistanceRecord(a: names[0], b: names[1], distance: distance, skipped: skipped.files))
        try results.finish()
    }

    private func check(_ embeddings: [Embedding], _ name: String) throws(CLIPError) {
        guard embeddings.count > 1 else {
            throw CLIPError(.storage, "\(name): \(embeddings.count) pictures that can be read, expected at least 2")
        }
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
