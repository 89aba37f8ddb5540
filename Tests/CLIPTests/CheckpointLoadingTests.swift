import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP
@testable import CLIPWeights

/// Hugging Face checkpoints as they come: other types, other layouts, one encoder, damaged.
@Suite struct CheckpointLoadingTests {
    private let scratch: ScratchFolder
    private var model: EditedModel
    private let image: Picture
    private let original: CLIPModel

    init() throws {
        scratch = try ScratchFolder()
        model = try EditedModel("quickgelu-f32", in: scratch)
        image = try Picture(contentsOf: Fixtures.picture("blocks.png"))
        original = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
    }

    private func text(_ model: CLIPModel) throws -> Embedding { try model.embed("a photo of a dog", normalize: false) }
    private func picture(_ model: CLIPModel) throws -> Embedding { try model.embed(image, normalize: false) }

    @Test mutating func `Stored as bf16 the weights are those of their f32 values`() throws {
        var rounded = model
        for name in model.tensors.keys where model.tensors[name]?.type == .f32 {
            let bits = model.floats(name).map { UInt16(truncatingIfNeeded: $0.bitPattern >> 16) }
            rounded.set(name, bits.map { Float(bitPattern: UInt32($0) << 16) })
            model.tensors[name]?.type = .bf16
            model.tensors[name]?.bytes = bits.withUnsafeBytes(Array.init)
        }
        let brain = try model.load()
        let expected = (try text(brain), try picture(brain))
        #expect(brain.info.weightTypes == ["bf16"])
        let single = try rounded.load()
        #expect(try (text(single), picture(single)) == expected)
    }

    @Test mutating func `Stored as f64 the weights are rounded to f32`() throws {
        for name in model.tensors.keys where model.tensors[name]?.type == .f32 {
            let doubles = model.floats(name).map(Double.init)
            model.tensors[name]?.bytes = doubles.withUnsafeBytes(Array.init)
            model.tensors[name]?.type = .f64
        }
        let double = try model.load()
        #expect(try (text(double), picture(double)) == (text(original), picture(original)))
    }

    @Test mutating func `Projections may be stored the other way round, logit_scale as a list, keys with a prefix`()
        throws
    {
        for name in ["visual_projection", "text_projection"] {
            let shape = try #require(model.tensors["\(name).weight"]?.shape)
            let numbers = model.floats("\(name).weight")
            let turned = (0..<numbers.count).map { numbers[$0 % shape[0] * shape[1] + $0 / shape[0]] }
            model.set(name, turned, shape: shape.reversed())
            model.tensors["\(name).weight"] = nil
        }
        model.tensors["logit_scale"]?.shape = [1]
        model.rename { "module.clip." + $0 }
        let turned = try model.load()
        #expect(try (text(turned), picture(turned)) == (text(original), picture(original)))
        #expect(turned.logitScale == original.logitScale)
    }

