import CLIPTestSupport
import Foundation
import Testing

@Suite struct SimilarityTests {
    private func compare(_ arguments: [String], input: Data? = nil, in folder: String = Fixtures.pictures) throws
        -> ClipProcess
    {
        try ClipProcess.run(
            ClipProcess.path, ["similarity", "--model", Fixtures.model] + arguments, input: input, in: folder)
    }

    private func numbers(_ result: ClipProcess) throws -> [Float] {
        try result.records.map { ($0["similarity"] as! NSNumber).floatValue }
    }

    @Test func `The first is compared with each of the others`() throws {
        let result = try compare(["waves.png", "waves.png", "blocks.png", "a dog"])
        #expect(result.status == 0 && result.errors.isEmpty)
        #expect(try result.records.map { $0["a"] as? String } == Array(repeating: "waves.png", count: 3))
        #expect(try result.records.map { $0["b"] as? String } == ["waves.png", "blocks.png", "a dog"])
        let similarities = try numbers(result)
        try #require(similarities.count == 3)
        #expect(abs(similarities[0] - 1) < 1e-6 && similarities.allSatisfy { abs($0) <= 1 })
        let vectors = try ["waves.png", "blocks.png"].map {
            try ClipProcess.run("embed-image", "--model", Fixtures.model, Fixtures.pictures + "/" + $0).record
        }
        let expected = Float(cosine(floats(vectors[0]["embedding"]), floats(vectors[1]["embedding"])))
        #expect(abs(similarities[1] - expected) < 1e-6)
    }

    @Test func `A prefix says whether it is a picture or a text`() throws {
        let folder = try TemporaryFolder()
        try folder.copyPicture("waves.png", to: "dog")
        let result = try compare(["dog", "text:dog", "image:dog"], in: folder.path)
        #expect(try result.records.map { $0["b"] as? String } == ["dog", "dog"])
        let similarities = try numbers(result)
        try #require(similarities.count == 2)
        #expect(similarities[0] < 0.99 && similarities[1] > 0.9999)
        let data = try folder.data("dog")
        #expect(try abs(numbers(compare(["dog", "-"], input: data, in: folder.path))[0] - 1) < 1e-6)
    }

    @Test func `What may be a slip is told`() throws {
        let typo = try compare(["waves.png", "wavse.png"])
        #expect(typo.status == 0 && typo.errors.hasPrefix("clip: warning: wavse.png: no such file, taken as a text"))
        let missing = try compare(["waves.png", "image:nowhere.png", "a dog"])
        #expect(missing.status == 1 && missing.errors.hasPrefix("clip: nowhere.png: can't be read: No such file"))
        #expect(try missing.records.count == 1)
        let first = try compare(["image:nowhere.png", "a dog"])
        #expect(first.status == 1 && first.output.isEmpty && first.errorLines.count == 1)
        let folder = try compare(["waves.png", "../pictures"])
        #expect(folder.status == 1 && folder.errors.contains("is a folder: name a picture in it"))
    }

    @Test func `Every format has the same cosines`() throws {
        let expected = try numbers(compare(["a dog", "a cat", "waves.png"]))
        let csv = csvRows(try compare(["a dog", "a cat", "waves.png", "--format", "csv"]).text)
        #expect(
            csv.first == ["a", "b", "similarity", "model", "a_bytes", "b_bytes"]
                && csv.dropFirst().map { Float($0[2]) } == expected)
        let text = try compare(["a dog", "a cat", "waves.png", "--format", "text"])
        try #require(text.lines.count == 4)
        #expect(
            text.lines[0] == "a dog" && text.lines[1].hasSuffix("  a cat") && text.lines[2].hasSuffix("  waves.png"))
        #expect(text.lines[3].contains("cosines from -1 to 1"))
    }
}
