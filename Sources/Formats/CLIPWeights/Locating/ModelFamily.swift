internal import CLIPJSON

/// What a `config.json` says it is of, as far as fetching and listing need to know. Loading looks closer.
package enum ModelFamily: Equatable, Sendable {
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
        self = ModelFamily.names[type].map { .transformers($0) } ?? .other(type)
    }

    private static let names = [
        "clip": "CLIP", "clip_text_model": "CLIP text encoder", "clip_vision_model": "CLIP image encoder",
        "siglip": "SigLIP", "siglip_text_model": "SigLIP text encoder", "siglip_vision_model": "SigLIP image encoder",
        "siglip2": "SigLIP 2", "metaclip_2": "MetaCLIP 2", "chinese_clip": "Chinese-CLIP",
    ]
}
