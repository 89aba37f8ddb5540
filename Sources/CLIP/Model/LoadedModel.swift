internal import Synchronization
internal import CLIPCompute
internal import CLIPTokenizers
internal import CLIPWeights

/// What all copies of a `CLIPModel` share. Encoders and tokenizer are made when they are first asked for.
final class LoadedModel: Sendable {
    let store: any ModelStore
    let compute: Compute
    let preprocessor: ImagePreprocessor
    private let imageEncoder: LazyPart<ImageEncoder>
    private let textEncoder: LazyPart<TextEncoder>
    private let tokenizer = LazyPart<any Tokenizer>()
    private let fingerprint: LazyPart<String>
    /// The language that texts are in, where the tokenizer asks for one; nil for its own choice.
    private let language: String?

    convenience init(_ source: ModelSource, threads: Int?) throws(CLIPError) {
        let compute = try Compute(threads: threads)
        try self.init(try openModel(source, threads: compute.threads), compute)
    }

    /// The same model for texts in another language.
    init(_ other: LoadedModel, language: String) {
        (store, compute, preprocessor) = (other.store, other.compute, other.preprocessor)
        (imageEncoder, textEncoder, fingerprint) = (other.imageEncoder, other.textEncoder, other.fingerprint)
        self.language = language
    }

    init(_ store: any ModelStore, _ compute: Compute) throws(CLIPError) {
        (imageEncoder, textEncoder, fingerprint, language) = (LazyPart(), LazyPart(), LazyPart(), nil)
        self.store = store
        self.compute = compute
        preprocessor = ImagePreprocessor(store.info.preprocessing)
        guard store.info.logitScale.isFinite, store.info.logitScale > 0 else {
            throw CLIPError(
                .model, path: store.info.path,
                "has a logit_scale of \(store.info.logitScaleLogarithm), whose exponential is no usable factor: the weights are damaged"
            )
        }
    }

    func images() throws(CLIPError) -> ImageEncoder {
        try imageEncoder.value { () throws(CLIPError) in
            try checkHasImageEncoder()
            return try ImageEncoder(configuration: store.info.configuration, weights: store.weights)
        }
    }

    func checkHasImageEncoder() throws(CLIPError) {
        guard store.info.hasImageEncoder else {
            throw CLIPError(
                .model, path: store.info.path,
                "holds a text encoder alone: pictures need a whole CLIP or its image encoder")
        }
    }

    func texts() throws(CLIPError) -> TextEncoder {
        try textEncoder.value { () throws(CLIPError) in
            guard store.info.hasTextEncoder else {
                throw CLIPError(
                    .model, path: store.info.path,
                    "holds an image encoder alone: texts need a whole CLIP or its text encoder")
            }
            return try TextEncoder(configuration: store.info.configuration, weights: store.weights)
        }
    }

    func textTokenizer() throws(CLIPError) -> any Tokenizer {
        try tokenizer.value { () throws(CLIPError) in
            guard store.info.hasTextEncoder else {
                throw CLIPError(
                    .model, path: store.info.path,
                    "holds an image encoder alone: texts need a whole CLIP or its text encoder")
            }
            let tokenizer = try store.tokenizer()
            guard let language else { return tokenizer }
            guard let other = tokenizer.reading(language) else {
                let languages = tokenizer.languages
                throw CLIPError(
                    .argument, path: language,
                    languages.isEmpty
                        ? "is a language, which this model's texts don't begin with: leave it away"
                        : "is none of the model's \(languages.count) languages: \(languages.joined(separator: ", "))")
            }
            return other
        }
    }

    func identity() -> String { fingerprint.value { store.fingerprint() } }
}

/// A part that is made once, by whoever needs it first; others wait for it.
package final class LazyPart<Part: Sendable>: Sendable {
    private let part = Mutex<Part?>(nil)

    package init() {}

    /// The part, made by `make` if it isn't there. A failure is not kept: the next call tries again.
    package func value<Failure>(_ make: () throws(Failure) -> Part) throws(Failure) -> Part {
        try part.withLock { (slot) throws(Failure) in
            if let made = slot { return made }
            let made = try make()
            slot = made
            return made
        }
    }
}
