import CLIP

extension CLIPModel {
    /// The embeddings of texts, or why one has none: all in one call, one by one only where a text stops the others.
    /// - Throws: what is wrong with the model rather than with a text.
    func embedEach(_ texts: [String], longText: LongText) throws -> [Result<Embedding, CLIPError>] {
        if let all: [Embedding] = try? embed(texts, longText: longText, normalize: true) {
            return all.map { .success($0) }
        }
        return try texts.map { text in
            do throws(CLIPError) {
                return .success(try embed(text, longText: longText))
            } catch {
                if error.kind == .model { throw error }
                return .failure(error)
            }
        }
    }
}
