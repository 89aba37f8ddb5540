import CLIP

struct EmbedText: Command {
    private static let formats = OutputFormat.allCases

    static let table = CommandTable(
        "embed-text",
        abstract: "Turn texts into embeddings.",
        discussion: [
            """
            One record per text, in the order given: {"input", "embedding", "model"}, in the same space as the \
            embeddings of pictures. npy is a float32 array [texts, dimension]; FILE.npy.json beside it names the text \
            of each row.
            """
        ],
        positionals: [.texts],
        options: Option.modelOptions + [.batchSize, .normalize, .textsFrom, .nulSeparated, .longText]
            + Option.outputOptions(formats),
        examples: [
            .init(#"clip embed-text "a photo of a dog" "a photo of a cat""#, "Look at two embeddings."),
            .init("clip embed-text --file captions.txt --format npy -o captions.npy", "A text a line, for NumPy."),
        ])

    private let output: OutputOptions
    private let model: ModelChoice
    private let texts: TextChoice
    private let normalizes: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: EmbedText.formats)
        model = ModelChoice(arguments)
        texts = TextChoice(arguments)
        normalizes = arguments.flag(.normalize, default: true)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let model = try model.load(console)
        let results = try ResultStream(
            output, console: console, note: EmbeddingRecord.note, row: EmbeddingRecord.row(of: model))
        var batches = try TextBatches(texts, console: console, results: results)
        try batches.forEach(of: model) { batch throws(CLIPError) in
            try model.embed(batch, longText: texts.longText, normalize: normalizes)
        } _: { text, embedding in
            try results.write(
                EmbeddingRecord(input: RecordName(text), embedding: embedding, fingerprint: model.fingerprint))
        }
        try results.finish()
        return !console.hasFailed
    }
}
