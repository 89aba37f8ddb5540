import CLIP

struct Info: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json]

    static let table = CommandTable(
        "info",
        abstract: "Say what a model is: its card, its shape, every setting and where it comes from.",
        discussion: [
            """
            Most wrong embeddings come from a silent default. Every setting that loading the model resolved is listed \
            with its source, a file's name, "default" or "inferred from shape", and a warning where it is risky.
            """
        ],
        positionals: [.optionalModel],
        options: [.model] + Option.outputOptions(formats),
        examples: [
            .init("clip info", "The embedded model."),
            .init("clip info models/clip-vit-base-patch32", "A model in a folder."),
        ])

    private let choice: ModelChoice
    private let output: OutputOptions

    init(_ arguments: Arguments) throws(UsageError) {
        choice = try ModelChoice(argument: arguments)
        output = try OutputOptions(arguments, formats: Info.formats)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let results = try ResultStream(output, console: console, isSingle: true)
        try results.write(ModelRecord(model: try choice.load(nil)))
        try results.finish()
        return !console.hasFailed
    }
}
