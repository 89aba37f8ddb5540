import CLIP
import CLIPOptions
import PictureCollections

struct EmbedImage: Command {
    private static let results = ResultOptions.vectors

    static let table = CommandTable(
        "embed-image",
        abstract: "Turn pictures into embeddings.",
        discussion: [
            """
            One record per picture, in the order given: {"input", "embedding", "model"}; "model" is the fingerprint of \
            the model: embeddings of different fingerprints must not be compared. npy is a float32 array [pictures, \
            dimension]; FILE.npy.json beside it names the picture of each row. A picture that can't be read is \
            reported and left out, the others go on, and the exit status is 1.
            """
        ],
        positionals: [IndexedPictures.positional],
        options: ModelChoice.options,
        [
            PictureChoice.batchSize, EmbeddingRecord.normalize, PictureSources.filesFrom, TextSources.nulSeparated,
            IndexedPictures.index,
        ],
        PictureChoice.options, results.all,
        examples: [
            .init("clip embed-image photo.jpg", "Look at an embedding."),
            .init("clip embed-image photos -o photos.npy --format npy", "All pictures of a folder, for NumPy."),
            .init(
                "find . -name '*.png' -print0 | clip embed-image --files-from - -0 > all.jsonl",
                "Whatever find finds, one JSON object a line."),
        ])

    private let output: ResultChoice
    private enum Pictures {
        case files(PictureSources, PictureChoice, ModelChoice, normalizes: Bool)
        case index(IndexedPictures)
    }

    private let pictures: Pictures

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        let sources = PictureSources(&arguments)
        if let indexed = try IndexedPictures(&arguments, sources) {
            pictures = .index(indexed)
        } else {
            pictures = .files(
                sources, PictureChoice(&arguments), ModelChoice(&arguments),
                normalizes: arguments.take(EmbeddingRecord.normalize))
        }
    }

    func run(_ console: Console) throws {
        switch pictures {
        case .files(let sources, let choice, let model, let normalizes):
            let model = try model.load(console)
            let results = try EmbeddingRecord.stream(output, console, of: model)
            try PictureRun(sources, choice, console).embedEach(with: model, to: results, normalize: normalizes) {
                name, embedding in
                try results.write(EmbeddingRecord(input: name, embedding: embedding))
            }
            try results.finish()
        case .index(let indexed):
            let index = try indexed.open(console)
            let results = try EmbeddingRecord.stream(
                output, console, dimension: index.dimension, model: index.fingerprint, modelPath: index.modelName)
            try indexed.forEach(in: index, console) { name, embedding in
                try results.write(EmbeddingRecord(input: name, embedding: embedding))
            }
            try results.finish()
        }
    }
}

/// The embedding of a picture or a text.
struct EmbeddingRecord: Record {
    static let normalize = Option(
        "normalize", off: "no-normalize", default: true,
        help: "Scale embeddings to length 1. (default: --normalize)")

    let input: RecordName
    let embedding: Embedding

    static func stream(_ output: ResultChoice, _ console: Console, of model: CLIPModel) throws -> ResultStream {
        try stream(
            output, console, dimension: model.embeddingDimension, model: model.fingerprint, modelPath: model.info.path)
    }

    /// A stream of embeddings; the file beside an array says of which model.
    static func stream(
        _ output: ResultChoice, _ console: Console, dimension: Int, model: String, modelPath: String
    ) throws -> ResultStream {
        try ResultStream(
            output, console, model: model, note: "--format jsonl shows all values",
            columns: ["input"] + (0..<dimension).map { "e\($0)" } + ["model", "input_bytes"],
            row: ([dimension], ["model": model, "model_path": modelPath]))
    }

    var fields: Fields { ["input": input, "embedding": embedding.values] }

    /// A column per value.
    var rows: [Fields] {
        var row: Fields = ["input": input]
        for (place, value) in embedding.values.enumerated() { row.add("e\(place)", value) }
        return [row]
    }

    var text: String {
        let first = embedding.values.prefix(5).map { decimal(Double($0), places: 4).rightAligned(to: 7) }
        let rest = embedding.values.count > 5 ? " …" : ""
        let length = decimal(Double(embedding.length), places: 4)
        return "\(displayed(input.text))\n  \(first.joined(separator: " "))\(rest)"
            + "  \(embedding.values.count) values, length \(length)\n"
    }

    var vectors: (name: RecordName, values: [Float])? { (input, embedding.values) }
}
