internal import CLIPJSON
package import CLIPSystem

/// Finds the model that `--model` names: a `.clip` file, a folder, a file of weights, an installed model, or a name in the
/// hub cache, spelt in full or short.
///
/// Only names and sizes are looked at; weights are checked when they are opened.
package struct ModelLocator: Sendable {
    private let cache: HubCache?
    private let environment: [String: String]

    /// - Parameter environment: the process's variables, which say where the hub cache and installed models are.
    package init(environment: [String: String]) {
        self.environment = environment
        cache = HubCache(environment: environment)
    }

    /// Where the model `argument` is.
    ///
    /// - Throws: if there is no such model; the message says where it was looked for and what to do.
    package func locate(_ argument: PathBytes) throws(CLIPError) -> ModelSource {
        switch try argument.found(.model)?.kind {
        case .folder: return try source(folder: argument)
        case .file: return try source(file: argument)
        case .link, .other:
            throw CLIPError(.model, path: argument.text, "is a device or a pipe, expected a model's file or folder")
        case nil: return try locate(name: HubName.bare(argument.text))
        }
    }

    /// The model that is called `argument` where models have names.
    private func locate(name argument: String) throws(CLIPError) -> ModelSource {
        if let path = try installed(argument) { return try source(file: path) }
        let repository = HubName(argument)
        if let repository, let folder = try cache?.snapshot(of: repository) {
            return try source(folder: PathBytes(folder))
        }
        switch KnownModels.search(argument) {
        case .model(let model): return try locate(model, argument)
        case .several(let models):
            throw CLIPError(.model, path: argument, KnownModels.question(models))
        case .unsupported(let reason): throw CLIPError(.model, path: argument, reason, advice: .nameKnownModel)
        case .none: break
        }
        guard let repository else {
            throw CLIPError(
                .model, path: argument.isEmpty ? "\"\"" : argument,
                "no such file or folder: give a .clip file, a model's folder or a name like org/name")
        }
        throw try absent(argument, repository)
    }

    /// A model with a short name, by its repository.
    private func locate(_ model: KnownModel, _ argument: String) throws(CLIPError) -> ModelSource {
        guard let repository = HubName(model.repository) else { return try locate(PathBytes(model.repository)) }
        guard let folder = try cache?.snapshot(of: repository) else {
            throw try absent(argument, repository)
        }
        return try source(folder: PathBytes(folder))
    }

    private func absent(_ argument: String, _ repository: HubName) throws(CLIPError) -> CLIPError {
        guard let cache else {
            return CLIPError(
                .model, path: argument, "no such file or folder, and no hub cache to look in: set HOME or HF_HOME")
        }
        let isOnHub = try mayBeOnHub(repository)
        return CLIPError(
            .model, path: argument,
            "no such file or folder, and not in the hub cache (looked for \(cache.folder(of: repository))): check the name"
                + (isOnHub ? ", or fetch it" : "; models on the hub are called org/name"),
            advice: isOnHub ? .fetch(name: repository.name, revision: repository.revision) : nil)
    }

    /// Whether a name can be one on the hub: not a file's, nor one inside a folder that is here.
    private func mayBeOnHub(_ repository: HubName) throws(CLIPError) -> Bool {
        guard let slash = repository.name.firstIndex(of: "/") else { return false }
        let endings = [".clip", ".safetensors", ".bin", ".pt", ".pth", ".gguf", ".onnx", ".json"]
        let name = repository.name
        if endings.contains(where: { name.lowercased().hasSuffix($0) }) { return false }
        return try PathBytes(String(name[..<slash])).found(.model) == nil
    }

    /// `NAME.clip` in the folder of installed models.
    private func installed(_ name: String) throws(CLIPError) -> PathBytes? {
        guard let folder = InstalledModels(environment: environment), Path.staysInside(name) else { return nil }
        let path = folder.location.appending(name.hasSuffix(".clip") ? name : name + ".clip")
        return try path.found(.model)?.kind == .file ? path : nil
    }

    private func source(folder location: PathBytes) throws(CLIPError) -> ModelSource {
        let modules = try SentenceTransformersModules(in: ModelFolder(location))
        if let sentences = modules?.sentences { return .sentences(sentences) }
        return try source(modelFolder: modules?.modelFolder ?? location)
    }

    private func source(modelFolder location: PathBytes) throws(CLIPError) -> ModelSource {
        let folder = ModelFolder(location)
        let hasConfig = try folder.contains("config.json")
        let openCLIP = try folder.openCLIPConfiguration()
        let hasOpenCLIPConfig = openCLIP != nil
        // First choice first: those that only open_clip's repositories have.
        let openCLIPWeights = hasOpenCLIPConfig ? try folder.first(of: Checkpoint.openCLIPNames) : nil
        // Where open_clip's own list describes the weights, a config.json beside them is for a program of their maker's.
        if hasConfig, openCLIP?.architecture == nil, try folder.first(of: Checkpoint.huggingFaceNames) != nil {
            // timm's repositories hold an image classifier's config.json and weights beside open_clip's.
            let isCertain = try namesModelType(folder)
            if isCertain || openCLIPWeights?.hasPrefix("open_clip") != true { return .huggingFace(folder: location) }
        }
        if openCLIPWeights != nil { return .openCLIP(folder: location) }
        // Opening says best which weights are missing; a folder without a configuration is told so first.
        if hasConfig, openCLIP?.architecture == nil { return .huggingFace(folder: location) }
        if hasOpenCLIPConfig { return .openCLIP(folder: location) }
        if let encoder = try pipelineEncoder(folder) { return try source(modelFolder: encoder) }
        if try folder.contains("adapter_config.json") {
            throw CLIPError(
                .model, path: location.text,
                "holds an adapter without the model that it adapts: put the files of its base model, config.json "
                    + "and weights, into the folder")
        }
        let single = try entryNames(of: location).filter { name in
            [".clip", ".gguf", ".pt"].contains { name.hasSuffix($0) }
        }
        let hint = single.first.map { ", did you mean \(folder.path(of: $0))?" } ?? ": give a folder that holds a model"
        throw CLIPError(.model, path: location.text, "has neither config.json nor open_clip_config.json\(hint)")
    }

    /// The folder of the one encoder that a diffusers pipeline has of this program's, by its model_index.json, which names
    /// the class of each folder; nil of other folders.
    private func pipelineEncoder(_ folder: ModelFolder) throws(CLIPError) -> PathBytes? {
        let name = "model_index.json"
        guard let json = try folder.readText(name, limit: 1 << 20) else { return nil }
        let parts = try JSONValue(parsing: json, at: JSONPlace(folder.path(of: name), advice: ": fetch it again"))
            .object
        let encoders = (parts ?? [:]).filter { part in
            let name = part.value.array?.last?.string ?? ""
            return Path.staysInside(part.key)
                && ["CLIPText", "CLIPVision", "SiglipText", "SiglipVision"].contains { name.hasPrefix("\($0)Model") }
        }
        let folders = encoders.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        guard folders.count == 1, let only = folders.first else {
            throw CLIPError(
                .model, path: folder.path,
                folders.isEmpty
                    ? "is a diffusers pipeline without an encoder of CLIP's or SigLIP's: give the folder of a model"
                    : "is a diffusers pipeline of \(folders.count) encoders: give the folder of one, "
                        + folders.prefix(8).map(folder.path(of:)).joined(separator: " or "))
        }
        return folder.location(of: only)
    }

    private func namesModelType(_ folder: ModelFolder) throws(CLIPError) -> Bool {
        guard let json = try folder.readText("config.json", limit: 1 << 20) else { return false }
        return (try? JSONValue(parsing: json))?["model_type"]?.string != nil
    }

    private func source(file location: PathBytes) throws(CLIPError) -> ModelSource {
        if location.text.hasSuffix(".clip") { return .flat(file: location) }
        let checkpoint = try Checkpoint(file: location)
        if checkpoint.files.first is GGUFFile { return .gguf(file: location) }
        if checkpoint.metadata["format"] == "clip" { return .flat(file: location) }
        // OpenAI's own files carry their context length; nothing beside them could say more.
        if checkpoint.contains("context_length"), checkpoint.contains("visual.conv1.weight") {
            return .openAI(file: location)
        }
        let folder = ModelFolder(location.folder)
        let isDescribed = try folder.contains("config.json") ? true : folder.openCLIPConfiguration() != nil
        if isDescribed {
            return .weights(file: location, folder: folder.location)
        }
        if checkpoint.files.first is PyTorchFile, !Checkpoint.openCLIPNames.contains(Path.name(of: location.text)),
            checkpoint.names.contains(where: { $0.hasPrefix("visual.") })
        {
            return .openAI(file: location)
        }
        throw CLIPError(
            .model, path: location.text,
            "needs config.json or open_clip_config.json beside it: "
                + "the weights alone don't say which activation, heads and preprocessing they were trained with")
    }
}

