#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif
internal import CLIPEmbeddedModel
internal import CLIPSystem
internal import CLIPWeights

/// A loaded CLIP: an image encoder and a text encoder over one embedding space (Radford et al., 2021).
///
/// Weights are immutable and may be shared: one model serves any number of tasks, and copies are free. An encoder's
/// weights are read when it is first used, so that a program that only embeds pictures never touches the text encoder.
/// ```swift
/// let model = try CLIPModel.embedded()
/// let picture = try model.embed(Picture(contentsOf: URL(filePath: "photo.jpg")))
/// let text = try model.embed("a photo of a dog")
/// print(picture.similarity(to: text))
/// ```
public struct CLIPModel: Sendable {
    let loaded: LoadedModel

    /// Loads a model from a `.clip` file, a Hugging Face folder, or a `.safetensors` file beside its config.
    ///
    /// The file is mapped for as long as the model lives: replace it by renaming another over it. Embedding throws once a
    /// file was written to in place; one that is cut short raises SIGBUS in every process that uses it, which a library
    /// can't turn into an error.
    /// - Parameters:
    ///   - url: the file or folder.
    ///   - threads: how many threads encode; by default `CLIP_THREADS`, else the cores this process may use. With one
    ///     thread everything happens on the caller's.
    /// - Throws: `CLIPError` of kind `.model` when there is no such model, or it is incomplete or damaged; of kind
    ///   `.argument` when `threads`, `CLIP_THREADS` or `CLIP_ISA` can't be.
    public init(contentsOf url: URL, threads: Int? = nil) throws(CLIPError) {
        guard let path = PathBytes(url) else {
            throw CLIPError(.model, path: url.absoluteString, "is not a file: download the model first")
        }
        try self.init(path, environment: [:], threads: threads)
    }

    /// Loads a model by path, by `org/name` or `org/name@revision` from the Hugging Face hub's cache on this machine, by a
    /// short name such as `ViT-B-32:laion2b_s34b_b79k` from there too, or by the bare name of a `.clip` file in the folder
    /// of installed models.
    /// - Parameters:
    ///   - name: the path or name.
    ///   - threads: as in `init(contentsOf:threads:)`.
    /// - Throws: `CLIPError` as `init(contentsOf:threads:)`; nothing is ever downloaded: the module
    ///   `CLIPHub` does that.
    public init(named name: String, threads: Int? = nil) throws(CLIPError) {
        try self.init(PathBytes(name), environment: processEnvironment(), threads: threads)
    }

    /// The image encoder of one model and the text encoder of another that was trained into its space, such as OpenAI's
    /// ViT-B/32 and sentence-transformers' multilingual texts for it.
    /// - Parameters:
    ///   - images: the model of pictures, whose preprocessing and logit scale count.
    ///   - texts: the model of texts, whose tokenizer counts.
    /// - Throws: `CLIPError` of kind `.model` when one of them lacks the encoder, or their embeddings are of different
    ///   lengths or families. Whether the two were trained for one space, no file says.
    public init(images: CLIPModel, texts: CLIPModel) throws(CLIPError) {
        loaded = try LoadedModel(
            try JoinedModel(images: images.loaded.store, texts: texts.loaded.store), images.loaded.compute)
    }

    /// The same model for texts in a language, where the model was trained to begin texts with it, as NLLB's are.
    /// - Parameter language: its code, such as `deu_Latn`.
    /// - Throws: `CLIPError` of kind `.argument` that lists the languages when it is none of the model's; of kind `.model`
    ///   when the model has no text encoder, or its tokenizer can't be loaded.
    public func reading(_ language: String) throws(CLIPError) -> CLIPModel {
        let other = LoadedModel(loaded, language: language)
        _ = try other.textTokenizer()
        return CLIPModel(other)
    }

    private init(_ loaded: LoadedModel) { self.loaded = loaded }

    /// The small model that ships with the package.
    /// - Parameter threads: as in `init(contentsOf:threads:)`.
    /// - Throws: `CLIPError` of kind `.model` when its file is not where the build put it.
    public static func embedded(threads: Int? = nil) throws(CLIPError) -> CLIPModel {
        guard let path = EmbeddedModel.path else {
            throw CLIPError(
                .model, path: EmbeddedModel.fileName,
                "the embedded model is not beside the program: put the file there, or name a model")
        }
        return try CLIPModel(PathBytes(path), environment: [:], threads: threads)
    }

    /// Loads what `path` leads to, by the rules that the environment sets.
    package init(_ path: PathBytes, environment: [String: String], threads: Int?) throws(CLIPError) {
        let source = try ModelLocator(environment: environment).locate(path)
        try self.init(source, threads: threads)
    }

    /// Loads a model whose files were found.
    init(_ source: ModelSource, threads: Int?) throws(CLIPError) {
        loaded = try LoadedModel(source, threads: threads)
    }

    /// Makes sure that the model has an image encoder.
    /// - Throws: `CLIPError` of kind `.model` when it has none.
    package func checkHasImageEncoder() throws(CLIPError) { try loaded.checkHasImageEncoder() }

    /// Reads the weights of the encoders now, and the tokenizer's tables, which otherwise happens with the first picture and
    /// the first text.
    /// - Throws: `CLIPError` of kind `.model` when the weights are damaged or hold no such encoder.
    public func prepare(_ parts: ModelParts = .all) throws(CLIPError) {
        if parts.holdImages { _ = try loaded.images() }
        if parts.holdTexts {
            _ = try loaded.texts()
            _ = try loaded.textTokenizer()
        }
    }

    /// What is known of the model without touching its weights: its shape, preprocessing, settings, card and files.
    public var info: ModelInfo { loaded.store.info }
    /// The number of values in an embedding.
    public var embeddingDimension: Int { info.embeddingDimension }
    /// The factor on cosines before a softmax: the exponential of the stored `logit_scale`, 100 in OpenAI's models.
    public var logitScale: Float { info.logitScale }
    /// What is added to scaled cosines before a sigmoid, in models that were trained with one (SigLIP); nil in others.
    public var logitBias: Float? { info.logitBias }
    /// What identifies this model's embeddings, 64 hexadecimal digits. Embeddings of models with different fingerprints
    /// must not be compared.
    ///
    /// Of a `.clip` file: SHA-256 over all weights, configuration, preprocessing and tokenizer, computed when it was
    /// packed; `verify` recomputes it. Of a folder, where hashing all weights would take seconds: SHA-256 over the
    /// configuration and tokenizer files, and each weights file's size, header and evenly spread samples, computed when
    /// it is first asked for. The two never agree, not even for one model.
    public var fingerprint: String { loaded.identity() }
    /// Whether it is the small model that ships with the package, which only demonstrates what larger ones do.
    public var isEmbedded: Bool { fingerprint == EmbeddedModel.fingerprint }
    /// How many threads encode.
    public var threads: Int { loaded.compute.threads }
    /// The instruction set that is computed with: `baseline`, on x86-64 `avx2`, `avxvnni`, `avx512` or `avx512vnni`, on
    /// arm64 `dotprod` or `i8mm`.
    public var instructionSet: String { loaded.compute.instructionSet.rawValue }
}
