import CLIP

struct Similarity: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]

    static let table = CommandTable(
        "similarity",
        abstract: "Compare a picture or a text with others.",
        discussion: [
            """
            The first is compared with each of the others: {"a", "b", "similarity", "model"}, where similarity is the \
            cosine of their embeddings, from -1 to 1. Each is a picture if such a file exists (or - for standard \
            input), else a text; image: or text: in front settles doubt.
            """
        ],
        positionals: [
            Positional(
                "a", count: 1...1, isPath: true, pathPrefix: Comparand.picturePrefix, help: "A picture or a text."),
            Positional(
                "b", count: 1...Int.max, isPath: true, pathPrefix: Comparand.picturePrefix,
                help: "Pictures or texts to compare it with."),
        ],
        options: Option.modelOptions + [.longText] + Option.pictureOptions + Option.outputOptions(formats),
        examples: [
            .init(#"clip similarity photo.jpg "a dog" "a cat""#, "Which text is nearer to the picture?"),
            .init("clip similarity photo.jpg *.png", "Which picture is nearest to this one?"),
            .init("clip similarity text:dog image:dog", "The word dog, and the picture in the file dog."),
        ])

    private let output: OutputOptions
    private let model: ModelChoice
    private let things: [Comparand]
    private let pictures: PictureChoice
    private let longText: LongText

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: Similarity.formats)
        model = ModelChoice(arguments)
        things = arguments.positionals.map(Comparand.init)
        if !things.contains(where: \.isPicture) {
            try arguments.refuse(Option.pictureOptions, "where nothing is a picture")
        }
        if !things.contains(where: \.isText) { try arguments.refuse([.longText], "where nothing is a text") }
        pictures = PictureChoice(arguments)
        longText = arguments.longText
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let model = try model.load(console)
        let pictures = pictures.options(for: model)
        let first: Embedding
        do throws(CLIPError) {
            first = try things[0].embedding(by: model, pictures: pictures, longText: longText, console)
        } catch {
            throw InputError(described(error, name: things[0].name))
        }
        let kinds = things.count { $0.isText }
        let note = "cosines from -1 to 1; a picture and a text usually score lower than two of a kind"
        let results = try ResultStream(
            output, console: console, heading: displayed(things[0].name),
            note: kinds > 0 && kinds < things.count ? note : "cosines from -1 to 1")
        if console.showsProgress { console.progress = ProgressBar(total: things.count - 1, unit: "comparisons") }
        for thing in things.dropFirst() {
            console.progress?.refresh()
            do {
                let similarity = try first.similarity(
                    to: thing.embedding(by: model, pictures: pictures, longText: longText, console))
                try results.write(
                    SimilarityRecord(
                        a: things[0].recordName, b: thing.recordName, similarity: similarity,
                        fingerprint: model.fingerprint))
            } catch let error as CLIPError where error.kind != .model {
                try results.fail(thing.recordName, described(error, name: thing.name))
            }
        }
        try results.finish()
        return !console.hasFailed
    }
}

/// A cosine.
private struct SimilarityRecord: Record {
    let a: RecordName
    let b: RecordName
    let similarity: Float
    let fingerprint: String

    var fields: [(name: String, value: FieldValue)] {
        [
            ("a", .text(a.text)), ("b", .text(b.text)), ("similarity", .number(similarity)),
            ("model", .text(fingerprint)), ("a_bytes", .nameBytes(a.bytes)), ("b_bytes", .nameBytes(b.bytes)),
        ]
    }

    var text: String { "  \(decimal(Double(similarity), places: 3).rightAligned(to: 6))  \(displayed(b.text))\n" }
}
