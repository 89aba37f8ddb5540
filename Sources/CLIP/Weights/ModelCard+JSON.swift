internal import CLIPJSON

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
