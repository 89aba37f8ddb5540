import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP
@testable import CLIPWeights

/// Models written back as Hugging Face folders.
@Suite struct ExportTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    @Test(arguments: [("quickgelu-f32", WeightType.float32), ("gelu-f16-sharded", .float16)])
    func `A packed model goes back to the bit`(name: String, type: WeightType) throws {
        let original = try CLIPModel(contentsOf: Fixtures.model(name))
        try original.pack(to: scratch["a.clip"], weights: type)
        try CLIPModel(contentsOf: scratch["a.clip"]).export(to: scratch["folder"])

        let before = try Checkpoint(folder: PathBytes(Fixtures.model(name).path))
        let after = try Checkpoint(folder: PathBytes(scratch["folder"].path))
        let names = before.names.filter { !$0.hasSuffix("position_ids") }
        #expect(Set(after.names) == Set(names))
        for name in names {
            let (old, new) = (try #require(try before.tensor(name)), try #require(try after.tensor(name)))
            #expect(old.type == new.type && old.shape == new.shape, "\(name)")
            #expect(old.withBytes { old in new.withBytes { old.elementsEqual($0) } }, "\(name)")
        }

        let exported = try CLIPModel(contentsOf: scratch["folder"])
        #expect(
            exported.info.configuration == original.info.configuration
                && exported.info.preprocessing == original.info.preprocessing)
        #expect(exported.logitScale == original.logitScale && exported.info.card?.name == original.info.card?.name)
        for text in [
            "a photo of a dog", "naïve café — ¿qué?", "Two RED cars, parked; one's blue!", "東京 🔥 <|endoftext|>", "",
        ] {
            #expect(try exported.tokenize(text) == original.tokenize(text), "\(text)")
            #expect(try exported.embed(text) == original.embed(text), "\(text)")
        }
        let image = try Picture(contentsOf: Fixtures.picture("waves.png"))
        #expect(try exported.embed(image) == original.embed(image))
        // Again from the folder that was written: the same bytes.
        try exported.export(to: scratch["again"])
        for name in ["model.safetensors", "vocab.json", "merges.txt", "config.json", "preprocessor_config.json"] {
            let (first, second) = (scratch["folder"].appending(path: name), scratch["again"].appending(path: name))
            #expect(try Data(contentsOf: first) == Data(contentsOf: second), "\(name)")
        }
    }

    @Test func `One encoder alone is exported alone`() throws {
        let file = Fixtures.folder.appending(path: "sources/gguf-q8_0/model.gguf")
        let original = try CLIPModel(contentsOf: file)
        try original.export(to: scratch["folder"])
        let exported = try CLIPModel(contentsOf: scratch["folder"])
        #expect(exported.info.hasImageEncoder && !exported.info.hasTextEncoder)
        let image = try Picture(contentsOf: Fixtures.picture("waves.png"))
        #expect(try exported.embed(image) == original.embed(image))
    }

    @Test func `An encoder alone is written for transformers' class of its own`() throws {
        let original = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        for (parts, type, architecture) in [
            (ModelParts.texts, "clip_text_model", "CLIPTextModelWithProjection"),
            (.images, "clip_vision_model", "CLIPVisionModelWithProjection"),
        ] {
            try original.pack(to: scratch["part.clip"], weights: .float32, parts: parts)
            try CLIPModel(contentsOf: scratch["part.clip"]).export(to: scratch["part"])
            let config = try #require(
                JSONSerialization.jsonObject(with: Data(contentsOf: scratch["part/config.json"])) as? [String: Any])
            #expect(config["model_type"] as? String == type && config["architectures"] as? [String] == [architecture])
            let exported = try CLIPModel(contentsOf: scratch["part"])
            if parts == .texts {
                #expect(try exported.embed("a dog") == original.embed("a dog"))
            } else {
                let image = try Picture(contentsOf: Fixtures.picture("waves.png"))
                #expect(try exported.embed(image) == original.embed(image))
            }
            try FileManager.default.removeItem(at: scratch["part"])
        }
    }

    @Test func `SigLIP's image encoder is written with transformers' names`() throws {
        let original = try CLIPModel(contentsOf: Fixtures.model("siglip"))
        try original.pack(to: scratch["images.clip"], weights: .float32, parts: .images)
        try CLIPModel(contentsOf: scratch["images.clip"]).export(to: scratch["folder"])
        let before = try Checkpoint(folder: PathBytes(Fixtures.model("siglip").path))
        let after = try Checkpoint(folder: PathBytes(scratch["folder"].path))
        #expect(
            Set(after.names)
                == Set(before.names.filter { $0.hasPrefix("vision_model.") }))
        for name in after.names {
            let (old, new) = (try #require(try before.tensor(name)), try #require(try after.tensor(name)))
            #expect(old.shape == new.shape, "\(name)")
            #expect(old.withBytes { old in new.withBytes { old.elementsEqual($0) } }, "\(name)")
        }
        let image = try Picture(contentsOf: Fixtures.picture("waves.png"))
        #expect(try CLIPModel(contentsOf: scratch["folder"]).embed(image) == original.embed(image))
    }

    @Test func `What transformers would prepare or compute otherwise is refused`() throws {
        let openAI = try CLIPModel(contentsOf: Fixtures.folder.appending(path: "sources/openai-state/model.pt"))
        let message = try #require(refusal { try openAI.export(to: scratch["openai"]) })
        #expect(message.contains("rounds halves to even"), "\(message)")

        let model = try EditedModel("quickgelu-f32", in: scratch)
        let preprocessor = model.folder.appending(path: "preprocessor_config.json")
        let text = try String(contentsOf: preprocessor, encoding: .utf8)
        for (fields, part) in [
            (#""fit": "pad", "size": {"longest_edge": 32}"#, "fit pad"),
            (#""size": 30, "fill_color": 9"#, "it fills with black"),
            (#""crop_rounding": "half_to_even""#, "halves to even"),
        ] {
            try text.replacing(
                #""size": {"shortest_edge": 32}, "#, with: fields.contains("size") ? "" : #""size": 32, "#
            )
            .replacing(#""do_resize": true"#, with: #""do_resize": true, "# + fields)
            .write(to: preprocessor, atomically: true, encoding: .utf8)
            let refused = try #require(refusal { try model.load().export(to: scratch["x"]) })
            #expect(refused.contains(part), "\(refused)")
        }
        #expect(try scratch.contents() == ["quickgelu-f32"])
    }

    @Test func `A failed export leaves nothing`() throws {
        var model = try EditedModel("quickgelu-f32", in: scratch)
        var numbers = model.floats("text_projection.weight")
        numbers[3] = .nan
        model.set("text_projection.weight", numbers)
        let damaged = try model.load()
        #expect(refusal { try damaged.export(to: scratch["x"]) }?.contains("text_projection.weight") == true)
        try FileManager.default.createDirectory(at: scratch["empty"], withIntermediateDirectories: true)
        #expect(refusal { try damaged.export(to: scratch["empty"]) } != nil)
        #expect(try scratch.contents() == ["empty", "quickgelu-f32"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch["empty"].path).isEmpty)
        try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32")).export(to: scratch["empty"])
        #expect(try CLIPModel(contentsOf: scratch["empty"]).info.hasTextEncoder)
    }

    @Test func `What can't be exported is said, and nothing is overwritten`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        try Data([1]).write(to: scratch["file"])
        #expect(refusal { try model.export(to: scratch["file"]) }?.contains("is no folder") == true)
        #expect(refusal { try model.export(to: scratch.url) }?.contains("a folder with something in it") == true)
        #expect(refusal { try model.export(to: scratch["no/such/folder"]) }?.contains("can't be made") == true)
        #expect(try scratch.contents() == ["file"])

        let edited = try EditedModel("quickgelu-f32", in: scratch)
        try edited.replaceInConfig(#""vision_config": {"#, with: #""vision_config": {"pool_type": "avg", "#)
        let pooled = try edited.load()
        #expect(pooled.info.configuration.vision.pooling == .meanOfNormalizedPatches)
        #expect(
            refusal { try pooled.export(to: scratch["x"]) }?.contains("has no such encoder (\"pool_type\":\"avg\")")
                == true)
        // A packed file keeps the variant.
        try pooled.pack(to: scratch["pooled.clip"], weights: .float32)
        let packed = try CLIPModel(contentsOf: scratch["pooled.clip"])
        let image = try Picture(contentsOf: Fixtures.picture("waves.png"))
        #expect(packed.info.configuration == pooled.info.configuration)
        #expect(try packed.embed(image) == pooled.embed(image) && packed.embed(image) != model.embed(image))
    }

    @Test func `Added tokens go along, from a folder and from a packed file`() throws {
        let edited = try EditedModel("quickgelu-f32", in: scratch)
        try Data(#"{"<my-concept>": 814}"#.utf8).write(to: edited.folder.appending(path: "added_tokens.json"))
        let original = try edited.load()
        let text = "A <My-Concept>, again"
        #expect(try original.tokenize(text).tokens.contains(814))
        try original.export(to: scratch["copied"])
        try original.pack(to: scratch["a.clip"], weights: .float32)
        try CLIPModel(contentsOf: scratch["a.clip"]).export(to: scratch["written"])
        for name in ["copied", "written"] {
            #expect(try CLIPModel(contentsOf: scratch[name]).tokenize(text) == original.tokenize(text), "\(name)")
        }
        #expect(try original.textsReadOtherwiseWhenExported() == nil)
    }

    @Test func `A tokenizer of another kind is passed on as it is, or refused`() throws {
        let edited = try EditedModel("quickgelu-f32", in: scratch)
        let own = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        try own.pack(to: scratch["own.clip"], weights: .float32)
        try CLIPModel(contentsOf: scratch["own.clip"]).export(to: scratch["own"])
        // The same vocabulary with steps of its own.
        let json = try String(contentsOf: scratch["own"].appending(path: "tokenizer.json"), encoding: .utf8)
        let lowercase = #", {"type": "Lowercase"}"#
        #expect(json.contains(lowercase))
        try Data(json.replacing(lowercase, with: "").utf8).write(to: edited.folder.appending(path: "tokenizer.json"))
        try Data(#"{"tokenizer_class": "PreTrainedTokenizerFast"}"#.utf8)
            .write(to: edited.folder.appending(path: "tokenizer_config.json"))
        let original = try edited.load()
        let text = "a DOG"
        #expect(try original.tokenize(text) != own.tokenize(text))
        try original.export(to: scratch["copied"])
        try original.pack(to: scratch["a.clip"], weights: .float32)
        let packed = try CLIPModel(contentsOf: scratch["a.clip"])
        for model in [try CLIPModel(contentsOf: scratch["copied"]), packed] {
            #expect(try model.tokenize(text) == original.tokenize(text))
        }
        #expect(refusal { try packed.export(to: scratch["no"]) }?.contains("export the folder that it is from") == true)
        #expect(!FileManager.default.fileExists(atPath: scratch["no"].path))
    }
}
