import CLIPTestSupport
import Foundation
import Testing

/// Labels by examples, and heads.
@Suite struct HeadCommandTests {
    private let model = ["--model", Fixtures.model]

    private func prepared() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (picture, name) in [
            ("blocks.png", "sets/blue_blocks/one.png"), ("waves.png", "sets/blue_blocks/two.png"),
            ("speck.png", "sets/speck/one.png"), ("ring_grey.png", "sets/speck/two.png"), ("waves.png", "new/a.png"),
            ("speck.png", "new/b.png"),
        ] { try folder.copyPicture(picture, to: name) }
        return folder
    }

    private func best(_ result: ClipProcess) throws -> [String?] {
        try result.records.map { ($0["labels"] as? [[String: Any]])?.first?["label"] as? String }
    }

    @Test(arguments: [[], ["--regression", "10"]])
    func `A few pictures stand in for words, and are saved for other commands`(how: [String]) throws {
        let folder = try prepared()
        let learnt = try clip(
            ["classify", "new", "--examples", "sets", "--save-head", "head.safetensors"] + how + model, in: folder)
        #expect(learnt.status == 0 && learnt.errors.isEmpty, "\(learnt.errors)")
        #expect(try best(learnt) == ["blue blocks", "speck"])
        let again = try clip(["classify", "new", "--head", "head.safetensors"] + model, in: folder)
        #expect(again.output == learnt.output)

        try folder.write("path,label\nnew/a.png,blue blocks\nnew/b.png,speck\n", to: "truth.csv")
        let evaluated = try clip(
            ["evaluate", "truth.csv", "--head", "head.safetensors", "--html", "page.html"] + model, in: folder)
        let summary = try #require(try evaluated.records.last)
        #expect((summary["top1"] as? NSNumber)?.doubleValue == 1 && (summary["templates"] as? [Any])?.isEmpty == true)
        #expect(try folder.text("page.html").contains("learnt from examples"))

        #expect(try clip(["index", "new", "--dtype", "f32"] + model, in: folder).status == 0)
        let indexed = try clip(["classify", "--index", "new", "--head", "head.safetensors", "--reject"], in: folder)
        #expect(try best(indexed) == ["blue blocks", "speck"])
        #expect(try indexed.records.map { $0["answer"] as? String } == ["blue blocks", "speck"])
        let examples = try clip(["classify", "--index", "new", "--examples", "sets"] + how, in: folder)
        #expect(try best(examples) == ["blue blocks", "speck"])
        let clusters = try clip(
            ["cluster", "--index", "new", "--count", "2", "--head", "head.safetensors"], in: folder)
        #expect(Set(try best(clusters)) == ["blue blocks", "speck"])

        let other = try clip(
            ["classify", "new", "--head", "head.safetensors", "--model", Fixtures.models[1]], in: folder)
        #expect(other.status == 1 && other.errors.contains("head.safetensors: belongs to model"), "\(other.errors)")
        let values = try clip(["score", "--head", "head.safetensors", "new"] + model, in: folder)
        #expect(try values.records.count == 2 && values.errors.contains("the head's card: examples: "))
    }

    @Test func `A head alone is saved without a picture to classify, words count beside`() throws {
        let folder = try prepared()
        let saved = try clip(["classify", "--examples", "sets", "--save-head", "a.safetensors"] + model, in: folder)
        #expect(saved.status == 0 && saved.output.isEmpty)
        let words = ["--labels", "speck,blue blocks", "--template", "{}"]
        let beside = try clip(
            ["classify", "--examples", "sets", "--save-head", "b.safetensors"] + words + model, in: folder)
        #expect(beside.status == 0)
        #expect(try folder.data("a.safetensors") != folder.data("b.safetensors"))
        let odd = try clip(["classify", "new", "--examples", "sets", "--labels", "speck,dog"] + model, in: folder)
        #expect(
            odd.status == 64 && odd.errors.contains("\"blue blocks\" in sets are of none of the labels"),
            "\(odd.errors)")
        let again = try clip(["classify", "--examples", "sets", "--save-head", "a.safetensors"] + model, in: folder)
        #expect(again.status == 64 && again.errors.contains("--overwrite"))
    }

    @Test func `Heads from elsewhere give values, their card is shown`() throws {
        let folder = try prepared()
        // Of 12 numbers, where the model has more.
        let fixtures = Fixtures.folder(of: "PictureCollectionsTests")
        try folder.copy(fixtures.appending(path: "linear.safetensors"), to: "linear.safetensors")
        let wrong = try clip(["score", "--head", "linear.safetensors", "new"] + model, in: folder)
        #expect(wrong.status == 1 && wrong.errors.contains("takes embeddings of 12 numbers"), "\(wrong.errors)")
        let dimension = try clip(["embed-text", "a"] + model, in: folder).record["embedding"] as? [Any]
        let count = try #require(dimension?.count)
        let header =
            #"{"__metadata__":{"name":"Taste","caution":"four people"},"weight":{"dtype":"F32","shape":[1,\#(count)],"#
            + #""data_offsets":[0,\#(4 * count)]}}"#
        var file = Data(withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) } + Array(header.utf8))
        for number in 0..<count { withUnsafeBytes(of: Float(number == 3 ? 1 : 0)) { file.append(contentsOf: $0) } }
        try folder.write(file, to: "taste.safetensors")
        let taste = try clip(["score", "--head", "taste.safetensors", "new"] + model, in: folder)
        #expect(
            taste.status == 0 && taste.errors.contains("caution: \"four people\"; name: \"Taste\""), "\(taste.errors)")
        #expect(taste.errors.contains("doesn't say which model it belongs to"))
        let embedded = try clip(["embed-image", "new"] + model, in: folder).records
        for (record, embedding) in zip(try taste.records, embedded) {
            let values = record["values"] as? [[String: Any]]
            #expect(
                values?.count == 1 && values?[0]["name"] as? String == "score" && record["head"] as? String == "Taste")
            let expected = (embedding["embedding"] as? [NSNumber])?[3].floatValue ?? 0
            #expect(abs(((values?[0]["value"] as? NSNumber)?.floatValue ?? 9) - expected) < 1e-6)
        }
        let text = try clip(["score", "--head", "taste.safetensors", "new", "--format", "text"] + model, in: folder)
        #expect(text.lines.last?.hasPrefix("  a judgement, of those who chose") == true)
        let labels = try clip(["classify", "new", "--head", "taste.safetensors"] + model, in: folder)
        #expect(labels.status == 1 && labels.errors.contains("was not made of examples"))
        try folder.copy(fixtures.appending(path: "mlp.safetensors"), to: "mlp.safetensors")
        let mlp = try clip(["score", "--head", "mlp.safetensors", "new"] + model, in: folder)
        #expect(mlp.status == 1 && mlp.errors.contains("none, relu, gelu, tanh"))
    }
}
