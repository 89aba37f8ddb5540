import CLIP
import Foundation
import PictureCollections
import Synchronization

/// An index of pictures, and the model that made it: one of each for all requests.
final class PictureLibrary: Sendable {
    let model: CLIPModel
    private let url: URL
    /// What a hit that fits is nearer to the text than to: the same for every search.
    private let background: [Embedding]
    private let opened: Mutex<(index: PictureIndex, written: Date?)>

    /// - Parameters:
    ///   - url: the index.
    ///   - modelName: the model that made it, where it has moved since.
    init(_ url: URL, modelName: String?) throws {
        let written = PictureLibrary.modificationDate(of: url)
        let index = try PictureIndex(contentsOf: url)
        model = try modelName.map { try CLIPModel(named: $0) } ?? index.model()
        try index.check(model)
        background = try SearchQuery.backgroundEmbeddings(of: model)
        opened = Mutex((index, written))
        self.url = url
    }

    /// The index as it is by now: opened again once `clip index` has written to it. Searches that still go on keep the one they have.
    func index() throws -> PictureIndex {
        let written = PictureLibrary.modificationDate(of: url)
        return try opened.withLock { opened in
            if opened.written != written {
                let index = try PictureIndex(contentsOf: url)
                try index.check(model)
                opened = (index, written)
            }
            return opened.index
        }
    }

    /// Answers searches together: their texts are encoded in one call, and the vectors are read once for all of them.
    func answers(to searches: [Search]) async throws -> [SearchAnswer] {
        let index = try index()
        var texts = try await model.embeddings(of: searches.flatMap(\.texts))[...]
        let queries = searches.map { search in
            let own = texts.prefix(search.texts.count).map { SearchQuery.Term($0) }
            texts.removeFirst(own.count)
            let picture = search.picture.map { [SearchQuery.Term($0, kind: .picture)] } ?? []
            var query = SearchQuery(own.dropLast(search.excluded.count) + picture)
            query.excluded = own.suffix(search.excluded.count)
            query.threshold = search.threshold
            query.paths = search.paths
            query.background = background
            query.leastFit = model.leastFit
            return query
        }
        // One more than is shown says whether there are more.
        let most = searches.map(\.places.upperBound).max() ?? 0
        let hits = try await index.hits(for: queries, top: most + 1)
        return zip(searches, hits).map { search, hits in
            SearchAnswer(
                hits: hits.dropFirst(search.places.lowerBound).prefix(search.places.count).map { hit in
                    SearchAnswer.Hit(
                        id: hit.picture.address, name: name(of: hit.picture), width: hit.picture.width,
                        height: hit.picture.height, score: hit.score, fits: hit.fits)
                }, hasMore: hits.count > search.places.upperBound, searched: index.count)
        }
    }

    /// The embedding of a picture that somebody brings.
    func embedding(ofFile bytes: [UInt8]) async throws -> Embedding {
        let settings = try index().settings
        var options = settings.reading
        options.maximumPixels = 50_000_000
        let limited = options
        let picture = try await withoutBlocking { () throws(CLIPError) in try Picture(bytes: bytes, options: limited) }
        return try await model.embedding(of: picture, fit: settings.fit)
    }

    /// The embedding of a picture of the index.
    func embedding(at address: String) throws -> Embedding {
        let index = try index()
        return try index.embedding(of: picture(at: address, in: index).number)
    }

    /// A small copy of a picture of the index, as a JPEG: pixels alone, nothing else of what its file says. It is made of no
    /// file but one that still is what was indexed.
    func copy(of address: String, edge: Int) async throws -> [UInt8] {
        let index = try index()
        let picture = try picture(at: address, in: index)
        var options = index.settings.reading
        options.leastEdge = edge
        let reduced = options
        return try await withoutBlocking { () throws(CLIPError) in
            try Picture(bytes: picture.fileBytes(), options: reduced).thumbnail(edge: edge).jpeg()
        }
    }

    private func picture(at address: String, in index: PictureIndex) throws -> IndexedPicture {
        guard let number = address.split(separator: "-").first.flatMap({ Int($0) }),
            let picture = try? index.picture(number), picture.address == address
        else { throw NoSuchPicture() }
        return picture
    }

    /// As seen from the folder that the index is in: where that is on the machine is nobody's business.
    private func name(of picture: IndexedPicture) -> String {
        func path(_ url: URL) -> String {
            let path = url.absoluteURL.path(percentEncoded: true)
            return path.removingPercentEncoding ?? path
        }
        let folder = path(url.deletingLastPathComponent())
        let whole = path(picture.url)
        return whole.hasPrefix(folder) ? String(whole.dropFirst(folder.count)) : picture.url.lastPathComponent
    }

    private static func modificationDate(of url: URL) -> Date? {
        try? FileManager.default.attributesOfItem(atPath: url.path)[.modificationDate] as? Date
    }
}

/// An address that no picture of the index has.
struct NoSuchPicture: Error {}

extension IndexedPicture {
    /// What a picture is called in addresses. Numbers are given anew when an index is compacted; with a part of its checksum no
    /// address is ever another picture's.
    var address: String { "\(number)-\(contentHash.prefix(16))" }
}
