#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import CLIP
import PictureCollections

/// The model that a command line asks for.
struct ModelChoice {
    private let name: String?
    private let threads: Int?
    private let outputs: OutputFiles

    init(_ arguments: Arguments) {
        self.init(arguments, name: arguments.text(.model))
    }

    /// For commands that take the model as their argument, with or without `--model`.
    init(argument arguments: Arguments) throws(UsageError) {
        guard let argument = arguments.texts.first else {
            self.init(arguments)
            return
        }
        guard !arguments.has(.model) else {
            throw UsageError("The model is named twice, as <model> and with --model.")
        }
        self.init(arguments, name: argument)
    }

    private init(_ arguments: Arguments, name: String?) {
        self.name = name ?? ModelChoice.variable
        threads = arguments.integer(.threads)
        outputs = arguments.outputs
    }

    /// Whether somebody has chosen a model, here or by `CLIP_MODEL`.
    var isNamed: Bool { name != nil }

    /// Loads it: what was named, else `CLIP_MODEL`, else the embedded one.
    /// - Parameter console: is told what is to be said of the model that answers; nil where it is only shown.
    func load(_ console: Console?) throws -> CLIPModel {
        guard let name else {
            let model = try CLIPModel.embedded(threads: threads)
            console?.noteDemonstration()
            return model
        }
        return try checked(CLIPModel(named: name, threads: threads), console)
    }

    /// Loads the model of an index: the one that is named, else the one that made the index if it is still where it was,
    /// else the embedded one.
    /// - Throws: when it is not the model that made the index.
    func load(of index: PictureIndex, _ console: Console) throws -> CLIPModel {
        if name == nil, let model = try? CLIPModel(named: index.modelName, threads: threads),
            model.fingerprint == index.fingerprint
        {
            if model.isEmbedded { console.noteDemonstration() }
            return try checked(model, console)
        }
        let model = try load(nil)
        try index.check(model)
        if name == nil { console.noteDemonstration() }
        return model
    }

    /// - Parameter console: is told which of the model's files counts where two contradict each other.
    private func checked(_ model: CLIPModel, _ console: Console?) throws -> CLIPModel {
        try outputs.check(model: model.path)
        for setting in model.contradictions {
            if let warning = setting.warning { console?.warn("\(model.path): \(setting.value) counts: \(warning)") }
        }
        return model
    }

    private static var variable: String? {
        getenv("CLIP_MODEL").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension Console {
    /// Said whenever the embedded model answers and nobody has asked for it.
    func noteDemonstration() {
        note(
            "the embedded model answers, a small one for demonstration that has seen drawings alone: fetch a real one with "
                + "\"clip pull openai/clip-vit-base-patch32\" and name it with --model")
    }
}
