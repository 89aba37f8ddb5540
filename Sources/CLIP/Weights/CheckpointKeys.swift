internal import Weights

/// Under which names a checkpoint keeps the tensors that Hugging Face's CLIPModel knows by `vision_model.…`, `text_model.…`,
/// `visual_projection.weight` and `text_projection.weight`.
///
/// A file of one encoder alone may leave the prefix away.
struct CheckpointKeys: Sendable {
    /// What stands before the image encoder's keys; nil when the checkpoint has none.
    let visionPrefix: String?
    /// What stands before the text encoder's keys; nil when the checkpoint has none.
    let textPrefix: String?

    init(_ names: [String]) {
        let names = Set(names)
        func prefix(_ full: String, _ first: String) -> String? {
            [full, ""].first { names.contains($0 + first) }
        }
        visionPrefix = prefix("vision_model.", "embeddings.patch_embedding.weight")
        textPrefix = prefix("text_model.", "embeddings.token_embedding.weight")
    }

    /// The checkpoint's name for `key`.
    func name(of key: String) -> String {
        for (full, own) in [("vision_model.", visionPrefix), ("text_model.", textPrefix)] {
            if let own, key.hasPrefix(full) { return own + key.dropFirst(full.count) }
        }
        return key
    }
}
