import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP

/// Text encoders that sentence-transformers saved, and models that are joined of two.
@Suite struct SentenceModelTests {
    private let scratch: ScratchFolder
    private let folder: URL

    init() throws {
        scratch = try ScratchFolder()
        folder = scratch["sentences"]
        try FileManager.default.copyItem(at: Fixtures.folder.appending(path: "sentences"), to: folder)
    }

    private var golden: Golden {
        get throws {
            try JSONDecoder().decode(Golden.self, from: Data(contentsOf: folder.appending(path: "golden.json")))
        }
    }

    private func replace(_ text: String, with other: String, in name: String) throws {
        let url = folder.appending(path: name)
        let content = try String(contentsOf: url, encoding: .utf8)
        #expect(content.contains(text), "\(name): \(content)")
        try content.replacing(text, with: other).write(to: url, atomically: true, encoding: .utf8)
    }

    @Test func `Texts embed as the reference has them`() throws {
        let model = try CLIPModel(contentsOf: folder)
        #expect(model.info.hasTextEncoder && !model.info.hasImageEncoder)
        #expect(model.embeddingDimension == 20 && model.info.contextLength == 12)
        for text in try golden.texts {
            #expect(try model.tokenize(text.text).tokens == text.tokens)
            let embedding = try model.embed(text.text, normalize: false)
            #expect(relativeError(embedding.values, text.embedding) < 1e-5, "\(text.text)")
        }
    }

    @Test(arguments: [
        (
            "1_Pooling/config.json", #""pooling_mode_max_tokens": false"#, #""pooling_mode_max_tokens": true"#,
            "pools by"
        ),
        ("2_Dense/config.json", "linear.Identity", "activation.Tanh", "activation_function is"),
        ("2_Dense/config.json", #""out_features": 20"#, #""out_features": 21"#, "has shape [20, 32]"),
        ("config.json", #""model_type": "distilbert""#, #""model_type": "deberta""#, "model_type is \"deberta\""),
        ("sentence_bert_config.json", #""do_lower_case": false"#, #""do_lower_case": true"#, "do_lower_case is true"),
        ("modules.json", "models.Dense", "models.LSTM", "LSTM"),
        ("modules.json", "2_Dense", "../2_Dense", "expected one inside"),
    ])
    func `What isn't known is refused by name`(name: String, text: String, other: String, expected: String) throws {
        try replace(text, with: other, in: name)
        let message = refusal { _ = try CLIPModel(contentsOf: folder).embed("a dog") }
        #expect(message?.contains(expected) == true, "\(message ?? "loaded")")
    }

    @Test(arguments: [
        ("modules.json", 250), ("config.json", 250), ("sentence_bert_config.json", 100), ("1_Pooling/config.json", 250),
        ("2_Dense/config.json", 250), ("2_Dense/model.safetensors", 250), ("model.safetensors", 300),
        ("vocab.txt", 100), ("tokenizer_config.json", 100),
    ])
    func `Damaged files of such a folder load or throw`(name: String, count: Int) throws {
        let file = folder.appending(path: name)
        let whole = [UInt8](try Data(contentsOf: file))
        var random = SeededGenerator(seed: UInt64(name.utf8.count * 977 + count))
        var refused = 0
        for _ in 0..<count {
            try Data(random.damaged(whole, within: min(whole.count, 6000))).write(to: file)
            let message = refusal {
                let model = try CLIPModel(contentsOf: folder, threads: 1)
                _ = (model.info.settings, model.fingerprint)
                _ = try model.embed("a photo of a dog, naïve")
            }
            #expect(message?.utf8.contains(UInt8(ascii: "\n")) != true, "\(message ?? "")")
            refused += message == nil ? 0 : 1
        }
        #expect(refused > 0)
    }

    @Test func `M-CLIP's configuration names an encoder that is known`() throws {
        let config = #"{"model_type": "M-CLIP", "modelBase": "deberta", "numDims": 20}"#
        try FileManager.default.removeItem(at: folder.appending(path: "modules.json"))
        try config.write(to: folder.appending(path: "config.json"), atomically: true, encoding: .utf8)
        let message = refusal { _ = try CLIPModel(contentsOf: folder) }
        #expect(message?.contains("modelBase is \"deberta\"") == true, "\(message ?? "loaded")")
    }

    @Test func `Two models of one space are one, packed too`() throws {
        let images = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let texts = try CLIPModel(contentsOf: folder)
        let joined = try CLIPModel(images: images, texts: texts)
        let file = scratch["joined.clip"]
        try joined.pack(to: file, weights: .float32)
        let packed = try CLIPModel(contentsOf: file)
        let picture = try Picture(contentsOf: Fixtures.picture("blocks.png"))
        for model in [joined, packed] {
            #expect(try model.embed("a dog").values == texts.embed("a dog").values)
            #expect(try model.embed(picture).values == images.embed(picture).values)
            #expect(model.logitScale == images.logitScale && model.fingerprint != images.fingerprint)
        }
        #expect(try packed.verify().allSatisfy(\.passes))
        #expect(packed.info.settings.contains { $0.name == "text context length" || $0.name == "text pooling" })
    }

    @Test func `Two models of different spaces, or of one encoder, are refused`() throws {
        let images = try CLIPModel(contentsOf: Fixtures.model("gelu-f16-sharded"))
        let texts = try CLIPModel(contentsOf: folder)
        #expect(refusal { _ = try CLIPModel(images: images, texts: texts) }?.contains("as 20 numbers") == true)
        #expect(refusal { _ = try CLIPModel(images: texts, texts: images) }?.contains("text encoder alone") == true)
    }

    @Test func `A model that isn't told languages refuses one`() throws {
        let model = try CLIPModel(contentsOf: folder)
        #expect(refusal { _ = try model.reading("deu_Latn") }?.contains("don't begin with") == true)
    }
}
