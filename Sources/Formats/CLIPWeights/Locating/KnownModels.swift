internal import CLIPJSON

/// A model that has a short name.
package struct KnownModel: Equatable, Sendable {
    /// open_clip's name of the architecture: `ViT-B-32`.
    package let architecture: String
    /// open_clip's name of the weights, `laion2b_s34b_b79k`, or `-`.
    package let tag: String
    /// `org/name` on the hub.
    package let repository: String
    /// Whether it was trained with quick-GELU. The weights don't show it, and a wrong activation gives wrong embeddings
    /// without any error.
    package let isQuickGELU: Bool

    /// `ViT-B-32:laion2b_s34b_b79k`; of a model that open_clip doesn't have, its repository's last word.
    package var name: String { tag == "-" ? architecture : "\(architecture):\(tag)" }
}

/// Short names for models on the hub.
package enum KnownModels {
    /// What a name may mean.
    package enum Match: Equatable, Sendable {
        case none
        case model(KnownModel)
        /// It is the beginning of several names.
        case several([KnownModel])
        /// A family that doesn't load, and why.
        case unsupported(String)
    }

    /// Every model with a short name.
    package static let all: [KnownModel] = knownModelRows.split(separator: "\n").map { row in
        let words = row.split(separator: " ").map(String.init)
        return KnownModel(
            architecture: words[0], tag: words[1], repository: words[2], isQuickGELU: words.last == "quick")
    }

    /// What `text` means: `ViT-B-32:laion2b_s34b_b79k`, `ViT-B/32`, `ViT-L-14 laion2b`, `siglip-base-patch16-224`.
    ///
    /// Case, and what stands between the words, make no difference. A name without a tag is OpenAI's model where there is
    /// one, as in OpenAI's own list.
    package static func search(_ text: String) -> Match {
        let wanted = key(text)
        guard wanted.count >= 3 else { return .none }
        let exact = all.filter { names(of: $0).contains(wanted) }
        if let model = exact.first(where: { $0.tag == "openai" }) ?? exact.first,
            exact.count == 1 || model.tag == "openai"
        {
            return .model(model)
        }
        // Repositories are often called after the architecture too.
        let repository = text.split(separator: "/").last.map { key(String($0)) } ?? ""
        if let reason = unsupported(wanted) ?? unsupported(repository) { return .unsupported(reason) }
        // A word or more out of the middle of a name: "siglip2", "laion2b".
        let near = all.filter { "-\(key($0.name))-".contains("-\(wanted)") }
        // Of an architecture that others are named after.
        let first = near.filter { key($0.name).hasPrefix(wanted) }
        if first.count == 1 { return .model(first[0]) }
        return near.count == 1 ? .model(near[0]) : near.isEmpty ? .none : .several(near)
    }

    /// The words for a name that may be several.
    package static func question(_ models: [KnownModel]) -> String {
        let names = models.prefix(5).map { "\($0.name) (\($0.repository))" }.joined(separator: ", ")
        return "may be \(models.count) models, say which: \(names)\(models.count > 5 ? ", …" : "")"
    }

    /// Lower case, one dash between words; `@336px` and `-quickgelu` are decorations of the architecture.
    private static func key(_ text: String) -> String {
        var bare = text.lowercased()
        for prefix in ["hf-hub:", "openai:"] where bare.hasPrefix(prefix) { bare.removeFirst(prefix.utf8.count) }
        let words = bare.split { " :/_@-.,".contains($0) }.filter { $0 != "quickgelu" }
        return words.map { $0.hasSuffix("px") ? $0.dropLast(2) : $0 }.joined(separator: "-")
    }

    private static func names(of model: KnownModel) -> [String] {
        let architecture = key(model.architecture)
        let isAlone = all.count { $0.architecture == model.architecture } == 1
        let repository = key(String(model.repository.split(separator: "/").last ?? ""))
        let bare = model.tag == "openai" || isAlone ? [architecture] : []
        return bare + [key(model.name), repository, key(model.repository)]
    }

    private static func unsupported(_ key: String) -> String? {
        guard let row = families.first(where: { key.hasPrefix($0.prefix) }) else { return nil }
        return "\(row.reason): this program doesn't have that architecture"
    }

    /// Architectures of open_clip's list that don't load.
    private static let families: [(prefix: String, reason: String)] = [
        ("clap", "hears sounds")
    ]
}

/// What a `config.json` says it is of, as far as fetching and listing need to know. Loading looks closer.
package enum DeclaredFamily: Equatable, Sendable {
    /// A family of two encoders over one space, in Hugging Face's transformers; the name is for people.
    case transformers(String)
    /// Of transformers by its shape, though it says no family.
    case unnamed
    /// Of another library.
    case foreign
    /// Another family of transformers.
    case other(String)

    /// - Parameter config: the bytes of config.json.
    package init(config: [UInt8]) {
        guard let root = try? JSONValue(parsing: config) else {
            self = .foreign
            return
        }
        guard let type = root["model_type"]?.string else {
            let parts = ["text_config", "vision_config", "text_config_dict", "vision_config_dict"]
            self = parts.contains { root[$0]?.object != nil } ? .unnamed : .foreign
            return
        }
        self = DeclaredFamily.names[type].map { .transformers($0) } ?? .other(type)
    }

    private static let names = [
        "clip": "CLIP", "clip_text_model": "CLIP text encoder", "clip_vision_model": "CLIP image encoder",
        "siglip": "SigLIP", "siglip_text_model": "SigLIP text encoder", "siglip_vision_model": "SigLIP image encoder",
        "siglip2": "SigLIP 2", "siglip2_text_model": "SigLIP 2 text encoder",
        "siglip2_vision_model": "SigLIP 2 image encoder", "metaclip_2": "MetaCLIP 2", "chinese_clip": "Chinese-CLIP",
        "metaclip_2_text_model": "MetaCLIP 2 text encoder",
        "metaclip_2_vision_model": "MetaCLIP 2 image encoder", "altclip": "AltCLIP",
        "jina_clip": "jina-clip",
        "M-CLIP": "M-CLIP text encoder",
    ]
}
