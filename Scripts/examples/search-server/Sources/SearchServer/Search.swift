import CLIP
import Hummingbird
import PictureCollections

/// A search as it is asked for: the body of `POST /api/search`.
struct SearchRequest: Decodable, Sendable {
    /// What pictures should show.
    var text: String?
    /// What they should be like: an embedding, as `POST /api/embedding` gives it.
    var picture: [Float]?
    /// What they should be like: the id of a hit.
    var like: String?
    /// Pictures that match one of these better than the text are left out.
    var without: [String]?
    /// The least score of a hit.
    var threshold: Float?
    /// A pattern of paths, such as `2024/*`.
    var paths: String?
    /// How many hits are passed over.
    var offset: Int?
    /// How many hits are wanted.
    var count: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case text, picture, like, without, threshold, paths, offset, count
    }
}

/// A request of which every name is known: one that is misspelt would have no effect, and nobody would see it.
struct StrictSearchRequest: Decodable {
    let request: SearchRequest

    private struct AnyName: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: AnyName.self).allKeys.map(\.stringValue)
        let known = SearchRequest.CodingKeys.allCases.map(\.rawValue)
        if let odd = names.filter({ !known.contains($0) }).min() {
            throw HTTPError(
                .badRequest, message: "\"\(odd)\" is unknown, expected \(known.joined(separator: ", "))")
        }
        request = try SearchRequest(from: decoder)
    }
}

/// A search that makes sense.
struct Search: Sendable {
    let text: String?
    let picture: Embedding?
    let excluded: [String]
    let threshold: Float?
    let paths: Glob?
    /// The places of the hits that are shown.
    let places: Range<Int>

    /// - Throws: `HTTPError` that says what was expected.
    init(_ request: SearchRequest, in library: PictureLibrary) throws {
        text = request.text.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 }
        excluded = (request.without ?? []).filter { !$0.allSatisfy(\.isWhitespace) }
        try expect(
            (excluded + [text ?? ""]).allSatisfy { $0.utf8.count <= 1000 }, "expected texts of at most 1000 bytes")
        try expect(excluded.count <= 16, "\(excluded.count) texts in \"without\", expected at most 16")
        if let values = request.picture {
            let dimension = library.model.embeddingDimension
            try expect(
                values.count == dimension,
                "\"picture\" has \(values.count) numbers, expected \(dimension) of this model")
            picture = Embedding(values: values)
            try expect(picture?.length ?? 0 > 0, "\"picture\" is all zeros, expected an embedding")
        } else {
            picture = try request.like.map { try library.embedding(at: $0) }
        }
        try expect(
            text != nil || picture != nil, "nothing to search for, expected \"text\", \"picture\" or \"like\"")
        threshold = request.threshold
        paths = request.paths.map { Glob($0) }
        let (offset, count) = (request.offset ?? 0, request.count ?? 50)
        try expect((0...10_000).contains(offset), "\"offset\" is \(offset), expected 0 to 10000")
        try expect((1...200).contains(count), "\"count\" is \(count), expected 1 to 200")
        places = offset..<offset + count
    }

    /// What has to be embedded: what is wanted, then what is excluded.
    var texts: [String] { (text.map { [$0] } ?? []) + excluded }
}

/// What was found: the answer of `POST /api/search`.
struct SearchAnswer: ResponseEncodable, Sendable {
    struct Hit: Encodable, Sendable {
        /// Where its copies are: `/pictures/ID/320`.
        let id: String
        let name: String
        let width: Int
        let height: Int
        /// The cosine: what the model measured, no probability.
        let score: Float
        /// Whether it is nearer to the text than to words that fit any picture; absent where no text is wanted.
        let fits: Bool?
    }

    let hits: [Hit]
    let hasMore: Bool
    /// How many pictures were compared.
    let searched: Int
}

private func expect(_ holds: Bool, _ message: String) throws {
    guard holds else { throw HTTPError(.badRequest, message: message) }
}
