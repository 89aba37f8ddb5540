internal import CLIPJSON
internal import CLIPWeights

/// What a person must know of a model before trusting its scores. It travels inside the weights file.
public struct ModelCard: Sendable, Equatable {
    /// The model's name.
    public var name: String
    /// The version of the model's weights.
    public var version: String?
    /// The licence of the weights, as an SPDX expression where there is one.
    public var license: String?
    /// Where the model's weights come from.
    public var source: String?
    /// What the model was trained on.
    public var trainingData: [String] = []
    /// What the model is meant for.
    public var intendedUse: [String] = []
    /// What the model can't do.
    public var limits: [String] = []
    /// Skews of the model that were measured or are known.
    public var biases: [String] = []
    /// SHA-256 of the weights that this file was packed from.
    public var sourceSHA256: String?

    /// A card that says no more than the name.
    public init(name: String) { self.name = name }
}

/// One setting that loading a model resolved: most wrong embeddings come from a silent default.
public struct ModelSetting: Sendable, Equatable {
    /// What is set, e.g. `text activation`.
    public let name: String
    /// The value that the setting has.
    public let value: String
    /// Where the value came from: a file's name, `default`, or `inferred from shape`.
    public let source: String
    /// What may be wrong about the setting; nil when nothing is.
    public let warning: String?

    /// A resolved setting.
    public init(name: String, value: String, source: String, warning: String? = nil) {
        self.name = name
        self.value = value
        self.source = source
        self.warning = warning
    }
}

extension ModelCard {
    /// The card of a model folder: its model_card.json, else what its name and README say.
    /// - Parameter name: what the configuration calls the model.
    init(folder: ModelFolder, name: String?) throws(CLIPError) {
        let hub = folder.snapshot
        let fallback = hub?.repository ?? name.flatMap { $0.isEmpty ? nil : $0 } ?? ModelCard.lastName(of: folder.path)
        if let json = try folder.readText("model_card.json") {
            try self.init(json: json, path: folder.path(of: "model_card.json"), name: fallback)
            return
        }
        self.init(name: fallback)
        version = hub?.commit
        source = hub.map { "https://huggingface.co/\($0.repository)" }
        if try folder.contains("README.md"), let readme = try folder.readText("README.md") {
            license = ModelCard.license(inReadme: String(decoding: readme, as: UTF8.self))
        }
    }

    private static func lastName(of path: String) -> String {
        String(path.split(separator: "/").last { $0 != "." && $0 != ".." } ?? "unnamed")
    }
}

extension ModelCard {
    /// A card from `model_card.json`, or from a `.clip` file's metadata. Lists may be written as single strings.
    /// - Throws: `CLIPError` when it is not a JSON object or a field is of another kind.
    init(json: [UInt8], path: String, name: String) throws(CLIPError) {
        let fields = try jsonObject(json, path: path)
        func strings(_ keys: String...) throws(CLIPError) -> [String] {
            guard let key = keys.first(where: { fields[$0] != nil }), let value = fields[key], !value.isNull else {
                return []
            }
            let texts = value.array ?? [value]
            guard texts.allSatisfy({ $0.string != nil }) else {
                throw CLIPError(
                    .model, path: path, "\"\(key)\" holds \(value.kindName), expected a text or a list of texts")
            }
            return texts.compactMap(\.string)
        }
        self.init(name: try strings("name").first ?? name)
        version = try strings("version").first
        license = try strings("licence", "license").first
        source = try strings("source").first
        trainingData = try strings("training_data")
        intendedUse = try strings("intended_use")
        limits = try strings("limits")
        biases = try strings("biases")
        sourceSHA256 = try strings("source_sha256").first
    }

    /// The card as a JSON object; what it doesn't say is left out.
    var json: String {
        let texts = [
            ("name", name), ("version", version), ("licence", license), ("source", source),
            ("source_sha256", sourceSHA256),
        ]
        let lists = [
            ("training_data", trainingData), ("intended_use", intendedUse), ("limits", limits), ("biases", biases),
        ]
        let fields =
            texts.compactMap { key, text in text.map { "\"\(key)\":\(jsonString($0))" } }
            + lists.filter { !$0.1.isEmpty }.map { key, texts in
                "\"\(key)\":[\(texts.map(jsonString).joined(separator: ","))]"
            }
        return "{\(fields.joined(separator: ","))}"
    }

    /// The `license` of the front matter that the hub's READMEs begin with; nil when it says none or `other`.
    static func license(inReadme text: String) -> String? {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).makeIterator()
        guard lines.next() == "---" else { return nil }
        while let line = lines.next(), line != "---" {
            guard line.hasPrefix("license:") else { continue }
            let value = line.dropFirst("license:".count).filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
            return value.isEmpty || value == "other" || value.hasPrefix("[") ? nil : value
        }
        return nil
    }
}

extension ModelSetting {
    /// Settings as a JSON list, for a `.clip` file's metadata: what was a default when it was packed stays one.
    static func json(_ settings: [ModelSetting]) -> String {
        let entries = settings.map { setting in
            let warning = setting.warning.map { ",\"warning\":\(jsonString($0))" } ?? ""
            return "{\"name\":\(jsonString(setting.name)),\"value\":\(jsonString(setting.value)),"
                + "\"source\":\(jsonString(setting.source))\(warning)}"
        }
        return "[\(entries.joined(separator: ","))]"
    }

    /// Settings from a `.clip` file's metadata; nil when the text is not such a list.
    static func list(json: [UInt8]) -> [ModelSetting]? {
        guard let entries = (try? JSONValue(parsing: json))?.array else { return nil }
        let settings = entries.compactMap { entry -> ModelSetting? in
            guard let name = entry["name"]?.string, let value = entry["value"]?.string,
                let source = entry["source"]?.string
            else { return nil }
            return ModelSetting(name: name, value: value, source: source, warning: entry["warning"]?.string)
        }
        return settings.count == entries.count ? settings : nil
    }
}
