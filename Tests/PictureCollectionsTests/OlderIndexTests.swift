import CLIP
import CLIPTestSupport
import Foundation
import Testing

@testable import PictureCollections

/// Indexes that older programs wrote, kept as they were: `CLIPTests/Fixtures/formats`.
@Suite struct OlderIndexTests {
    private static let folder = Fixtures.path.appending(path: "formats")

    @Test(arguments: ["index-1-f16", "index-1-f32"])
    func `An index of every version is read, searched and written on`(name: String) throws {
        let model = try Fixtures.model()
        let folder = try TemporaryFolder()
        for (number, path) in Fixtures.pictures.enumerated() {
            try folder.copy(number, to: URL(filePath: path).lastPathComponent)
        }
        try folder.copy(Self.folder.appending(path: "\(name).index"), to: ".clip-index")
        let index = try PictureIndex(path: folder[".clip-index"])
        #expect(index.count == 4 && index.isComplete && index.dimension == model.embeddingDimension)
        #expect(index.vectorType.rawValue == name.suffix(3))
        #expect(try index.verify().isIntact)
        for (number, path) in Fixtures.pictures.enumerated() {
            let picture = try Picture(contentsOf: URL(filePath: path))
            let hits = try index.search(SearchQuery(try model.embed(picture), kind: .picture), top: 1)
            #expect(hits.first.map { $0.picture.url.lastPathComponent } == URL(filePath: path).lastPathComponent)
            #expect(hits.first.map { $0.score > 0.9999 } == true, "\(number)")
        }
        // Packed today, the model that made it is still the same to it.
        let packed = URL(filePath: folder["tiny.clip"])
        try model.pack(to: packed, weights: .float32)
        let update = try PictureIndexer(model: CLIPModel(contentsOf: packed, threads: 1))
            .update(folder[".clip-index"], folders: [folder.path])
        #expect(update.unchanged + update.moved + update.copied + update.changed == 4 && update.deleted == 0)
    }

    @Test func `Every index that is kept is read`() throws {
        let kept = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter {
            $0.hasSuffix(".index")
        }
        #expect(Set(kept) == ["index-1-f16.index", "index-1-f32.index"])
    }
}
