internal import CLIPEmbeddedModel
package import CLIPSystem
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
    package let location: PathBytes
    /// What it is, or why it can't be loaded. Only configurations and headers are read.
    package let facts: Result<Facts, any Error>

    private init(_ name: String, _ place: Place, _ location: PathBytes) {
        self.name = name
        self.place = place
        self.location = location
        facts = Result {
            let model = try CLIPModel(location, environment: [:], threads: 1)
            return Facts(
                family: try ModelAtHand.family(at: location), byteCount: model.info.byteCount,
                weightTypes: model.info.weightTypes,
                embeddingDimension: model.embeddingDimension)
        }
    }

    /// Every model that there is, and what can't be examined.
    package static func all() -> (models: [ModelAtHand], problems: [any Error]) {
        let (found, problems) = findAll()
        return (found.map { ModelAtHand($0.name, $0.place, $0.location) }, problems)
    }

    /// What every model that there is is called, without opening it.
    package static func names() -> [String] { findAll().found.map(\.name) }

    private typealias Found = (name: String, place: Place, location: PathBytes)

    /// The embedded model, the folder of installed models, and of the hub's cache, which is shared with programs that run all
    /// kinds of models, what may be a CLIP.
    private static func findAll() -> (found: [Found], problems: [any Error]) {
        var found: [Found] = []
        var problems: [any Error] = []
        func examining(_ body: () throws -> Void) { do { try body() } catch { problems.append(error) } }
        if let path = EmbeddedModel.path { found.append(("embedded", .embedded, PathBytes(path))) }
        examining {
            let own = try InstalledModels(environment: processEnvironment())?.models() ?? []
            found += own.map { ($0.name, .file, $0.file) }
        }
        examining {
            for (name, holding) in try HubCache(environment: processEnvironment())?.repositories() ?? [] {
                examining {
                    guard case .snapshot(let path) = try holding.get() else { return }
                    let folder = ModelFolder(PathBytes(path))
                    if try mayBeCLIP(folder) { found.append((name, .hub, folder.location)) }
                }
            }
        }
        return (found, problems)
    }

    private static func mayBeCLIP(_ folder: ModelFolder) throws -> Bool {
        if try folder.openCLIPConfiguration() != nil { return true }
        if let repository = folder.snapshot?.repository,
            KnownModels.all.contains(where: { $0.repository == repository })
        {
            return true
        }
        guard try folder.contains("config.json"), let config = try folder.readText("config.json") else {
            return try folder.sizes().contains { $0.name.hasSuffix(".clip") || $0.name.hasSuffix(".gguf") }
        }
        return if case .transformers = DeclaredFamily(config: config) { true } else { false }
    }

    private static func family(at location: PathBytes) throws -> String {
        let folder = ModelFolder(location)
        if let config = try folder.readText("config.json"),
            case .transformers(let family) = DeclaredFamily(config: config)
        {
            return family
        }
        if location.text.hasSuffix(".clip"), let config = try? Checkpoint(file: location).metadata["config"],
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
    /// The weights of both encoders, in millions.
    package let millions: Int
    /// As the hub spells it; nil where it stands on the model's card alone.
    package let license: String?
    /// The languages of its texts: `English`, or how many.
    package let languages: String
    /// Whether this program has what the model is built of.
    package let loads: Bool
    /// Whether the hub's cache has it, or why that can't be told.
    package let isPresent: Result<Bool, any Error>

    /// All that there are.
    package static func all() -> [ModelShortName] {
        let cache = HubCache(environment: processEnvironment())
        return KnownModels.all.compactMap { model in
            guard let repository = HubName(model.repository) else { return nil }
            return ModelShortName(
                name: model.name, repository: model.repository, isQuickGELU: model.isQuickGELU,
                millions: model.millions, license: model.license, languages: model.languages, loads: model.loads,
                isPresent: Result {
                    if case .snapshot = try cache?.holding(of: repository) { true } else { false }
                })
        }
    }
}
