import CLIP
import CLIPSystem

/// A picture, a caption of it, and what people wrote of it.
package struct CaptionPair: Sendable {
    package let picture: PathBytes
    package let caption: String
    package let references: [String]

    package init(picture: PathBytes, caption: String, references: [String] = []) {
        self.picture = picture
        self.caption = caption
        self.references = references
    }
}

/// Scores how well captions fit their pictures, many pairs at once.
package struct PairScorer {
    package let model: CLIPModel
    private let template: String
    private let longText: LongText
    private let embeddings: ([PathBytes]) throws -> [Result<Embedding, CLIPError>]

    /// Scores pictures that are read.
    /// - Parameters:
    ///   - template: the sentence that captions and references are put into, at `{}`.
    ///   - options: how pictures are read.
    ///   - fit: how they become square; nil is as the model was trained.
    ///   - batchSize: how many pictures are encoded together.
    ///   - longText: what becomes of a text that is too long.
    package init(
        model: CLIPModel, template: String = "{}", options: PictureOptions, fit: PictureFit?, batchSize: Int,
        longText: LongText
    ) {
        self.init(model: model, template: template, longText: longText) { paths in
            var pictures: [Result<Embedding, CLIPError>] = []
            try model.embedEach(paths.map(\.pictureInput), options: options, fit: fit, batchSize: batchSize) {
                _, result in
                if case .failure(let error) = result, error.kind == .model { throw error }
                pictures.append(result)
            }
            return pictures
        }
    }

    /// Scores pictures whose embeddings `embeddings` gives, in the order of their paths.
    package init(
        model: CLIPModel, template: String = "{}", longText: LongText,
        embeddings: @escaping ([PathBytes]) throws -> [Result<Embedding, CLIPError>]
    ) {
        self.model = model
        self.template = template
        self.longText = longText
        self.embeddings = embeddings
    }

    /// What the model reads of a pair: the caption, then the references.
    package func texts(of pair: CaptionPair) -> [String] {
        ([pair.caption] + pair.references).map { ZeroShotClassifier.prompt($0, in: template) }
    }

    /// The scores of pairs, in their order, or why one has none; a picture of several pairs is read once.
    /// - Throws: what is wrong with the model rather than with a pair.
    package func scores(_ pairs: [CaptionPair]) throws -> [Result<CLIPScore, CLIPError>] {
        let paths = Array(Set(pairs.map(\.picture)))
        let found = Dictionary(uniqueKeysWithValues: zip(paths, try embeddings(paths)))
        let texts = pairs.map(texts)
        var embedded = try model.embeddingResults(of: texts.flatMap { $0 }, longText: longText)[...]
        return zip(pairs, texts).map { pair, texts in
            let captions = embedded.prefix(texts.count)
            embedded = embedded.dropFirst(texts.count)
            return Result { () throws(CLIPError) in
                guard let picture = found[pair.picture] else { throw CLIPError(.picture, "was not read") }
                let image = try picture.get()
                var vectors: [Embedding] = []
                for caption in captions { vectors.append(try caption.get()) }
                return CLIPScore(image: image, text: vectors[0], references: Array(vectors[1...]))
            }
        }
    }
}

extension PathBytes {
    /// The picture there, as the library reads it.
    package var pictureInput: PictureInput { .file(self) }
}
