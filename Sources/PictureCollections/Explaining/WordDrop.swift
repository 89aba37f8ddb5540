public import CLIP

/// Which words of a text carry its similarity to a picture: each is left out once (Li, Monroe and Jurafsky, 2016,
/// "Understanding Neural Networks through Representation Erasure").
public struct WordDrop: Sendable, Equatable {
    /// The word, as white space sets it apart.
    public let word: String
    /// How much the cosine drops without it. Negative: the picture fits better without it.
    public let drop: Float

    /// Explains the similarity of a picture and a text by its words; of a text of one word there is nothing to say.
    /// - Parameters:
    ///   - model: the model whose answer is explained.
    ///   - image: an embedding of `model`.
    ///   - text: the text.
    ///   - longText: what happens to a text of more tokens than the model's context.
    /// - Throws: `CLIPError` as embedding a text does.
    /// - Complexity: an embedding per word, and one.
    public static func drops(
        model: CLIPModel, image: Embedding, text: String, longText: LongText = .truncate
    ) throws(CLIPError) -> [WordDrop] {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard words.count > 1 else { return [] }
        let shortened = words.indices.map { left in
            words.indices.filter { $0 != left }.map { words[$0] }.joined(separator: " ")
        }
        let embeddings: [Embedding] = try model.embed([text] + shortened, longText: longText, normalize: true)
        let whole = image.similarity(to: embeddings[0])
        return zip(words, embeddings.dropFirst()).map { word, embedding in
            WordDrop(word: word, drop: whole - image.similarity(to: embedding))
        }
    }
}
