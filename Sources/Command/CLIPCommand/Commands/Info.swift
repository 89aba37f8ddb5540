import CLIP
import CLIPOptions
import PictureCollections

struct Info: Command {
    private static let results = ResultOptions.records

    static let table = CommandTable(
        "info",
        abstract: "Say what a model is: its card, its shape, every setting and where it comes from.",
        discussion: [
            """
            Most wrong embeddings come from a silent default. Every setting that loading the model resolved is listed \
            with its source, a file's name, "default" or "inferred from shape", and a warning where it is risky.
            """
        ],
        positionals: [ModelChoice.positional],
        options: [ModelChoice.model], results.all,
        examples: [
            .init("clip info", "The embedded model."),
            .init("clip info models/clip-vit-base-patch32", "A model in a folder."),
        ])

    private let choice: ModelChoice
    private let output: ResultChoice

    init(_ arguments: inout Arguments) throws(UsageError) {
        choice = try ModelChoice(argument: &arguments)
        output = try ResultChoice(&arguments, Self.results)
    }

    func run(_ console: Console) throws {
        let results = try ResultStream(output, console, isSingle: true)
        try results.write(ModelRecord(model: try choice.load(nil)))
        try results.finish()
    }
}

/// Everything there is to say of a model.
private struct ModelRecord: Record {
    let model: CLIPModel

    private var vision: VisionConfiguration { model.info.configuration.vision }
    private var textEncoder: TextConfiguration { model.info.configuration.text }

    var fields: Fields {
        [
            "model": model.fingerprint, "path": model.info.path, "bytes": model.info.byteCount,
            "parameters": model.info.weightCount, "dtypes": model.info.weightTypes,
            "embedding_dimension": model.embeddingDimension, "logit_scale": model.logitScale,
            "licence": model.info.card?.license,
            "operations_per_picture": model.info.hasImageEncoder ? Int(model.operationsPerImage) : nil,
            "vision": model.info.hasImageEncoder ? visionFields : nil,
            "text": model.info.hasTextEncoder ? textFields : nil,
            "settings": model.info.settings.map {
                ["name": $0.name, "value": $0.value, "source": $0.source, "warning": $0.warning] as Fields
            },
            "card": model.info.card?.fields,
            "system_decoders": SystemDecoder.all().map { $0.fields },
        ]
    }

    private var visionFields: Fields {
        var fields: Fields = [
            "tower": vision.tower.name, "image_size": vision.imageSize, "patch_size": vision.patchSize,
            "tokens": vision.tokenCount,
            "parameters": model.info.imageWeightCount,
            "most_patches": model.info.preprocessing.patches?.count,
        ]
        fields += vision.transformer.fields
        return fields
    }

    private var textFields: Fields {
        var fields: Fields = [
            "context_length": textEncoder.contextLength, "vocabulary_size": textEncoder.vocabularySize,
            "parameters": model.info.textWeightCount,
        ]
        fields += textEncoder.transformer.fields
        return fields
    }

    var text: String {
        var text = "\(displayed(model.info.card?.name ?? model.info.path))\n"
        func line(_ name: String, _ value: String) { text += "  \(name.padded(to: 13)) \(displayed(value))\n" }
        line("path", model.info.path)
        line("fingerprint", model.fingerprint)
        line(
            "weights",
            "\(megabytes) MB, \(model.info.weightCount) numbers in \(model.info.weightTypes.joined(separator: ", "))")
        let scale = decimal(Double(model.logitScale), places: 2)
        line("embedding", "\(model.embeddingDimension) values, logit scale \(scale)")
        line(
            "image encoder",
            !model.info.hasImageEncoder
                ? "none: texts alone can be embedded"
                : (model.info.preprocessing.patches.map { "pictures of any shape, at most \($0.count) " }
                    ?? "\(vision.imageSize) pixels, ")
                    + (vision.tower.name.map {
                        "\($0) of \(vision.transformer.layerCount) blocks, \(vision.transformer.width) channels at the end; "
                            + TransformerConfiguration.count(model.info.imageWeightCount)
                    }
                        ?? "patches of \(vision.patchSize); "
                        + vision.transformer.summary(parameters: model.info.imageWeightCount)))
        line(
            "text encoder",
            !model.info.hasTextEncoder
                ? "none: pictures alone can be embedded"
                : "\(textEncoder.contextLength) tokens of \(textEncoder.vocabularySize); "
                    + textEncoder.transformer.summary(parameters: model.info.textWeightCount))
        if model.info.hasImageEncoder {
            let operations = decimal(model.operationsPerImage / 1e9, places: 2)
            line("work", "\(operations) billion floating-point operations a picture")
        }
        line("licence", model.info.card?.license ?? "not said: look at the model's origin before you use it")
        for decoder in SystemDecoder.all() { line(decoder.name, decoder.state) }
        return text + settings + (model.info.card?.text ?? "")
    }

