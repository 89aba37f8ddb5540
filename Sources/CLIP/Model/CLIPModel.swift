#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// A loaded CLIP: an image encoder and a text encoder over one embedding space.
///
/// Weights are immutable and may be shared: one model serves any number of tasks. An encoder's weights are read when it
/// is first used, so that a program that only embeds pictures never touches the text encoder.
public struct CLIPModel: Sendable {
    /// Loads a model from a `.clip` file, a Hugging Face folder, or a `.safetensors` file beside its config.
    /// - Parameter threads: how many threads encode; by default `CLIP_THREADS`, else the cores this process may use.
    /// - Throws: `CLIPError` of kind `.model` when there is no such model, or it is incomplete or damaged.
    public init(contentsOf url: URL, threads: Int? = nil) throws(CLIPError) { throw notYet }

    /// Loads a model by path, or by `org/name` or `org/name@revision` from the Hugging Face hub's cache on this machine.
    /// - Throws: `CLIPError` of kind `.model`; nothing is ever downloaded.
    public init(named name: String, threads: Int? = nil) throws(CLIPError) { throw notYet }

    /// The small model that ships with the package.
    /// - Throws: `CLIPError` of kind `.model` when its file is not where the build put it.
    public static func embedded(threads: Int? = nil) throws(CLIPError) -> CLIPModel { throw notYet }

    /// The shape of the two encoders.
    public var configuration: ModelConfiguration { fatalError() }
    /// The number of values in an embedding.
    public var embeddingDimension: Int { configuration.embeddingDimension }
    /// The factor on cosines before a softmax: the exponential of the stored `logit_scale`, 100 in OpenAI's models.
    public var logitScale: Float { fatalError() }
    /// SHA-256 over weights, preprocessing and tokenizer, 64 hexadecimal digits. Embeddings of models with different
    /// fingerprints must not be compared.
    public var fingerprint: String { fatalError() }
    /// Provenance, licence and limits, if the file carries them.
    public var card: ModelCard? { fatalError() }
    /// Every setting that was resolved while loading, where it came from, and what is risky about it.
    public var settings: [ModelSetting] { fatalError() }
    /// Whether pictures can be embedded: the weights hold an image encoder.
    public var hasImageEncoder: Bool { fatalError() }
    /// Whether texts can be embedded: the weights hold a text encoder.
    public var hasTextEncoder: Bool { fatalError() }
    /// How the weights are stored: `f32`, `f16`, `bf16`, or several of them.
    public var weightTypes: [String] { fatalError() }
    /// The number of weights.
    public var weightCount: Int { fatalError() }
    /// The size of the weights' files, in bytes.
    public var byteCount: Int { fatalError() }
    /// Where the model was loaded from.
    public var path: String { fatalError() }
}

let notYet = CLIPError(.model, "not yet")
