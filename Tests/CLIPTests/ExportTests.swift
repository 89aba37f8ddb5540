import Foundation
import Testing

@testable import CLIP
@testable import Weights

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

        let before = try Checkpoint(folder: Fixtures.model(name).path)
        let after = try Checkpoint(folder: scratch["folder"].path)
        let names = before.names.filter { !$0.hasSuffix("position_ids") }
        #expect(Set(after.names) == Set(names))
        for name in names {
            let (old, new) = (try #require(try before.tensor(name)), try #require(try after.tensor(name)))
            #expect(old.type == new.type && old.shape == new.shape, "\(name)")
            #expect(old.withBytes { old in new.withBytes { old.elementsEqual($0) } }, "\(name)")
        }

        let exported = try CLIPModel(contentsOf: scratch["folder"])
        #expect(exported.configuration == original.configuration && exported.preprocessing == original.preprocessing)
        #expect(exported.logitScale == original.logitScale && exported.card?.name == original.card?.name)
        for text in [
            "a photo of a dog", "naïve café — ¿qué?", "Two RED cars, parked; one's blue!", "東京 🔥 <|endoftext|>", "",
        ] {
            #expect(try exported.tokenize(text) == original.tokenize(text), "\(text)")
            #expect(try exported.embed(text) == original.embed(text), "\(text)")
        }
        let image = try Image(contentsOf: Fixtures.picture("waves.png"))
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
        #expect(exported.hasImageEncoder && !exported.hasTextEncoder)
        let image = try Image(contentsOf: Fixtures.picture("waves.png"))
        #expect(try exported.embed(image) == original.embed(image))
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
        #expect(pooled.configuration.vision.pooling == .meanOfNormalizedPatches)
        #expect(
            refusal { try pooled.export(to: scratch["x"]) }?.contains("has no such encoder (\"pool_type\":\"avg\")")
                == true)
        // A packed file keeps the variant.
        try pooled.pack(to: scratch["pooled.clip"], weights: .float32)
        let packed = try CLIPModel(contentsOf: scratch["pooled.clip"])
        let image = try Image(contentsOf: Fixtures.picture("waves.png"))
        #expect(packed.configuration == pooled.configuration)
        #expect(try packed.embed(image) == pooled.embed(image) && packed.embed(image) != model.embed(image))
    }
}