/// Where a model's weights are, and in what layout.
package enum ModelSource: Equatable, Sendable {
    /// One `.clip` file that holds everything.
    case flat(file: PathBytes)
    /// A folder with config.json and model.safetensors or pytorch_model.bin, sharded or not.
    case huggingFace(folder: PathBytes)
    /// A safetensors or PyTorch file with a config.json or open_clip_config.json in `folder`.
    case weights(file: PathBytes, folder: PathBytes)
    /// A folder with open_clip_config.json and its weights.
    case openCLIP(folder: PathBytes)
    /// A PyTorch file of OpenAI's layout, whose shapes say everything.
    case openAI(file: PathBytes)
    /// A GGUF file of clip.cpp's.
    case gguf(file: PathBytes)
    /// A text encoder that sentence-transformers saved.
    case sentences(SentenceModules)

    /// The file of the weights, or the folder with them.
    package var location: PathBytes {
        switch self {
        case .flat(let file), .weights(let file, folder: _), .openAI(let file), .gguf(let file): file
        case .huggingFace(let folder), .openCLIP(let folder): folder
        case .sentences(let modules): modules.folder
        }
    }
}

/// The folders of a text encoder that sentence-transformers saved.
package struct SentenceModules: Equatable, Sendable {
    /// The whole model's.
    package let folder: PathBytes
    /// With config.json, weights and tokenizer.
    package let encoder: PathBytes
    /// What becomes of the states of a text's tokens.
    package let pooling: PathBytes
    /// The linear layer behind that; nil if there is none.
    package let dense: PathBytes?
}

