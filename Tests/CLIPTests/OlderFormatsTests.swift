import CLIPSystem
import CLIPTestSupport
import CLIPWeights
import Foundation
import Testing

@testable import CLIP

/// Files that older programs packed, kept as they were: `Fixtures/formats`.
@Suite struct OlderFormatsTests {
    private static let folder = Fixtures.folder.appending(path: "formats")

    /// What was packed as which type in which version, of which model, and how near its embeddings must come to the
    /// reference.
    private static let files: [(name: String, version: String, type: String, model: String, cosine: Float)] = [
        ("clip-1-f16", "1", "f16", "quickgelu-f32", 0.9999), ("clip-1-int8", "1", "int8", "quickgelu-f32", 0.99),
        ("clip-2-int16", "2", "int16", "quickgelu-f32", 0.9999), ("clip-2-int8", "2", "int8", "quickgelu-f32", 0.99),
        ("clip-1-f16-siglip2", "1", "f16", "siglip2", 0.9999),
    ]

    @Test(arguments: files)
    func `A packed file of every version answers as the reference does`(
        name: String, version: String, type: String, reference: String, cosine: Float
    ) throws {
        let url = Self.folder.appending(path: "\(name).clip")
        let file = try SafetensorsFile(PathBytes(url.path))
        #expect(file.metadata["format_version"] == version && file.metadata["dtype"] == type)
        let model = try CLIPModel(contentsOf: url, threads: 1)
        #expect(model.fingerprint == file.metadata["fingerprint"])
        #expect(try model.verify().allSatisfy(\.passes))
        let golden = try Fixtures.golden(reference)
        for text in golden.texts {
            #expect(try model.tokenWindows(of: text.text).map(\.tokens) == [text.tokens])
            #expect(try model.embed(text.text).similarity(to: embedding(text.embedding)) > cosine, "\(text.text)")
        }
        for picture in golden.pictures {
            let found = try model.embed(Picture(contentsOf: Fixtures.picture(picture.picture)))
            #expect(found.similarity(to: embedding(picture.embedding)) > cosine, "\(picture.picture)")
        }
    }

    @Test func `Every file that is kept is read`() throws {
        let kept = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
            .filter { $0.hasSuffix(".clip") }
        #expect(Set(kept) == Set(Self.files.map { $0.name + ".clip" }))
    }

    private func embedding(_ values: [Float]) -> Embedding { Embedding(values: values).normalized() }
}
