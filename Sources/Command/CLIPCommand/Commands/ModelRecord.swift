import CLIP

/// Everything there is to say of a model.
struct ModelRecord: Record {
    let model: CLIPModel

    private var vision: VisionConfiguration { model.configuration.vision }
    private var textEncoder: TextConfiguration { model.configuration.text }

    var fields: [(name: String, value: FieldValue)] {
        let settings = model.settings.map { setting in
            FieldValue.object([
                ("name", .text(setting.name)), ("value", .text(setting.value)), ("source", .text(setting.source)),
                ("warning", .optional(setting.warning)),
            ])
        }
        return [
            ("model", .text(model.fingerprint)), ("path", .text(model.path)),
            ("bytes", .integer(model.byteCount)),
            ("parameters", .integer(model.weightCount)), ("dtypes", .texts(model.weightTypes)),
            ("embedding_dimension", .integer(model.embeddingDimension)), ("logit_scale", .number(model.logitScale)),
            ("licence", .optional(model.card?.license)),
            (
                "operations_per_picture",
                model.hasImageEncoder ? .integer(Int(model.operationsPerImage)) : .null
            ),
            (
                "vision",
                !model.hasImageEncoder
                    ? .null
                    : .object(
                        [
                            ("image_size", .integer(vision.imageSize)), ("patch_size", .integer(vision.patchSize)),
                            ("tokens", .integer(vision.tokenCount)),
                            ("parameters", .integer(model.imageWeightCount)),
                        ] + vision.transformer.fields)
            ),
            (
                "text",
                !model.hasTextEncoder
                    ? .null
                    : .object(
                        [
                            ("context_length", .integer(textEncoder.contextLength)),
                            ("vocabulary_size", .integer(textEncoder.vocabularySize)),
                            ("parameters", .integer(model.textWeightCount)),
                        ] + textEncoder.transformer.fields)
            ),
            ("settings", .list(settings)), ("card", model.card.map { .object($0.fields) } ?? .null),
        ]
    }

    var text: String {
        var text = "\(displayed(model.card?.name ?? model.path))\n"
        func line(_ name: String, _ value: String) { text += "  \(name.padded(to: 13)) \(displayed(value))\n" }
        line("path", model.path)
        line("fingerprint", model.fingerprint)
        line("weights", "\(megabytes) MB, \(model.weightCount) numbers in \(model.weightTypes.joined(separator: ", "))")
        let scale = decimal(Double(model.logitScale), places: 2)
        line("embedding", "\(model.embeddingDimension) values, logit scale \(scale)")
        line(
            "image encoder",
            !model.hasImageEncoder
                ? "none: texts alone can be embedded"
                : "\(vision.imageSize) pixels, patches of \(vision.patchSize); "
                    + vision.transformer.summary(parameters: model.imageWeightCount))
        line(
            "text encoder",
            !model.hasTextEncoder
                ? "none: pictures alone can be embedded"
                : "\(textEncoder.contextLength) tokens of \(textEncoder.vocabularySize); "
                    + textEncoder.transformer.summary(parameters: model.textWeightCount))
        if model.hasImageEncoder {
            let operations = decimal(model.operationsPerImage / 1e9, places: 2)
            line("work", "\(operations) billion floating-point operations a picture")
        }
        line("licence", model.card?.license ?? "not said: look at the model's origin before you use it")
        return text + settings + (model.card?.text ?? "")
    }

    private var megabytes: String { decimal(Double(model.byteCount) / 1e6, places: 1) }

    private var settings: String {
        let settings = model.settings
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

extension ModelCard {
    fileprivate var fields: [(name: String, value: FieldValue)] {
        [
            ("name", .text(name)), ("version", .optional(version)), ("licence", .optional(license)),
            ("source", .optional(source)), ("training_data", .texts(trainingData)),
            ("intended_use", .texts(intendedUse)), ("limits", .texts(limits)), ("biases", .texts(biases)),
            ("source_sha256", .optional(sourceSHA256)),
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
    fileprivate var fields: [(name: String, value: FieldValue)] {
        [
            ("width", .integer(width)), ("intermediate_width", .integer(intermediateWidth)),
            ("layers", .integer(layerCount)), ("heads", .integer(headCount)),
            ("activation", .text(activation.rawValue)), ("layer_norm_epsilon", .number(layerNormEpsilon)),
        ]
    }

    fileprivate func summary(parameters: Int) -> String {
        let (scale, unit) = parameters < 1_000_000 ? (1e3, "k") : (1e6, "M")
        let count = decimal(Double(parameters) / scale, places: 1) + " \(unit) weights"
        return "\(layerCount) layers of \(width), \(headCount) heads; \(count)"
    }
}
