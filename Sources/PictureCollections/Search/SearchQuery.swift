public import CLIP

/// What to look for: texts and pictures that are wanted, and others that exclude.
public struct SearchQuery: Sendable {
    /// What an embedding is of. Two pictures score far higher than a picture and a text, so that like must be compared
    /// with like.
    public enum Kind: Sendable {
        /// The embedding is of a text.
        case text
        /// The embedding is of a picture.
        case picture
    }

    /// A text or a picture that is searched for, or that excludes.
    public struct Term: Sendable {
        /// The embedding of the text or picture, of length 1.
        public var embedding: Embedding
        /// What the embedding is of.
        public var kind: Kind
        /// How much it counts beside others that are wanted; below zero it counts against a picture.
        public var weight: Float

        /// A term; its embedding is scaled to length 1.
        public init(_ embedding: Embedding, kind: Kind = .text, weight: Float = 1) {
            self.embedding = embedding.normalized()
            self.kind = kind
            self.weight = weight
        }
    }

    /// A picture's score is the mean of its cosines with these, weighted: Σ wᵢ · cosᵢ / Σ |wᵢ|.
    public var wanted: [Term]
    /// A picture that matches any of these is left out, whatever its score. It does when its cosine with the term
    /// - reaches `exclusionThreshold`, if there is one;
    /// - else is greater than its cosine with every wanted term of the same kind and a weight above zero;
    /// - else, where no such term is wanted, is greater than its cosine with every one of `background`.
    public var excluded: [Term] = []
    /// The cosine at which an excluded term excludes.
    public var exclusionThreshold: Float?
    /// The least score of a hit.
    public var threshold: Float?
    /// The pattern of the paths that are searched; nil is all.
    public var paths: Glob?
    /// Prompts that fit any picture, as `backgroundEmbeddings(of:)` makes them: what a picture that shows the wanted text
    /// should be less like than like the text. Without them nothing is said of whether anything fits.
    public var background: [Embedding] = []
    /// The least cosine with a wanted text of a picture that fits, of a model for which that was measured; nil asks only
    /// that it is more like the text than like `background`.
    public var leastFit: Float?

    /// A query for pictures that are near all of some terms.
    public init(_ wanted: [Term]) { self.wanted = wanted }

    /// A query for pictures near one point.
    public init(_ embedding: Embedding, kind: Kind = .text) { wanted = [Term(embedding, kind: kind)] }

    /// The embeddings of prompts that name nothing in particular ("a photo", "an object").
    /// - Complexity: a few texts to embed; keep them for the next query.
    public static func backgroundEmbeddings(of model: CLIPModel) throws(CLIPError) -> [Embedding] {
        try model.embed(BackgroundPrompts.texts)
    }

    /// Σ wᵢ · eᵢ / Σ |wᵢ|: its product with a picture is the picture's score.
    var combined: Embedding {
        guard wanted.count > 1, let first = wanted.first else {
            let sign: Float = wanted.first.map { $0.weight < 0 ? -1 : 1 } ?? 1
            return Embedding(values: (wanted.first?.embedding.values ?? []).map { $0 * sign })
        }
        var sums = [Double](repeating: 0, count: first.embedding.values.count)
        for term in wanted {
            for (index, value) in term.embedding.values.enumerated() { sums[index] += Double(term.weight * value) }
        }
        let total = wanted.reduce(0) { $0 + Double(abs($1.weight)) }
        return Embedding(values: sums.map { Float(total > 0 ? $0 / total : 0) })
    }

    /// - Throws: `CLIPError` of kind `.argument` when it asks for nothing, or can't say what excludes.
    func check() throws(CLIPError) {
        guard !wanted.isEmpty else { throw CLIPError(.argument, "nothing to search for: name a text or a picture") }
        guard let dimension = wanted.first?.embedding.values.count,
            (wanted + excluded).allSatisfy({ $0.embedding.values.count == dimension })
        else { throw CLIPError(.argument, "the terms of a query are of different models") }
        guard wanted.contains(where: { $0.weight != 0 && $0.weight.isFinite }) else {
            throw CLIPError(.argument, "all weights are zero: one term at least must count")
        }
        for term in excluded where exclusionThreshold == nil && rivals(of: term).isEmpty {
            throw CLIPError(
                .argument,
                term.kind == .picture
                    ? "a picture can't exclude where no picture is wanted: set the cosine from which it does"
                    : "a text can't exclude where no text is wanted: set the cosine from which it does",
                advice: .setExclusionThreshold)
        }
    }

    /// What an excluded term must beat.
    func rivals(of term: Term) -> [Embedding] {
        let same = wanted.filter { $0.kind == term.kind && $0.weight > 0 }.map(\.embedding)
        return same.isEmpty && term.kind == .text ? background : same
    }
}

/// A picture that a search found.
public struct SearchHit: Sendable {
    /// The picture that was found.
    public let picture: IndexedPicture
    /// The picture's score: the weighted mean of `cosines`.
    public let score: Float
    /// The cosine with each wanted term, in their order: what the model measured.
    public let cosines: [Float]
    /// Whether it is more like a wanted text than like all background prompts, and as much as the query's `leastFit` asks;
    /// nil when no text is wanted or there are no such prompts.
    public let fits: Bool?
}
