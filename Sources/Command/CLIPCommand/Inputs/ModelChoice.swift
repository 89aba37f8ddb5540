import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// The model that a command line asks for.
struct ModelChoice {
    private let name: String?
    private let language: String?
    let threads: Int?
    private let outputs: OutputFiles

    static let model = Option(
        "model", .model,
        help: """
            A .clip file, a Hugging Face folder, a .safetensors file beside its config.json, org/name in the hub's \
            cache, or a short name that 'clip models --known' lists; embedded is the small model that ships with \
            clip. (default: $CLIP_MODEL, else the model of the index, else the embedded one)
            """)
    static let threads = Option(
        "threads", .integer("count", 1...1024),
        help: "How many threads compute. (default: $CLIP_THREADS, else the cores that this process may use)")
    static let language = Option(
        "language", .text("code"),
        help: """
            The language of the texts, for models that are told it, as NLLB's: deu_Latn, zho_Hans. (default: the one that \
            the model's tokenizer_config.json names, mostly eng_Latn)
            """)
    static let options: [any AnyOption] = [model, threads]
    static let positional = Positional(
        "model", count: 0...1, isPath: true, isModel: true, help: "The model, as for --model.")

    init(_ arguments: inout Arguments) {
        self.init(&arguments, name: arguments.take(ModelChoice.model))
    }

    /// For commands that take the model as their argument, with or without `--model`.
    init(argument arguments: inout Arguments) throws(UsageError) {
        let named = arguments.take(ModelChoice.model)
        guard named == nil || arguments.texts.isEmpty else {
            throw UsageError("The model is named twice, as <model> and with --model.")
        }
        self.init(&arguments, name: arguments.texts.first ?? named)
    }

    private init(_ arguments: inout Arguments, name: String?) {
        self.name = name ?? ModelChoice.variable
        threads = arguments.take(ModelChoice.threads)
        language = arguments.take(ModelChoice.language)
        outputs = arguments.outputs
    }

    /// Whether somebody has chosen a model, here or by `CLIP_MODEL`.
    var isNamed: Bool { name != nil }

    /// The model called `name`; `embedded` is the embedded one, unless a file or folder is called so.
    static func model(named name: String, threads: Int?) throws(CLIPError) -> CLIPModel {
        if name == "embedded", PathBytes(name).isAbsent { return try .embedded(threads: threads) }
        return try CLIPModel(named: name, threads: threads)
    }

    /// Loads it: what was named, else `CLIP_MODEL`, else the embedded one.
    /// - Parameters:
    ///   - console: is told what is to be said of the model; nil where it is only shown.
    ///   - answers: whether what it computes is shown as results.
    func load(_ console: Console?, answers: Bool = true) throws -> CLIPModel {
        guard let name else {
            let model = try reading(CLIPModel.embedded(threads: threads))
            if answers { console?.noteDemonstration() }
            return model
        }
        return try checked(reading(ModelChoice.model(named: name, threads: threads)), console)
    }

    /// Loads the model of an index: the one that is named, else the one that made the index.
    /// - Throws: when it is not the model that made the index, or that one is gone.
    func load(of index: PictureIndex, _ console: Console, answers: Bool = true) throws -> CLIPModel {
        guard name == nil else {
            let model = try load(nil)
            try index.check(model)
            return model
        }
        let model = try reading(index.model(threads: threads))
        if answers, model.isEmbedded { console.noteDemonstration() }
        return try checked(model, console)
    }

    /// Loads the model that brings the index at `path` up to date: the one that is named, else the one that made it,
    /// else, where no index can be read yet, the embedded one.
    func load(updating path: PathBytes, _ console: Console, answers: Bool) throws -> CLIPModel {
        guard name == nil, path.kind == .file, let index = try? PictureIndex(path: path) else {
            return try load(console, answers: answers)
        }
        return try load(of: index, console, answers: answers)
    }

    private func reading(_ model: CLIPModel) throws(CLIPError) -> CLIPModel {
        guard let language else { return model }
        return try model.reading(language)
    }

    /// - Parameter console: is told which of the model's files counts where two contradict each other.
    private func checked(_ model: CLIPModel, _ console: Console?) throws -> CLIPModel {
        try outputs.check(model: model.info.path)
        for setting in model.info.contradictions {
            if let warning = setting.warning {
                console?.warn("\(model.info.path): \(setting.value) counts: \(warning)")
            }
        }
        return model
    }

    private static var variable: String? {
        environmentVariable("CLIP_MODEL").flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Console {
    /// Warns of what about a model's settings is risky.
    func warn(of model: CLIPModel) {
        for setting in model.info.settings {
            if let warning = setting.warning { warn("\(model.info.path): \(setting.name): \(warning)") }
        }
    }

    /// Said with the results of the embedded model when nobody has asked for it.
    func noteDemonstration() {
        noteWithResults(
            "answered by the small demonstration model, which knows everyday things roughly: \"clip help pull\" says how to "
                + "fetch a real one")
    }
}