    @Test mutating func `A projection of another size than the configuration says counts`() throws {
        try model.replaceInConfig(#""projection_dim": 20"#, with: #""projection_dim": 512"#)
        let loaded = try model.load()
        #expect(loaded.embeddingDimension == 20)
        #expect(try text(loaded) == text(original))
        let setting = loaded.info.settings.first { $0.name == "embedding dimension" }
        #expect(setting?.source == "inferred from shape" && setting?.warning?.contains("512") == true)
        model.set("text_projection.weight", [Float](repeating: 0, count: 16 * 24), shape: [24, 16])
        #expect(refusal { _ = try model.load() }?.contains("visual_projection.weight gives 20 values") == true)
    }

    @Test(arguments: [true, false])
    mutating func `One encoder alone works, the other is an error`(prefixed: Bool) throws {
        let all = model
        model.rename { name in
            guard name.hasPrefix("text_") else { return nil }
            return prefixed || !name.hasPrefix("text_model.") ? name : String(name.dropFirst("text_model.".count))
        }
        let texts = try model.load()
        #expect(texts.info.hasTextEncoder && !texts.info.hasImageEncoder)
        #expect(try text(texts) == text(original))
        #expect(refusal { _ = try picture(texts) }?.contains("holds a text encoder alone: pictures need") == true)
        try texts.pack(to: scratch["texts.clip"], weights: .float32)
        let packedTexts = try CLIPModel(contentsOf: scratch["texts.clip"])
        #expect(try text(packedTexts) == text(original))
        #expect(refusal { _ = try picture(packedTexts) }?.contains("holds a text encoder alone") == true)
        #expect(try packedTexts.verify().allSatisfy { $0.passes && $0.largestError == 0 })

        model = all
        model.rename { name in
            guard name.hasPrefix("vis") else { return nil }
            return prefixed || !name.hasPrefix("vision_model.") ? name : String(name.dropFirst("vision_model.".count))
        }
        let pictures = try model.load()
        #expect(pictures.info.hasImageEncoder && !pictures.info.hasTextEncoder)
        #expect(try picture(pictures) == picture(original))
        #expect(refusal { _ = try text(pictures) }?.contains("holds an image encoder alone: texts need") == true)
        #expect(refusal { _ = try pictures.tokenize("a") }?.contains("holds an image encoder alone") == true)
        try pictures.pack(to: scratch["pictures.clip"], weights: .float32)
        #expect(try picture(CLIPModel(contentsOf: scratch["pictures.clip"])) == picture(original))
    }

    @Test mutating func `Missing tensors and wrong shapes are named`() throws {
        let all = model
        model.tensors["vision_model.encoder.layers.1.mlp.fc1.weight"] = nil
        let missing = try #require(refusal { _ = try model.load() })
        #expect(missing.contains("has no tensor \"vision_model.encoder.layers.1.mlp.fc1.weight\""))
        #expect(missing.hasPrefix(model.folder.path))

        model = all
        model.set("text_model.final_layer_norm.bias", [1, 2, 3], shape: [3])
        let short = try model.load()
        #expect(refusal { _ = try text(short) }?.contains("has shape [3], expected [16]") == true)

        model = all
        model.tensors["text_model.encoder.layers.0.mlp.fc2.weight"]?.shape = [40, 16]
        let turned = try model.load()
        #expect(refusal { _ = try text(turned) }?.contains("has shape [40, 16], expected [16, 40]") == true)

        model = all
        model.rename { $0 == "logit_scale" ? nil : $0 }
        let unscaled = try model.load()
        #expect(abs(unscaled.logitScale - 33.11545) < 1e-3)
        #expect(unscaled.info.settings.first { $0.name == "logit scale" }?.warning != nil)

        model = all
        model.rename { "visual." + $0 }
        #expect(refusal { _ = try model.load() }?.contains("it is not a CLIP") == true)
    }

    @Test(
        arguments: [
            "vision_model.encoder.layers.0.self_attn.q_proj.weight", "vision_model.embeddings.patch_embedding.weight",
            "vision_model.pre_layrnorm.bias", "text_model.embeddings.token_embedding.weight", "text_projection.weight",
            "logit_scale",
        ], [Float.nan, .infinity])
    mutating func `A weight that is not finite is an error that names it`(name: String, value: Float) throws {
        var numbers = model.floats(name)
        numbers[numbers.count / 2] = value
        model.set(name, numbers)
        let message = try #require(
            refusal {
                let loaded = try model.load()
                _ = try (text(loaded), picture(loaded))
            })
        #expect(
            message.contains("tensor \"\(name)\" has a NaN or an infinity at index \(numbers.count / 2)"), "\(message)")
        #expect(refusal { try model.load().pack(to: scratch["bad.clip"]) } != nil)
        #expect(try !scratch.contents().contains("bad.clip"))
    }

    @Test mutating func `Weights that f16 can't hold are refused as f16, packed as f32`() throws {
        let name = "vision_model.encoder.layers.0.mlp.fc1.weight"
        var numbers = model.floats(name)
        numbers[5] = 70000
        model.set(name, numbers)
        let loaded = try model.load()
        let message = try #require(refusal { try loaded.pack(to: scratch["a.clip"], weights: .float16) })
        #expect(message.contains("tensor \"\(name)\" has a weight that is not finite as f16: pack it as f32"))
        #expect(try !scratch.contents().contains("a.clip"))
        try loaded.pack(to: scratch["a.clip"], weights: .float32)
        #expect(try picture(CLIPModel(contentsOf: scratch["a.clip"])) == picture(loaded))
    }

    @Test func `Tokenizer files that are missing or of another model are errors, for texts only`() throws {
        let folder = model.folder
        _ = try model.load()
        func message(_ change: (URL) throws -> Void) throws -> String {
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            let copy = scratch["changed"]
            try? FileManager.default.removeItem(at: copy)
            try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
            for file in files {
                try FileManager.default.copyItem(at: folder.appending(path: file), to: copy.appending(path: file))
            }
            try change(copy)
            let changed = try CLIPModel(contentsOf: copy)
            #expect(try picture(changed) == picture(original))
            return refusal { _ = try text(changed) } ?? "embedded"
        }
        #expect(try message { _ in } == "embedded")
        #expect(
            try message { try FileManager.default.removeItem(at: $0.appending(path: "merges.txt")) }
                .contains("its vocabulary of 814 tokens is not CLIP's own"))
        #expect(
            try message { try Data("{".utf8).write(to: $0.appending(path: "vocab.json")) }.contains("vocab.json: "))
        #expect(
            try message { copy in
                let url = copy.appending(path: "config.json")
                let config = try String(contentsOf: url, encoding: .utf8)
                try config.replacing(#""eos_token_id": 813"#, with: #""eos_token_id": 7"#)
                    .write(to: url, atomically: true, encoding: .utf8)
            }.contains("ends texts with token 813, the configuration looks for 7"))
    }

    @Test func `A card is read from the folder, else made of its names`() throws {
        _ = try model.load()
        let readme = "---\nlanguage: en\nlicense: \"mit\"\ntags:\n- vision\n---\n# Model\nlicense: no\n"
        try Data(readme.utf8).write(to: model.folder.appending(path: "README.md"))
        #expect(try CLIPModel(contentsOf: model.folder).info.card?.license == "mit")
        let card = """
            {"name": "Tiny", "version": "2", "licence": "CC0-1.0", "limits": "tiny", "biases": ["a", "b\\n"],
             "training_data": null, "intended_use": ["tests"]}
            """
        try Data(card.utf8).write(to: model.folder.appending(path: "model_card.json"))
        let loaded = try CLIPModel(contentsOf: model.folder)
        var expected = ModelCard(name: "Tiny")
        expected.version = "2"
        expected.license = "CC0-1.0"
        expected.limits = ["tiny"]
        expected.biases = ["a", "b\n"]
        expected.intendedUse = ["tests"]
        #expect(loaded.info.card == expected)
        try loaded.pack(to: scratch["tiny.clip"])
        let data = try Data(contentsOf: model.folder.appending(path: "model.safetensors"))
        expected.sourceSHA256 = data.withUnsafeBytes { SHA256.hexadecimal(of: $0) }
        #expect(try CLIPModel(contentsOf: scratch["tiny.clip"]).info.card == expected)
        try Data(#"{"limits": 7}"#.utf8).write(to: model.folder.appending(path: "model_card.json"))
        #expect(
            refusal { _ = try CLIPModel(contentsOf: model.folder) }?
                .contains("\"limits\" holds a number, expected a text or a list of texts") == true)
    }
}
