internal import CLIPWeights

/// A model on this machine.
package struct ModelAtHand: Sendable {
    /// Where it was found.
    package enum Place: String, Sendable {
        /// It ships with the package.
        case embedded
        /// In the folder of installed models.
        case file
        /// In the Hugging Face hub's cache.
        case hub
    }

    /// What its files say of it.
    package struct Facts: Sendable {
        package let family: String
        package let byteCount: Int
        package let weightTypes: [String]
        package let embeddingDimension: Int
    }

    /// By which it is loaded.
    package let name: String
    package let place: Place
    package let path: String
    /// What it is, or why it can't be loaded. Only configurations and headers are read.
    package let facts: Result<Facts, any Error>

    private init(_ name: String, _ place: Place, path: String) {
        self.name = name
        self.place = place
        self.path = path
        facts = Result {
            let model = try CLIPModel(path: path, environment: [:], threads: 1)
            return Facts(
                family: try ModelAtHand.family(at: path), byteCount: model.info.byteCount,
                weightTypes: model.info.weightTypes,
                embeddingDimension: model.embeddingDimension)
        }
    }

    /// Every model that there is: the embedded one, the folder of installed models, and of the hub's cache, which is shared
    /// with programs that run all kinds of models, what may be a CLIP; and what can't be examined.
    package static func all() -> (models: [ModelAtHand], problems: [any Error]) {
        var models: [ModelAtHand] = []
        var problems: [any Error] = []
        func examining(_ body: () throws -> Void) { do { try body() } catch { problems.append(error) } }
        if let model = try? CLIPModel.embedded() {
            models.append(ModelAtHand("embedded", .embedded, path: model.info.path))
        }
        examining {
            let own = try InstalledModels(environment: processEnvironment())?.models() ?? []
            models += own.map { ModelAtHand($0.name, .file, path: $0.path) }
        }
        examining {
            for (name, holding) in try HubCache(environment: processEnvironment())?.repositories() ?? [] {
                examining {
                    guard case .snapshot(let path) = try holding.get(), try mayBeCLIP(path) else { return }
                    models.append(ModelAtHand(name, .hub, path: path))
                }
            }
        }
        return (models, problems)
    }

    private static func mayBeCLIP(_ path: String) throws -> Bool {
        let folder = ModelFolder(path: path)
        if try folder.contains("open_clip_config.json") { return true }
        guard try folder.contains("config.json"), let config = try folder.readText("config.json") else {
            return try folder.sizes().contains { $0.name.hasSuffix(".clip") || $0.name.hasSuffix(".gguf") }
        }
        return if case .transformers = DeclaredFamily(config: config) { true } else { false }
    }

    private static func family(at path: String) throws -> String {
        let folder = ModelFolder(path: path)
        if let config = try folder.readText("config.json"),
            case .transformers(let family) = DeclaredFamily(config: config)
        {
            return family
        }
        if path.hasSuffix(".clip"), let config = try? Checkpoint(file: path).metadata["config"],
            case .transformers(let family) = DeclaredFamily(config: Array(config.utf8))
        {
            return family
        }
        return "CLIP"
    }
}

/// A short name of a model on the hub.
package struct ModelShortName: Sendable {
    package let name: String
    package let repository: String
    package let isQuickGELU: Bool
    /// Whether the hub's cache has it, or why that can't be told.
    package let isPresent: Result<Bool, any Error>

    /// All that there are.
    package static func all() -> [ModelShortName] {
        let cache = HubCache(environment: processEnvironment())
        return KnownModels.all.compactMap { model in
            guard let repository = HubName(model.repository) else { return nil }
            return ModelShortName(
                name: model.name, repository: model.repository, isQuickGELU: model.isQuickGELU,
                isPresent: Result {
                    if case .snapshot = try cache?.holding(of: repository) { true } else { false }
                })
        }
    }
}
