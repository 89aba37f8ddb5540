import CLIP
import CLIPSystem
import PictureCollections

struct Vectors: Command {
    private static let formats: [OutputFormat] = [.npy, .csv, .jsonl, .json, .pgcopy]

    static let table = CommandTable(
        "vectors",
        abstract: "Write the embeddings of an index for other programs.",
        discussion: [
            """
            npy is a float32 array [pictures, dimension] for NumPy, FAISS or hnswlib; FILE.npy.json beside it names the \
            picture of each row. csv and jsonl are as "clip embed-image" writes them. pgcopy is text for PostgreSQL's \
            COPY with three columns: path text, embedding vector (pgvector), model text.
            """
        ],
        positionals: [],
        options: [.index] + Option.outputOptions(formats),
        examples: [
            .init("clip vectors --index photos -o photos.npy", "For NumPy."),
            .init(
                #"clip vectors --index photos --format pgcopy | psql -c "COPY pictures FROM STDIN""#,
                "Into a table pictures (path text, embedding vector(512), model text)."),
        ])

    private let output: OutputOptions
    private let path: PathBytes
    private let outputs: OutputFiles

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: Vectors.formats)
        path = IndexChoice.path(arguments.text(.index).map { PathBytes($0) })
        outputs = arguments.outputs
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let index = try IndexChoice.open(path, outputs, console)
        try index.checkComplete()
        let options = OutputOptions(format: output.format ?? .jsonl, path: output.path, isQuiet: output.isQuiet)
        let results = try ResultStream(
            options, console: console,
            row: ([index.dimension], [("model", .text(index.fingerprint)), ("model_path", .text(index.modelName))]))
        if console.showsProgress { console.progress = ProgressBar(total: index.count, unit: "pictures") }
        for number in index.pictureNumbers {
            console.progress?.refresh()
            let picture = try index.picture(number)
            try results.write(
                EmbeddingRecord(
                    input: RecordName(bytes: picture.pathBytes), embedding: index.embedding(of: number),
                    fingerprint: index.fingerprint))
        }
        try results.finish()
        return !console.hasFailed
    }
}
