import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct EmbedText: Command {
    private static let results = ResultOptions.vectors

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
        positionals: [TextSources.positional],
        options: ModelChoice.options,
        [
            PictureChoice.batchSize, EmbeddingRecord.normalize, TextSources.file, TextSources.nulSeparated,
            TextChoice.longText, ModelChoice.language,
        ], results.all,
        examples: [
            .init(#"clip embed-text "a photo of a dog" "a photo of a cat""#, "Look at two embeddings."),
            .init("clip embed-text --file captions.txt --format npy -o captions.npy", "A text a line, for NumPy."),
        ])

    private let output: ResultChoice
    private let model: ModelChoice
    private let texts: TextChoice
    private let normalizes: Bool

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        model = ModelChoice(&arguments)
        texts = TextChoice(&arguments)
        normalizes = arguments.take(EmbeddingRecord.normalize)
    }

    func run(_ console: Console) throws {
        let model = try model.load(console)
        model.beginTokenizer()
        let results = try EmbeddingRecord.stream(output, console, of: model)
        var batches = try TextBatches(texts, console: console, results: results)
        try batches.forEach(of: model) { batch throws(CLIPError) in
            try model.embeddingResults(of: batch, longText: texts.longText, normalize: normalizes)
        } _: { text, embedding in
            try results.write(EmbeddingRecord(input: RecordName(text), embedding: embedding))
        }
        try results.finish()
    }
}