extension Checkpoint {
    /// Opens the weights of a located model.
    package init(_ source: ModelSource) throws(CLIPError) {
        switch source {
        case .flat(let file), .weights(let file, folder: _), .openAI(let file), .gguf(let file):
            try self.init(file: file)
        case .huggingFace(let folder): try self.init(folder: folder)
        case .openCLIP(let folder): try self.init(folder: folder, candidates: Checkpoint.openCLIPNames)
        case .sentences(let modules):
            try self.init(folder: modules.encoder)
            if let dense = modules.dense { self = joined(try Checkpoint(folder: dense)) }
        }
    }
}

/// The folder for `.clip` files that are called by their bare names: `b32` is `b32.clip` in there.
package struct InstalledModels: Sendable {
    package let location: PathBytes

    /// CLIP_MODELS, else XDG_DATA_HOME/clip/models, else HOME/.local/share/clip/models. nil if none of them is set.
    package init?(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let folder = value("CLIP_MODELS") {
            location = PathBytes(folder)
        } else if let data = value("XDG_DATA_HOME") ?? value("HOME").map({ Path.join($0, ".local/share") }) {
            location = PathBytes(data).appending("clip/models")
        } else {
            return nil
        }
    }

    /// The models there, by name, sorted.
    /// - Throws: when the folder or one of them can't be examined.
    package func models() throws(CLIPError) -> [(name: String, file: PathBytes)] {
        var models: [(name: String, file: PathBytes)] = []
        for file in try entryNames(of: location) where file.hasSuffix(".clip") {
            let full = location.appending(file)
            if try full.found(.model)?.kind == .file {
                models.append((String(file.dropLast(".clip".utf8.count)), full))
            }
        }
        return models
    }
}

/// The modules.json of a model that sentence-transformers saved: which folder holds the CLIP or the text encoder, and what
/// comes behind it.
private struct SentenceTransformersModules {
    /// The folder with the CLIP's own files, or the text encoder's.
    let modelFolder: PathBytes
    /// The parts of a text encoder; nil where the folder holds a CLIP.
    let sentences: SentenceModules?

    /// Modules that leave an embedding's direction as it is.
    private static let harmless: Set<String> = ["Normalize"]

    /// nil when the folder has no modules.json.
    /// - Throws: if the file can't be read, leads out of the folder, or names a module that changes embeddings.
    init?(in folder: ModelFolder) throws(CLIPError) {
        let name = "modules.json"
        guard let json = try folder.readText(name, limit: 1 << 20) else { return nil }
        let path = folder.path(of: name)
        let list = try JSONValue(parsing: json, at: JSONPlace(path, advice: ": fetch it again"))
        // Other programs have files of this name.
        guard let modules = list.array, let first = modules.first, modules.allSatisfy({ $0["type"]?.string != nil })
        else { return nil }
        let types = modules.map { String(($0["type"]?.string ?? "").split(separator: ".").last ?? "") }
        guard ["CLIPModel", "Transformer"].contains(types[0]) else {
            throw CLIPError(
                .model, path: path,
                "begins with the module \(quoted(types[0])), expected CLIPModel or Transformer: it is not a CLIP")
        }
        func location(_ module: JSONValue) throws(CLIPError) -> PathBytes {
            let place = module["path"]?.string ?? ""
            guard place.isEmpty || Path.staysInside(place) else {
                throw CLIPError(
                    .model, path: path, "names the folder \(quoted(place)), expected one inside the model's folder")
            }
            return place.isEmpty ? folder.location : folder.location(of: place)
        }
        modelFolder = try location(first)
        let kinds = types.enumerated().filter { !Self.harmless.contains($0.element) }
        if types[0] == "Transformer", [["Pooling"], ["Pooling", "Dense"]].contains(kinds.dropFirst().map(\.element)) {
            sentences = SentenceModules(
                folder: folder.location, encoder: modelFolder, pooling: try location(modules[kinds[1].offset]),
                dense: kinds.count > 2 ? try location(modules[kinds[2].offset]) : nil)
            return
        }
        sentences = nil
        let others = kinds.dropFirst().map(\.element)
        if let other = others.first(where: { !["Pooling", "Dense"].contains($0) }) ?? others.first {
            throw CLIPError(
                .model, path: path,
                "names the module \(quoted(other)) behind the \(types[0] == "CLIPModel" ? "CLIP" : "encoder"), which changes "
                    + "its embeddings: give the folder of the CLIP alone, if those without it are wanted")
        }
    }
}
