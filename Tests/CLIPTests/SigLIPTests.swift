import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP

/// SigLIP and SigLIP 2 against transformers: attention head, no class token, texts filled up, sigmoid scores.
@Suite struct SigLIPTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private struct Probabilities: Decodable {
        let logit_bias: Float
        let probabilities: [[Float]]
    }

    private func check(_ model: CLIPModel, _ golden: Golden, limit: Float) throws {
        for entry in golden.pictures {
            let pixels = try model.preprocess(Picture(contentsOf: Fixtures.picture(entry.picture)))
            let plane = pixels.values.count / 3
            let means = (0..<3).map { pixels.values[$0 * plane..<($0 + 1) * plane].reduce(0, +) / Float(plane) }
            #expect(relativeError(means, entry.pixels_mean) < 1e-5)
            #expect(relativeError(Array(pixels.values.prefix(16)), entry.pixels_first_row) < 1e-5)
            let embedding = try model.embed(pixels, normalize: false)[0]
            #expect(relativeError(embedding.values, entry.embedding) < limit, "\(entry.picture)")
        }
        let embeddings: [Embedding] = try model.embed(golden.texts.map(\.text), normalize: false)
        for (entry, embedding) in zip(golden.texts, embeddings) {
            #expect(try model.tokenWindows(of: entry.text)[0].tokens == entry.tokens, "\(entry.text.debugDescription)")
            #expect(relativeError(embedding.values, entry.embedding) < limit, "\(entry.text.debugDescription)")
        }
    }

    @Test(arguments: ["siglip", "siglip2", "naflex"])
    func `Pixels, tokens and embeddings equal the reference's, packed or not`(name: String) throws {
        let model = try CLIPModel(contentsOf: Fixtures.model(name))
        let golden = try Fixtures.golden(name)
        #expect(golden.pictures.count == 4 && golden.texts.count == 19)
        try check(model, golden, limit: 1e-5)
        #expect(model.info.keepsShape ? name == "naflex" : model.info.preprocessing.fit == .squash)
        #expect(model.info.configuration.family.isSigLIP)

        try model.pack(to: scratch["packed.clip"], weights: .float32)
        let packed = try CLIPModel(contentsOf: scratch["packed.clip"])
        try check(packed, golden, limit: 1e-5)
        #expect(packed.info.configuration == model.info.configuration && packed.logitBias == model.logitBias)
        #expect(packed.info.settings == model.info.settings)
        #expect(try packed.verify().allSatisfy(\.passes))

        try model.pack(to: scratch["half.clip"], weights: .float16)
        let half = try CLIPModel(contentsOf: scratch["half.clip"])
        #expect(try half.verify().allSatisfy(\.passes))
        #expect(Set([model.fingerprint, packed.fingerprint, half.fingerprint]).count == 3)
    }

    @Test(arguments: ["siglip", "siglip2", "naflex"])
    func `The probability of a pair is the reference's sigmoid`(name: String) throws {
        let model = try CLIPModel(contentsOf: Fixtures.model(name))
        let golden = try Fixtures.golden(name)
        let expected = try JSONDecoder().decode(
            Probabilities.self, from: Data(contentsOf: Fixtures.model(name).appending(path: "golden.json")))
        #expect(model.logitBias == expected.logit_bias)
        let texts = golden.texts.map(\.text).filter { !$0.allSatisfy(\.isWhitespace) }
        let classifier = try ZeroShotClassifier(model: model, labels: texts, templates: ["{}"])
        for (picture, probabilities) in zip(golden.pictures, expected.probabilities) {
            let result = try classifier.classify(Picture(contentsOf: Fixtures.picture(picture.picture)))
            #expect(abs(result.labels.reduce(0) { $0 + $1.probability } - 1) < 1e-5)
            for (text, probability) in zip(golden.texts.map(\.text), probabilities) where texts.contains(text) {
                let score = try #require(result.labels.first { $0.label == text })
                #expect(abs(score.independent - probability) < 1e-5)
            }
        }
    }

    @Test func `Texts are the same to the bit in any batch`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("siglip"), threads: 2)
        let texts = try Fixtures.golden("siglip").texts.map(\.text)
        let together: [Embedding] = try model.embed(texts)
        let alone = try CLIPModel(contentsOf: Fixtures.model("siglip"), threads: 1)
        for (text, embedding) in zip(texts, together) { #expect(try alone.embed(text) == embedding) }
    }

    @Test func `Settings say where padding and pooling are from`() throws {
        let first = try CLIPModel(contentsOf: Fixtures.model("siglip"))
        let second = try CLIPModel(contentsOf: Fixtures.model("siglip2"))
        func setting(_ name: String, _ model: CLIPModel) -> ModelSetting? {
            model.info.settings.first { $0.name == name }
        }
        #expect(
            setting("text padding", first) == ModelSetting(name: "text padding", value: "1", source: "spiece.model"))
        #expect(setting("text padding", second)?.value == "0")
        #expect(setting("image pooling", first)?.value == "attention head")
        #expect(setting("logit bias", first)?.value == "-1.7")
        #expect(first.info.settings.allSatisfy { $0.warning == nil || $0.name.contains("heads") })
    }

    @Test func `Weights of one size and a configuration of any shape don't go together`() throws {
        let model = try EditedModel("siglip", in: scratch)
        try model.replaceInConfig(#""model_type": "siglip","#, with: #""model_type": "siglip2","#)
        #expect(refusal { _ = try model.load() }?.contains("expected \"Siglip2ImageProcessor\"") == true)
    }
}
