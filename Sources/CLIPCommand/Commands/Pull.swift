import CLIP
import JSON

struct Pull: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json]
    private static let program = "clip-pull"
    private static let file = Option(
        "file", .text("name"), isRepeatable: true,
        help: "The weights to fetch, where a repository holds several models. (default: the ones that the model needs)")

    static let table = CommandTable(
        "pull",
        abstract: "Fetch a model from the Hugging Face hub into the cache that Python's tools share.",
        discussion: [
            """
            Fetches configuration, tokenizer, card and one set of weights, and nothing else of a repository. An interrupted \
            run is gone on with. Every file is checked against the hash that the hub announces. Prints {"name", "revision", \
            "commit", "path", "files", "bytes", "fetched"}.
            """,
            """
            HF_ENDPOINT names another hub, HF_TOKEN opens private and gated models, HF_HOME and HF_HUB_CACHE move the cache, \
            HF_HUB_OFFLINE=1 keeps off the network; http_proxy, https_proxy and no_proxy count. What is sent: the names of \
            the model and its files, the program's name and version, and the token, to the hub alone.
            """,
        ],
        positionals: [
            Positional(
                "model", count: 1...1,
                help: "org/name, org/name@revision, or a short name: see 'clip models --known'.")
        ],
        options: [file] + Option.outputOptions(formats),
        examples: [
            .init("clip pull openai/clip-vit-base-patch32", "By its name on the hub."),
            .init("clip pull ViT-B-32:laion2b_s34b_b79k", "By open_clip's name."),
        ])

    private let name: String
    private let files: [String]
    private let output: OutputOptions

    init(_ arguments: Arguments) throws(UsageError) {
        name = arguments.texts[0]
        files = arguments.all(Pull.file)
        output = try OutputOptions(arguments, formats: Pull.formats)
        for text in [name] + files where text.hasPrefix("-") || text.utf8.contains(0) {
            throw UsageError("'\(displayed(text))' is no name of a model or file.")
        }
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        guard let program = HelperProgram(named: Pull.program) else {
            console.fail(
                "\(Pull.program) is not beside this program, where fetching is done: build it with "
                    + "\"swift build -c release --product \(Pull.program)\" and put it there")
            return false
        }
        let results = try ResultStream(output, console: console, isSingle: true)
        if console.showsProgress { console.progress = ProgressBar() }
        var record: PulledRecord?
        var note: String?
        let status = try program.run([name] + files) { line in
            guard let event = try? JSONValue(parsing: line) else { return }
            if let error = event["error"]?.string { return console.fail(error) }
            if let done = event["bytes"]?.int, let total = event["of"]?.int {
                console.progress?.update(done: done, total: total, found: event["found"]?.int ?? 0)
            }
            let news = event["note"]?.string
            if let news, news != note { console.warn("\(name): \(news)") }
            note = news
            record = record ?? PulledRecord(event)
        }
        if let record, status == 0 {
            try results.write(record)
        } else if !console.hasFailed {
            console.fail("\(name): fetching was ended from outside: run this again, it goes on where it stopped")
        }
        try results.finish()
        return !console.hasFailed
    }
}

/// The model that is in the cache now.
private struct PulledRecord: Record {
    let name: String
    let revision: String
    let commit: String
    let path: String
    let fileCount: Int
    let byteCount: Int
    let fetchedByteCount: Int

    /// nil if `event` is about something else.
    init?(_ event: JSONValue) {
        guard let name = event["name"]?.string, let revision = event["revision"]?.string,
            let commit = event["commit"]?.string, let path = event["path"]?.string,
            let files = event["files"]?.int, let bytes = event["bytes"]?.int, let fetched = event["fetched"]?.int
        else { return nil }
        self.name = name
        self.revision = revision
        self.commit = commit
        self.path = path
        fileCount = files
        byteCount = bytes
        fetchedByteCount = fetched
    }

    var fields: [(name: String, value: FieldValue)] {
        [
            ("name", .text(name)), ("revision", .text(revision)), ("commit", .text(commit)), ("path", .text(path)),
            ("files", .integer(fileCount)), ("bytes", .integer(byteCount)), ("fetched", .integer(fetchedByteCount)),
        ]
    }

    var text: String {
        let isFolder = path.hasSuffix(commit)
        let model = isFolder ? name + (revision == "main" ? "" : "@\(revision)") : path
        let news = fetchedByteCount == 0 ? "nothing new" : "\(megabytes(Double(fetchedByteCount))) fetched"
        return """
            \(displayed(name))
              \(megabytes(Double(byteCount))) in \(fileCount) files, \(news)
              \(displayed(path))
              use it with --model \(displayed(model))

            """
    }
}
