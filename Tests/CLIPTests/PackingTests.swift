import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

import CLIPCompute
@testable import CLIP
@testable import CLIPWeights

@Suite struct PackingTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func packed(_ name: String, _ type: WeightType) throws -> CLIPModel {
        let file = scratch["\(name)-\(type.rawValue).clip"]
        let result = try CLIPModel(contentsOf: Fixtures.model(name)).pack(to: file, weights: type)
        #expect(try Data(contentsOf: file).count == result.byteCount)
        let model = try CLIPModel(contentsOf: file)
        #expect(try result.fingerprint == model.fingerprint && result.probes == model.verify())
        return model
    }

    @Test(arguments: Fixtures.modelNames, WeightType.allCases)
    func `A packed model proves itself`(name: String, type: WeightType) throws {
        let results = try packed(name, type).verify()
        #expect(results.count == Probes.builtInTexts.count + ProbePicture.allCases.count)
        for result in results {
            #expect(result.passes, "\(result)")
            #expect(result.leastCosine == [.float32: 0.999999, .float16: 0.9999, .int16: 0.99999, .int8: 0.99][type])
        }
        // Nothing was rounded where the type is the source's.
        let isExact = type == .float32 || type == .float16 && name.contains("f16")
        #expect(results.allSatisfy { $0.largestError == 0 } == isExact)
    }

    @Test(arguments: Fixtures.modelNames)
    func `A folder is compared with its golden values`(name: String) throws {
        let results = try CLIPModel(contentsOf: Fixtures.model(name)).verify()
        let golden = try Golden.of(name)
        #expect(results.map(\.probe) == golden.texts.map(\.text) + golden.pictures.map(\.picture))
        #expect(results.allSatisfy { $0.passes && $0.largestError < 1e-4 })
        let folder = try scratch.copy(of: name)
        try FileManager.default.removeItem(at: folder.appending(path: "golden.json"))
        #expect(
            refusal { _ = try CLIPModel(contentsOf: folder).verify() }?.contains("carries no probes") == true)
        try Data(#"{"pictures": [{"picture": "x.png", "embedding": []}]}"#.utf8)
            .write(to: folder.appending(path: "golden.json"))
        #expect(
            refusal { _ = try CLIPModel(contentsOf: folder).verify() }?.contains("names the picture \"x.png\"") == true)
    }

    @Test func `The same model packs to the same bytes`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        try model.pack(to: scratch["a.clip"])
        try model.pack(to: scratch["b.clip"])
        #expect(try Data(contentsOf: scratch["a.clip"]) == Data(contentsOf: scratch["b.clip"]))
        let (a, b) = (try CLIPModel(contentsOf: scratch["a.clip"]), try packed("quickgelu-f32", .float32))
        #expect(a.fingerprint != b.fingerprint)
    }

    @Test func `A packed model can be packed again`() throws {
        let full = try packed("quickgelu-f32", .float32)
        try full.pack(to: scratch["half.clip"], weights: .float16)
        let half = try CLIPModel(contentsOf: scratch["half.clip"])
        let direct = try packed("quickgelu-f32", .float16)
        #expect(half.fingerprint == direct.fingerprint)
        #expect(half.info.card == direct.info.card && half.info.settings == direct.info.settings)
        // The probes are the original's, so the drift shows.
        #expect(try half.verify() == direct.verify())
        #expect(try half.verify().contains { $0.largestError > 0 })
        try half.pack(to: scratch["full.clip"], weights: .float32)
        let widened = try CLIPModel(contentsOf: scratch["full.clip"])
        #expect(try widened.embed("a dog") == half.embed("a dog"))
        // Over itself: what is mapped stays what it was.
        try full.pack(to: URL(filePath: full.info.path), weights: .float16)
        #expect(try full.embed("a dog") == CLIPModel(contentsOf: Fixtures.model("quickgelu-f32")).embed("a dog"))
        #expect(try CLIPModel(contentsOf: URL(filePath: full.info.path)).fingerprint == half.fingerprint)
    }

    @Test func `A packed file is a safetensors file with the image encoder in one piece`() throws {
        let model = try packed("gelu-f16-sharded", .float16)
        let file = try SafetensorsFile(PathBytes(model.info.path))
        #expect(file.metadata["format"] == "clip" && file.metadata["format_version"] == "1")
        let fc1 = try #require(try file.tensor("vision_model.encoder.layers.0.mlp.fc1.weight"))
        #expect(fc1.shape == [6, 48, 16] && fc1.type == .f16 && fc1.offset % 64 == 0)
        let norm = try #require(try file.tensor("text_model.final_layer_norm.weight"))
        #expect(norm.shape == [24] && norm.type == .f32)
        #expect(try file.tensor("text_model.embeddings.token_embedding.weight")?.shape == [814, 24])
        let large = file.names.filter { (try? file.tensor($0)?.byteCount ?? 0) ?? 0 >= 1024 }
        let image = large.indices.filter { large[$0].hasPrefix("vis") }
        #expect(image == Array(image[0]...image[image.count - 1]))
    }

    @Test func `An int8 file holds whole numbers where the time goes`() throws {
        let model = try packed("quickgelu-f32", .int8)
        #expect(model.info.weightTypes == ["int8"])
        let file = try SafetensorsFile(PathBytes(model.info.path))
        let layer = "vision_model.encoder.layers.0.mlp.fc1.weight"
        let fc1 = try #require(try file.tensor(layer))
        let (outputs, inputs) = (
            model.info.configuration.vision.transformer.intermediateWidth,
            model.info.configuration.vision.transformer.width
        )
        #expect(fc1.type == .i8 && fc1.shape == [(outputs + 15) / 16, (inputs + 3) / 4, 16, 4])
        let columns = [(outputs + 15) / 16 * 16]
        let scales = try #require(try file.tensor(layer + "_scale"))
        #expect(scales.type == .f32 && scales.shape == columns)
        let sums = try #require(try file.tensor(layer + "_sum"))
        #expect(sums.type == .i32 && sums.shape == columns)
        #expect(try file.tensor("vision_model.embeddings.patch_embedding.weight")?.type == .i8)
        #expect(try file.tensor("visual_projection.weight")?.type == .i16)
        #expect(try file.tensor("text_model.embeddings.token_embedding.weight")?.type == .f16)
        #expect(file.metadata["format_version"] == "2")
        let others = try [WeightType.float32, .float16].map { try packed("quickgelu-f32", $0).fingerprint }
        #expect(!others.contains(model.fingerprint))
    }

    @Test func `An int16 file holds whole numbers in all its matrices`() throws {
        let model = try packed("quickgelu-f32", .int16)
        #expect(model.info.weightTypes == ["int16"])
        let file = try SafetensorsFile(PathBytes(model.info.path))
        // Older programs don't know it and say so.
        #expect(file.metadata["format_version"] == "2")
        for tensor in model.info.tensors() {
            let stored = try #require(try file.tensor(tensor.key))
            guard case .matrix(let outputs, let inputs) = tensor.kind else {
                #expect(stored.type == (tensor.key.contains("token_embedding") ? .f16 : .f32))
                continue
            }
            #expect(stored.type == .i16 && stored.shape == [(outputs + 15) / 16, (inputs + 1) / 2, 16, 2])
            let scales = try #require(try file.tensor(tensor.key + "_scale"))
            #expect(scales.type == .f32 && scales.shape == [(outputs + 15) / 16 * 16])
            #expect(try file.tensor(tensor.key + "_sum") == nil)
        }
        for type in [WeightType.float32, .float16] {
            let other = try SafetensorsFile(PathBytes(packed("quickgelu-f32", type).info.path))
            #expect(other.metadata["format_version"] == "1")
        }
    }

    @Test func `An int16 file can be packed again, and in other types`() throws {
        let model = try packed("gelu-f16-sharded", .int16)
        try model.pack(to: scratch["again.clip"], weights: .int16)
        #expect(try CLIPModel(contentsOf: scratch["again.clip"]).fingerprint == model.fingerprint)
        for type in [WeightType.float32, .float16, .int8] {
            try model.pack(to: scratch["\(type).clip"], weights: type)
            let other = try CLIPModel(contentsOf: scratch["\(type).clip"])
            #expect(try other.embed("a dog").similarity(to: model.embed("a dog")) > (type == .int8 ? 0.99 : 0.99999))
            #expect(try other.verify().allSatisfy(\.passes))
        }
    }

    @Test(arguments: [WeightType.int16, .int8], [ModelParts.images, .texts])
    func `One encoder of whole numbers embeds as the whole model does`(type: WeightType, parts: ModelParts) throws {
        let model = try packed("quickgelu-f32", type)
        try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32")).pack(
            to: scratch["part.clip"], weights: type, parts: parts)
        let part = try CLIPModel(contentsOf: scratch["part.clip"])
        if parts == .texts {
            #expect(try part.embed("a dog") == model.embed("a dog"))
        } else {
            let picture = Picture(bitmap: ProbePicture.allCases[0].bitmap)
            #expect(try part.embed(picture) == model.embed(picture))
        }
    }

    /// What is embedded on one machine equals what is embedded on any other.
    @Test(arguments: Fixtures.modelNames, [WeightType.int16, .int8])
    func `Whole numbers embed to the same bits on every instruction set`(name: String, type: WeightType) throws {
        let path = try packed(name, type).info.path
        let store = try FlatModel(PathBytes(path))
        let configuration = store.info.configuration
        let image = try ImageEncoder(configuration: configuration, weights: store.weights)
        let text = try TextEncoder(configuration: configuration, weights: store.weights)
        let side = configuration.vision.imageSize
        let pixels = (0..<2 * 3 * side * side).map { Float($0 * 7919 % 1009) / 256 - 2 }
        let tokens = [[811, 5, 17, 300, 813], [811, 5, 17, 9, 8, 7, 813]].map { $0.map { Int32($0) } }
        var pictures: Set<[UInt32]> = []
        var texts: Set<[UInt32]> = []
        for instructionSet in InstructionSet.available {
            let compute = try Compute(instructionSet: instructionSet, threads: 2)
            pictures.insert(try image.embed(pixels: pixels, count: 2, compute: compute).map(\.bitPattern))
            texts.insert(try text.embed(tokens: tokens, compute: compute).map(\.bitPattern))
        }
        #expect(pictures.count == 1 && texts.count == 1)
    }

    @Test(arguments: Fixtures.modelNames, [WeightType.int16, .int8])
    func `Whole numbers embed alike, alone and among others`(name: String, type: WeightType) throws {
        let model = try packed(name, type)
        let texts = Probes.builtInTexts
        let together = try model.embed(texts)
        for (text, embedding) in zip(texts, together) { #expect(try model.embed(text) == embedding) }
        let images = ProbePicture.allCases.map { Picture(bitmap: $0.bitmap) }
        let pictures = try model.embed(images)
        for (image, embedding) in zip(images, pictures) { #expect(try model.embed(image) == embedding) }
        let one = try CLIPModel(contentsOf: URL(filePath: model.info.path), threads: 1)
        #expect(try one.embed(texts) == together)
        #expect(try one.embed(images) == pictures)
    }

    @Test func `An int8 file can be packed again`() throws {
        let model = try packed("quickgelu-f32", .int8)
        try model.pack(to: scratch["again.clip"], weights: .int8)
        let again = try CLIPModel(contentsOf: scratch["again.clip"])
        #expect(again.fingerprint == model.fingerprint)
        try model.pack(to: scratch["wide.clip"], weights: .float32)
        let wide = try CLIPModel(contentsOf: scratch["wide.clip"])
        // Weights are those of the int8 file, the probes still those of the original.
        #expect(try wide.embed("a dog").similarity(to: model.embed("a dog")) > 0.99)
        #expect(try wide.verify().contains { $0.largestError > 1e-4 })
        // What int8 has rounded away stays lost: the file is held to what int8 reaches.
        #expect(try wide.verify().allSatisfy { $0.leastCosine == 0.99 && $0.passes })
        try wide.pack(to: scratch["narrow.clip"], weights: .int8)
        let narrow = try CLIPModel(contentsOf: scratch["narrow.clip"])
        #expect(try narrow.embed("a dog").similarity(to: model.embed("a dog")) > 0.9999)
    }

    @Test func `One encoder can be packed alone`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        let image = Picture(bitmap: ProbePicture.rings.bitmap)
        let whole = try model.pack(to: scratch["all.clip"], weights: .float32).byteCount
        let imageBytes = try model.pack(to: scratch["images.clip"], weights: .float32, parts: .images).byteCount
        let textBytes = try model.pack(to: scratch["texts.clip"], weights: .float32, parts: .texts).byteCount
        #expect(imageBytes < whole && textBytes < whole)
        let images = try CLIPModel(contentsOf: scratch["images.clip"])
        #expect(images.info.hasImageEncoder && !images.info.hasTextEncoder)
        #expect(try images.embed(image) == model.embed(image))
        #expect(try images.verify().map(\.isPicture) == [true, true, true])
        let texts = try CLIPModel(contentsOf: scratch["texts.clip"])
        #expect(!texts.info.hasImageEncoder && texts.info.hasTextEncoder)
        #expect(try texts.embed("a dog") == model.embed("a dog"))
        #expect(try texts.verify().allSatisfy { !$0.isPicture })
        #expect(Set([images, texts, model].map(\.fingerprint)).count == 3)
        #expect(
            refusal { try images.pack(to: scratch["none.clip"], parts: .texts) }?.contains("has no encoder of texts")
                == true)
        #expect(
            refusal { try texts.pack(to: scratch["none.clip"], parts: .images) }?.contains("has no encoder of images")
                == true)
    }

    @Test func `A file that gives other embeddings doesn't appear, and nothing wider than f32 is advised`() throws {
        var model = try EditedModel("quickgelu-f32", in: scratch)
        // As f16 every number of the last projection is zero.
        model.set("visual_projection.weight", model.floats("visual_projection.weight").map { $0 * 1e-9 })
        let small = try model.load()
        // Beside a weight so large, which meets zeros alone, whole numbers leave hardly anything of the others.
        let other = try ScratchFolder()
        var rough = try EditedModel("quickgelu-f32", in: other)
        for key in ["weight", "bias"] {
            let name = "vision_model.post_layernorm.\(key)"
            rough.set(name, [0] + rough.floats(name).dropFirst())
        }
        var weights = rough.floats("visual_projection.weight")
        let largest = weights.map(abs).max()!
        for row in 0..<20 { weights[row * weights.count / 20] = largest * 4095 / 1.5 }
        rough.set("visual_projection.weight", weights)
        for (model, type, advice) in [
            (small, WeightType.float16, "pack it as f32"), (try rough.load(), .int16, "pack it as f16 or f32"),
            (try rough.load(), .int8, "pack it as int16, f16 or f32"),
        ] {
            let message = try #require(refusal { try model.pack(to: scratch["small.clip"], weights: type) })
            #expect(message.hasPrefix(scratch["small.clip"].path + ": was not written: packed as \(type.rawValue)"))
            #expect(message.hasSuffix(advice), "\(message)")
        }
        #expect(try scratch.contents() == ["quickgelu-f32"])
        try small.pack(to: scratch["small.clip"], weights: .float32)
        #expect(try CLIPModel(contentsOf: scratch["small.clip"]).verify().allSatisfy(\.passes))
    }

    @Test func `Packing fails whole`() throws {
        let model = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        #expect(refusal { try model.pack(to: scratch["no/such/folder.clip"]) }?.contains("can't be written") == true)
        #expect(refusal { try model.pack(to: scratch.url) }?.contains("is a folder") == true)
        #expect(try scratch.contents().isEmpty)
        let remote = try #require(URL(string: "https://example.com/a.clip"))
        #expect(refusal { try model.pack(to: remote) }?.contains("is not a file to write to") == true)
    }

    @Test func `Files of other versions and kinds are refused by name`() throws {
        func message(_ metadata: [String: String]) throws -> String {
            try SafetensorsWriter(PathBytes(scratch["x.clip"].path), metadata: metadata, tensors: []).finish()
            return refusal { _ = try CLIPModel(contentsOf: scratch["x.clip"]) } ?? "loaded"
        }
        #expect(try message(["format": "pt"]).contains("is a safetensors file but no .clip file"))
        #expect(try message(["format": "clip"]).contains("no valid format_version"))
        #expect(
            try message(["format": "clip", "format_version": "3"]).contains("version 3, this program reads up to 2"))
        #expect(try message(["format": "clip", "format_version": "1"]).contains("has no \"config\" in its metadata"))
    }

    @Test func `Any changed weight fails verification`() throws {
        let model = try packed("quickgelu-f32", .float32)
        let file = try SafetensorsFile(PathBytes(model.info.path))
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: model.info.path)))
        var seen = 0
        for name in file.names where !FlatFile.Name.isProbe(name) && name != FlatFile.Name.tokenizer {
            let tensor = try #require(try file.tensor(name))
            guard tensor.byteCount > 0 else { continue }
            let place = tensor.offset + tensor.byteCount / 2
            // The lowest bit of a weight: no embedding shows it, no number becomes infinite.
            bytes[place - place % 4] ^= 1
            try Data(bytes).write(to: scratch["flipped.clip"])
            bytes[place - place % 4] ^= 1
            let flipped = try CLIPModel(contentsOf: scratch["flipped.clip"])
            #expect(refusal { _ = try flipped.verify() }?.contains("is damaged: its content has") == true, "\(name)")
            seen += 1
            if seen == 12 { break }
        }
        #expect(seen == 12)
    }
}
