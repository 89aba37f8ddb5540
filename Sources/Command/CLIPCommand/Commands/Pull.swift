import CLIP
import CLIPOptions
import CLIPSystem
import CLIPJSON
import PictureCollections

struct Pull: Command {
    private static let results = ResultOptions.records
    private static let program = "clip-pull"
    private static let file = Option(
        each: "file", .text("name"),
        help: "The weights to fetch, where a repository holds several models. (default: the ones that the model needs)")
    private static let verify = Option(
        "verify", help: "Read what the cache has already, compare its hashes too, and fetch again what is damaged.")

    static let table = CommandTable(
        "pull",
        abstract: "Fetch a model from the Hugging Face hub into the cache that Python's tools share.",
        discussion: [
            """
            Fetches configuration, tokenizer, card and one set of weights, and nothing else of a repository; what its \
            configuration says would not load is refused before the weights come. An interrupted run is gone on with. What is fetched is compared with the hash that the hub announces, before it gets its name; \
            what the cache has already is taken by its size, and read and compared with --verify. Prints {"name", \
            "revision", "commit", "path", "files", "bytes", "fetched", "verified"}.
            """,
            """
            HF_ENDPOINT names another hub, HF_TOKEN opens private and gated models, HF_HOME and HF_HUB_CACHE move the cache, \
            HF_HUB_OFFLINE=1 keeps off the network; http_proxy, https_proxy and no_proxy count. What is sent: the names of \
            the model and its files, the program's name and version, and the token, to the hub alone.
            """,
        ],
        positionals: [
            Positional(
                "model", count: 1...1, isModel: true,
                help: "org/name, org/name@revision, its address on the hub, or a short name: see 'clip models --known'."
            )
        ],
        options: [file, verify], results.all,
        examples: [
            .init("clip pull openai/clip-vit-base-patch32", "By its name on the hub."),
            .init("clip pull ViT-B-32:laion2b_s34b_b79k", "By open_clip's name."),
            .init("clip pull --verify openai/clip-vit-base-patch32", "Is the copy in the cache still what it was?"),
        ])

    private let name: String
    private let files: [String]
    private let verifies: Bool
    private let output: ResultChoice

    init(_ arguments: inout Arguments) throws(UsageError) {
        name = arguments.texts[0]
        files = arguments.take(Self.file)
        verifies = arguments.take(Self.verify)
        output = try ResultChoice(&arguments, Self.results)
        for text in [name] + files where text.hasPrefix("-") || text.utf8.contains(0) {
            throw UsageError("'\(displayed(text))' is no name of a model or file.")
        }
    }

    func run(_ console: Console) throws {
        guard let program = HelperProgram(named: Pull.program) else {
            return console.fail(
                "\(Pull.program) is not beside this program, where fetching is done: build it with "
                    + "\"swift build -c release --product \(Pull.program)\" and put it there")
        }
        let results = try ResultStream(output, console, isSingle: true)
        if console.showsProgress { console.progress = ProgressBar() }
        var record: PulledRecord?
        var note: String?
        let end = try program.run((verifies ? ["--verify"] : []) + [name] + files) { line in
            guard let event = try? JSONValue(parsing: line) else { return }
            if let error = event["error"]?.string {
                return console.fail(CLIPError(.storage, error, advice: Pull.advice(event)).shown)
            }
            if let done = event["bytes"]?.int, let total = event["of"]?.int {
                console.progress?.update(done: done, total: total, found: event["found"]?.int ?? 0)
            }
            let news = event["note"]?.string
            if let news, news != note { console.warn("\(name): \(news)") }
            note = news
            record = record ?? PulledRecord(event, isVerified: verifies)
        }
        if let record, end == .status(0) {
            try results.write(record)
        } else if !console.hasFailed {
            console.fail("\(name): \(Pull.reason(end))")
        }
        try results.finish()
    }
}

extension Pull {
    /// What the program that fetches advises.
    private static func advice(_ event: JSONValue) -> CLIPError.Advice? {
        if let files = event["files"]?.array { return .chooseFile(files.compactMap(\.string)) }
        if let words = event["fetch"]?.array?.compactMap(\.string), let name = words.first {
            return .fetch(name: name, revision: words.dropFirst().first)
        }
        return event["known"] == nil ? nil : .nameKnownModel
    }

    /// Why nothing came, when the program that fetches has not said so itself.
    private static func reason(_ end: HelperProgram.End) -> String {
        switch end {
        case .notLoaded:
            "\(program) can't be loaded, the line above says what it lacks: install that "
                + "(libcurl and libxml2, beside what the Swift runtime needs)"
        case .signal(let number) where HelperProgram.crashes.contains(number):
            "the server's answer could not be read: the system's networking can't take a header or body of it, and "
                + "\(program) was ended by signal \(number): check HF_ENDPOINT and the proxy settings"
        case .signal(let number):
            "fetching was ended by signal \(number): run this again, it goes on where it stopped"
        case .status(let status):
            "\(program) ended with status \(status) and said nothing: run this again, it goes on where it stopped"
        }
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
    let isVerified: Bool

    /// nil if `event` is about something else.
    init?(_ event: JSONValue, isVerified: Bool) {
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
        self.isVerified = isVerified
    }

    var fields: Fields {
        [
            "name": name, "revision": revision, "commit": commit, "path": path, "files": fileCount,
            "bytes": byteCount, "fetched": fetchedByteCount, "verified": isVerified,
        ]
    }

    var text: String {
        let isFolder = path.hasSuffix(commit)
        let model = isFolder ? name + (revision == "main" ? "" : "@\(revision)") : path
        let news =
            (fetchedByteCount == 0 ? "nothing new" : "\(megabytes(Double(fetchedByteCount))) fetched")
            + (isVerified ? ", every hash compared" : "")
        return """
            \(displayed(name))
              \(megabytes(Double(byteCount))) in \(fileCount) files, \(news)
              \(displayed(path))
              use it with --model \(displayed(model))

            """
    }
}
