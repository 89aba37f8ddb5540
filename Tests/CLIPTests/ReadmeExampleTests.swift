import CLIP
import Foundation
import Testing

/// The README's first Swift example: what it says compiles, runs, and gives the sensible answer.
@Suite struct ReadmeExampleTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func `The example answers`() throws {
        // The example names its picture as seen from the package's folder, where tests run.
        try #require(FileManager.default.changeCurrentDirectoryPath(Self.root.path))
        // README: begin
        let model = try CLIPModel.embedded()  // or CLIPModel(contentsOf: url), CLIPModel(named: "org/name")

        let picture = try Picture(contentsOf: URL(fileURLWithPath: "Models/examples/cat.jpg"))
        let classifier = try ZeroShotClassifier(model: model, labels: ["dog", "cat"])
        let answer = try classifier.classify(picture)
        print(answer.labels[0].label, answer.labels[0].similarity)

        let embedding = try model.embed(picture)
        let caption = try model.embed("a photo of a cat")
        print(embedding.similarity(to: caption))
        // README: end
        #expect(answer.labels[0].label == "cat")
        #expect(answer.labels[0].probability > 0.5 && !answer.fitsNoLabel)
    }

    @Test func `The example is the README's, line by line`() throws {
        let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
        let lines = readme.split(separator: "\n", omittingEmptySubsequences: false)
        let block = lines.drop { $0 != "```swift" }.dropFirst().prefix { $0 != "```" }
        let source = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
        let code = source.split(separator: "\n", omittingEmptySubsequences: false)
            .drop { !$0.hasSuffix("// README: begin") }.dropFirst().prefix { !$0.hasSuffix("// README: end") }
        let imports = block.prefix { $0.hasPrefix("import ") }
        #expect(imports == ["import CLIP", "import Foundation"])
        #expect(
            block.dropFirst(imports.count).drop { $0.isEmpty }.map(String.init)
                == code.map { String($0.drop { $0 == " " }) })
    }
}
