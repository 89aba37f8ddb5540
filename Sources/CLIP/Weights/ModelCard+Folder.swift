internal import CLIPWeights

extension ModelCard {
    /// The card of a model folder: its model_card.json, else what its name and README say.
    /// - Parameter name: what the configuration calls the model.
    init(folder: ModelFolder, name: String?) throws(CLIPError) {
        let hub = ModelCard.hubName(of: folder.path)
        let fallback = hub?.name ?? name.flatMap { $0.isEmpty ? nil : $0 } ?? ModelCard.lastName(of: folder.path)
        if let json = try folder.text("model_card.json") {
            try self.init(json: json, path: folder.path(of: "model_card.json"), name: fallback)
            return
        }
        self.init(name: fallback)
        version = hub?.commit
        source = hub.map { "https://huggingface.co/\($0.name)" }
        if try folder.has("README.md"), let readme = try folder.text("README.md") {
            license = ModelCard.license(inReadme: String(decoding: readme, as: UTF8.self))
        }
    }

    /// The repository and commit of a snapshot in the hub's cache: `…/models--ORG--NAME/snapshots/COMMIT`.
    private static func hubName(of path: String) -> (name: String, commit: String)? {
        let parts = path.split(separator: "/")
        guard parts.count >= 3, parts[parts.count - 2] == "snapshots",
            parts[parts.count - 3].hasPrefix("models--")
        else { return nil }
        let words = parts[parts.count - 3].dropFirst("models--".count)
        return (String(words).replacing("--", with: "/"), String(parts[parts.count - 1]))
    }

    private static func lastName(of path: String) -> String {
        String(path.split(separator: "/").last { $0 != "." && $0 != ".." } ?? "unnamed")
    }
}
