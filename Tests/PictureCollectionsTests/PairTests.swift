import CLIP
import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import PictureCollections

@Suite struct PairTests {
    @Test func `Pairs get the scores that their picture and caption have alone, and faults their place`() throws {
        let model = try Fixtures.model()
        let folder = try TemporaryFolder()
        try folder.copy(0, to: "a.png")
        try folder.copy(3, to: "b.png")
        try folder.write(Data("no picture".utf8), to: "broken.png")
        let scorer = PairScorer(
            model: model, template: "a photo of {}", options: PictureOptions(), fit: nil, batchSize: 2, longText: .error
        )
        func pair(_ name: String, _ caption: String, _ references: [String] = []) -> CaptionPair {
            CaptionPair(picture: PathBytes(folder[name]), caption: caption, references: references)
        }
        let long = String(repeating: "word ", count: 100)
        let pairs = [
            pair("a.png", "a dog", ["a cat", "a bird"]), pair("broken.png", "a dog"), pair("b.png", "a dog"),
            pair("a.png", long), pair("a.png", "a cat"),
        ]
        let scores = try scorer.scores(pairs)
        #expect(scores.map { (try? $0.get()) != nil } == [true, false, true, false, true])
        for (pair, score) in zip(pairs, scores) {
            guard let score = try? score.get() else { continue }
            let image = try model.embed(Picture(contentsOf: URL(filePath: pair.picture.text)))
            let texts: [Embedding] = try scorer.texts(of: pair).map { try model.embed($0) }
            let alone = CLIPScore(image: image, text: texts[0], references: Array(texts.dropFirst()))
            #expect(score.similarity == alone.similarity && score.referenceScore == alone.referenceScore)
        }
        guard case .failure(let picture) = scores[1], case .failure(let text) = scores[3] else { return }
        #expect(picture.kind == .picture && text.kind == .text)
        #expect(try scorer.scores([]).isEmpty)
    }

    @Test func `An index names the model that made it`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        func index(_ name: String, fingerprint: String) throws -> PictureIndex {
            let path = folder["index-\(UUID().uuidString)"]
            let writer = try PictureIndexWriter(
                path: path, dimension: 2, fingerprint: fingerprint, modelName: name)
            try writer.append([.init(path: "a.png", embedding: Embedding(values: [1, 0]))])
            try writer.finish()
            return try PictureIndex(path: path)
        }
        #expect(
            try index(model.info.path, fingerprint: model.fingerprint).model(threads: 1).info.path == model.info.path)
        let gone = try index(folder["gone"], fingerprint: model.fingerprint)
        #expect(throws: CLIPError.self) { try gone.model() }
        let another = try index(model.info.path, fingerprint: Fixtures.fingerprint)
        #expect(throws: CLIPError.self) { try another.model() }
    }
}
