import CLIP
import CLIPTestSupport
import Foundation
import Testing

@testable import PictureCollections

@Suite struct ClassificationTests {
    /// As many pictures as take several blocks and threads.
    private func index(_ folder: TemporaryFolder, _ model: CLIPModel, count: Int = 1300) throws -> PictureIndex {
        var numbers = SeededNumbers(seed: 5)
        let writer = try PictureIndexWriter(
            path: folder["index"], dimension: model.embeddingDimension, fingerprint: model.fingerprint,
            modelName: "seeded", vectorType: .float32)
        try writer.append(
            (0..<count).map { .init(path: folder["\($0).png"], embedding: numbers.embedding(model.embeddingDimension)) }
        )
        try writer.finish()
        return try PictureIndex(path: folder["index"])
    }

    @Test(arguments: [1, 3])
    func `Pictures of an index are classified as their embeddings are`(threads: Int) async throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        let index = try index(folder, model)
        let labels = (0..<40).map { "label \($0)" }
        let classifier = try ZeroShotClassifier(model: model, labels: labels)
        var all: [PictureClassification] = []
        try index.classify(by: classifier, threads: threads) { all.append($0) }
        #expect(all.map(\.number) == index.pictureNumbers)
        for found in all {
            let expected = classifier.classify(try index.embedding(of: found.number))
            #expect(found.classification.fitsNoLabel == expected.fitsNoLabel)
            for (a, b) in zip(found.classification.labels, expected.labels) {
                #expect(abs(a.similarity - b.similarity) < 1e-5)
                #expect(abs(a.probability - b.probability) < 1e-4)
            }
        }
        let some = [7, 1200, 3]
        let best = try await index.classifications(of: some, by: classifier, top: 2, threads: threads)
        #expect(best.map(\.number) == some)
        for found in best {
            let whole = all[found.number].classification
            #expect(found.classification.labels == Array(whole.labels.prefix(2)))
            #expect(found.classification.isAmbiguous == whole.isAmbiguous)
        }
    }

    @Test func `A classifier of another model is refused, and what a body throws ends the work`() throws {
        let folder = try TemporaryFolder()
        let model = try Fixtures.model()
        let index = try index(folder, model)
        let other = try ZeroShotClassifier(model: try Fixtures.model("gelu-f16-sharded"), labels: ["dog", "cat"])
        #expect(throws: CLIPError.self) { try index.classify(by: other) { _ in } }
        struct Enough: Error {}
        let classifier = try ZeroShotClassifier(model: model, labels: ["dog", "cat"])
        var count = 0
        #expect(throws: Enough.self) {
            try index.classify(by: classifier) { _ in
                count += 1
                if count == 600 { throw Enough() }
            }
        }
        #expect(count == 600)
    }

    @Test func `Paths name pictures of an index, folders all inside`() throws {
        let folder = try TemporaryFolder()
        let index = try index(folder, try Fixtures.model(), count: 20)
        #expect(
            try index.pictureNumbers(at: [URL(filePath: folder["7.png"]), URL(filePath: folder["3.png"])]) == [7, 3])
        #expect(try index.pictureNumbers(at: [URL(filePath: folder.path)]) == index.pictureNumbers)
        #expect(throws: CLIPError.self) { try index.pictureNumbers(at: [URL(filePath: folder["20.png"])]) }
    }
}
