public import CLIP
import CLIPCompute

/// How often pictures find their captions, and captions their pictures, each among all the others.
public struct RetrievalEvaluation: Sendable, Equatable {
    /// How often what belongs to a question is among the first k answers.
    public struct Recall: Sendable, Equatable {
        /// How many answers are looked at.
        public let k: Int
        /// Of all captions, how many find their picture among them.
        public let picturesFound: Proportion
        /// Of all pictures with a caption, how many find one of theirs among them.
        public let captionsFound: Proportion
    }

    /// For k = 1, 5 and 10, as far as there are so many pictures and captions.
    public let recalls: [Recall]
    /// For each caption how many pictures come before its own. Of equal ones the first given comes first.
    public let pictureRanks: [Int]
    /// The cosine of each caption with its own picture.
    public let similarities: [Float]
    /// For each picture how many captions come before the first of its own; nil of one without a caption.
    public let captionRanks: [Int?]

    /// Asks with every caption for its picture, and with every picture for its captions.
    /// - Parameters:
    ///   - pictures: of one model.
    ///   - captions: of the same model as the pictures.
    ///   - owners: the number of each caption's picture in `pictures`; a picture may have several captions.
    ///   - threads: by default `CLIP_THREADS`, else the cores this process may use.
    /// - Throws: `CLIPError` of kind `.argument` when there are none of either, not as many owners as captions, one that is no
    ///   picture's number, or lengths differ.
    /// - Complexity: O(pictures · captions · dimension), twice.
    public init(pictures: [Embedding], captions: [Embedding], owners: [Int], threads: Int? = nil) throws(CLIPError) {
        guard !pictures.isEmpty, !captions.isEmpty else {
            throw CLIPError(
                .argument, "\(pictures.count) pictures and \(captions.count) captions, expected at least one of each")
        }
        guard owners.count == captions.count else {
            throw CLIPError(.argument, "\(owners.count) owners for \(captions.count) captions, expected one each")
        }
        if let owner = owners.first(where: { !pictures.indices.contains($0) }) {
            throw CLIPError(.argument, "\(owner) is the number of none of the \(pictures.count) pictures")
        }
        try EmbeddingProducts.checkDimensions(pictures, captions)
        let compute = try Compute(threads: threads)
        let (pictures, captions) = (pictures.map { $0.normalized() }, captions.map { $0.normalized() })
        var own = [[Int]](repeating: [], count: pictures.count)
        for (caption, owner) in owners.enumerated() { own[owner].append(caption) }

        var pictureRanks: [Int] = []
        var similarities: [Float] = []
        try EmbeddingProducts(pictures, compute: compute).forEachRow(of: captions) { caption, products in
            pictureRanks.append(EmbeddingProducts.rank(of: owners[caption], in: products))
            similarities.append(products[owners[caption]])
        }
        var captionRanks: [Int?] = []
        try EmbeddingProducts(captions, compute: compute).forEachRow(of: pictures) { picture, products in
            // Of a picture's captions the nearest comes first.
            let nearest = own[picture].max { (products[$0], $1) < (products[$1], $0) }
            captionRanks.append(nearest.map { EmbeddingProducts.rank(of: $0, in: products) })
        }
        let asked = captionRanks.compactMap { $0 }
        recalls = [1, 5, 10].filter { $0 <= min(pictures.count, captions.count) }.map { k in
            Recall(
                k: k, picturesFound: Proportion(pictureRanks.count { $0 < k }, of: pictureRanks.count),
                captionsFound: Proportion(asked.count { $0 < k }, of: asked.count))
        }
        self.pictureRanks = pictureRanks
        self.similarities = similarities
        self.captionRanks = captionRanks
    }
}
