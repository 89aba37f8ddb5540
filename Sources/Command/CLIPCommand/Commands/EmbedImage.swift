import CLIP

struct EmbedImage: Command {
    private static let formats = OutputFormat.allCases

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
        positionals: [.pictures],
        options: Option.modelOptions + [.batchSize, .normalize, .filesFrom, .nulSeparated] + Option.pictureOptions
            + Option.outputOptions(formats),
        examples: [
            .init("clip embed-image photo.jpg", "Look at an embedding."),
            .init("clip embed-image photos -o photos.npy --format npy", "All pictures of a folder, for NumPy."),
            .init(
                "find . -name '*.png' -print0 | clip embed-image --files-from - -0 > all.jsonl",
                "Whatever find finds, one JSON object a line."),
        ])

    private let output: OutputOptions
    private let model: ModelChoice
    private let sources: PictureSources
    private let pictures: PictureChoice
    private let normalizes: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: EmbedImage.formats)
        model = ModelChoice(arguments)
        sources = PictureSources(arguments)
        pictures = PictureChoice(arguments)
        normalizes = arguments.flag(.normalize, default: true)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let model = try model.load(console)
        let results = try ResultStream(
            output, console: console, note: EmbeddingRecord.note, row: EmbeddingRecord.row(of: model))
        try PictureRun(sources, pictures, console: console).embedEach(with: model, to: results, normalize: normalizes) {
            name, embedding in
            try results.write(EmbeddingRecord(input: name, embedding: embedding, fingerprint: model.fingerprint))
        }
        try results.finish()
        return !console.hasFailed
    }
}