    private var megabytes: String { decimal(Double(model.info.byteCount) / 1e6, places: 1) }

    private var settings: String {
        let settings = model.info.settings
        guard !settings.isEmpty else { return "" }
        let nameWidth = settings.map { columnCount($0.name) }.max() ?? 0
        let sourceColumn = nameWidth + 24
        var text = "\nSettings, and where each comes from\n"
        for setting in settings {
            var line = "  \(setting.name.padded(to: nameWidth))  \(displayed(setting.value))".padded(
                to: sourceColumn - 2)
            let source = displayed(setting.source)
            if columnCount(line) + 2 + columnCount(source) > HelpText.width {
                text += line + "\n"
                line = String(repeating: " ", count: sourceColumn - 2)
            }
            text += "\(line)  \(source)\n"
            if let warning = setting.warning {
                let lines = HelpText.wrapped("warning: " + displayed(warning), width: HelpText.width - 4)
                text += lines.map { "    \($0)\n" }.joined()
            }
        }
        return text
    }
}

extension SystemDecoder {
    fileprivate var fields: Fields {
        ["name": name, "available": isThere, "version": version, "formats": formats, "installation": installation]
    }

    fileprivate var state: String {
        guard isThere else { return "not there, its pictures are left out: \(installation ?? "")" }
        let what = formats.isEmpty ? "has no decoder" : "decodes " + formats.joined(separator: ", ")
        return [version, what].compactMap { $0 }.joined(separator: " ")
    }
}

extension ModelCard {
    fileprivate var fields: Fields {
        [
            "name": name, "version": version, "licence": license, "source": source, "training_data": trainingData,
            "intended_use": intendedUse, "limits": limits, "biases": biases, "source_sha256": sourceSHA256,
        ]
    }

    fileprivate var text: String {
        var text = ""
        func item(_ name: String, _ lines: [String]) {
            for (index, line) in lines.enumerated() {
                let wrapped = HelpText.wrapped(displayed(line), width: HelpText.width - 18)
                for (part, piece) in wrapped.enumerated() {
                    let label = (index == 0 && part == 0 ? name : "").padded(to: 13)
                    text += "  \(label) \(part == 0 ? "" : "  ")\(piece)\n"
                }
            }
        }
        for (name, value) in [("version", version), ("source", source)] {
            item(name, value.map { [$0] } ?? [])
        }
        item("trained on", trainingData)
        item("meant for", intendedUse)
        item("limits", limits)
        item("biases", biases)
        item("source hash", sourceSHA256.map { [$0] } ?? [])
        return text.isEmpty ? "" : "\nCard\n" + text
    }
}

extension TransformerConfiguration {
    fileprivate var fields: Fields {
        [
            "width": width, "intermediate_width": intermediateWidth, "layers": layerCount, "heads": headCount,
            "activation": activation.rawValue, "layer_norm_epsilon": layerNormEpsilon,
        ]
    }

    fileprivate func summary(parameters: Int) -> String {
        "\(layerCount) layers of \(width), \(headCount) heads; \(TransformerConfiguration.count(parameters))"
    }

    fileprivate static func count(_ parameters: Int) -> String {
        let (scale, unit) = parameters < 1_000_000 ? (1e3, "k") : (1e6, "M")
        return decimal(Double(parameters) / scale, places: 1) + " \(unit) weights"
    }
}
