import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Vectors: Command {
    private static let results = ResultOptions(.npy, .csv, .jsonl, .json, .pgcopy)

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
        options: [IndexChoice.index], results.all,
        examples: [
            .init("clip vectors --index photos -o photos.npy", "For NumPy."),
            .init(
                #"clip vectors --index photos --format pgcopy | psql -c "COPY pictures FROM STDIN""#,
                "Into a table pictures (path text, embedding vector(512), model text)."),
        ])

    private let output: ResultChoice
    private let path: PathBytes
    private let outputs: OutputFiles

    init(_ arguments: inout Arguments) throws(UsageError) {
        var output = try ResultChoice(&arguments, Self.results)
        output.format = output.format ?? .jsonl
        self.output = output
        path = IndexChoice.take(&arguments)
        outputs = arguments.outputs
    }

    func run(_ console: Console) throws {
        let index = try IndexChoice.open(path, outputs, console)
        try index.checkComplete()
        let results = try EmbeddingRecord.stream(
            output, console, dimension: index.dimension, model: index.fingerprint, modelPath: index.modelName)
        if console.showsProgress { console.progress = ProgressBar(total: index.count, unit: "pictures") }
        for number in index.pictureNumbers {
            console.progress?.refresh()
            try results.write(
                EmbeddingRecord(
                    input: RecordName(index.picture(number)), embedding: index.embedding(of: number)))
        }
        try results.finish()
    }
}
