import Foundation

/// A loaded CLIP: an image encoder and a text encoder over one embedding space.
public struct CLIPModel: Sendable {
    /// Loads a model from a `.clip` file, a Hugging Face folder, or a `.safetensors` file beside its config.
    public init(contentsOf url: URL) throws(CLIPError) { throw CLIPError(.model, path: url.path, "not yet") }
    /// Loads a model by path or by `org/name` from the hub cache.
    public init(named name: String) throws(CLIPError) { throw CLIPError(.model, path: name, "not yet") }
    /// The small model that ships with the package.
    public static func embedded() throws(CLIPError) -> CLIPModel { throw CLIPError(.model, "not yet") }
}
