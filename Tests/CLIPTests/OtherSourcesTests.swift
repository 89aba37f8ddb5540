import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP
@testable import CLIPWeights

/// Models in the files of other programs: OpenAI's, open_clip's, clip.cpp's.
@Suite struct OtherSourcesTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private static func source(_ name: String) -> URL {
        Fixtures.folder.appending(path: "sources").appending(path: name)
    }

    @Test(arguments: [
        "openai-script/model.pt", "openai-state/model.pt", "gguf-q4_0/model.gguf", "gguf-q8_0/model.gguf",
    ])
    func `Single files give the reference's embeddings, packed or not`(name: String) throws {
        let url = OtherSourcesTests.source(name)
        let golden = try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: url.deletingLastPathComponent().appending(path: "golden.json")))
        let model = try CLIPModel(contentsOf: url)
        for entry in golden.pictures {
            let pixels = try model.preprocess(Picture(contentsOf: Fixtures.picture(entry.picture)))
            #expect(relativeError(Array(pixels.values.prefix(16)), entry.pixels_first_row) < 1e-5)
            let embedding = try model.embed(pixels, normalize: false)[0]
            #expect(relativeError(embedding.values, entry.embedding) < 1e-5, "\(entry.picture)")
        }
        var image = model
        if model.info.hasTextEncoder {
            // A small vocabulary is not CLIP's own.
            #expect(
                refusal { _ = try model.embed("a dog") }?.contains("start and end tokens are 49406 and 49407") == true)
            return
        }
        try model.pack(to: scratch["packed.clip"], weights: .float32)
        image = try CLIPModel(contentsOf: scratch["packed.clip"])
        let picture = try Picture(contentsOf: Fixtures.picture("waves.png"))
        #expect(try image.embed(picture) == model.embed(picture))
        #expect(image.info.settings == model.info.settings && image.info.card?.name == model.info.card?.name)
    }

    @Test func `OpenAI's files say everything by their shapes`() throws {
        let script = try CLIPModel(contentsOf: OtherSourcesTests.source("openai-script/model.pt"))
        let vision = script.info.configuration.vision
        #expect(vision.imageSize == 48 && vision.patchSize == 16)
        #expect(vision.transformer.width == 64 && vision.transformer.layerCount == 2)
        #expect(script.info.configuration.text.contextLength == 9 && script.embeddingDimension == 24)
        #expect(script.info.weightTypes == ["f32", "f16"] && script.info.preprocessing.cropRounding == .halfToEven)
        #expect(script.info.settings.first { $0.name == "image width" }?.source == "inferred from shape")
        let activation = script.info.settings.first { $0.name == "image activation" }
        #expect(activation?.value == "quick_gelu" && activation?.warning == nil)
        #expect(
            script.fingerprint
                != (try CLIPModel(contentsOf: OtherSourcesTests.source("openai-state/model.pt"))).fingerprint)
    }

    @Test func `clip cpp's files say where each setting is from`() throws {
        let model = try CLIPModel(contentsOf: OtherSourcesTests.source("gguf-q4_0/model.gguf"))
        #expect(
            model.info.weightTypes == ["f32", "f16", "q4_0"] && !model.info.hasTextEncoder
                && model.info.card?.name == "seeded q4_0")
        let activation = model.info.settings.first { $0.name == "image activation" }
        #expect(activation?.value == "gelu" && activation?.source == "GGUF clip.vision")
        #expect(abs(model.logitScale - 100) < 1e-3)
    }

    // MARK: open_clip

    @Test func `Everything that open_clip's configuration may change`() throws {
        let url = OtherSourcesTests.source("openclip-variant")
        let golden = try JSONDecoder().decode(
            Golden.self, from: Data(contentsOf: url.appending(path: "golden.json")))
        let folder = try CLIPModel(contentsOf: url)
        let (vision, text) = (folder.info.configuration.vision, folder.info.configuration.text)
        #expect(vision.pooling == .meanOfPatches && !vision.hasInputNorm && vision.transformer.intermediateWidth == 160)
        #expect(text.pooling == .lastPosition && !text.isCausal && text.paddingToken == 0 && text.projection == .affine)
        #expect(text.transformer.activation == .tanhGELU && vision.transformer.layerNormEpsilon == 1e-3)
        for entry in golden.pictures {
            let embedding = try folder.embed(Picture(contentsOf: Fixtures.picture(entry.picture)), normalize: false)
            #expect(relativeError(embedding.values, entry.embedding) < 1e-5, "\(entry.picture)")
        }
        for entry in golden.texts {
            let tokens = entry.tokens.map { Int32($0) }
            let values = try folder.loaded.texts().embed(tokens: [tokens], compute: folder.loaded.compute)
            #expect(relativeError(values, entry.embedding) < 1e-5, "\(tokens)")
        }
    }

    /// The fixture's tensors under OpenAI's names.
    private func openCLIPTensors(_ model: EditedModel, textPrefix: String = "") -> [String: EditedModel.Tensor] {
        var tensors: [String: EditedModel.Tensor] = [:]
        let keys = CheckpointKeys(["visual.conv1.weight", "\(textPrefix)token_embedding.weight"])
        for (name, tensor) in model.tensors where name != "logit_scale" && !name.hasSuffix("position_ids") {
            let place = keys.place(of: name)
            var tensor = tensor
            if place.isTransposed {
                let numbers = model.floats(name)
                let (rows, columns) = (tensor.shape[0], tensor.shape[1])
                tensor.bytes = (0..<numbers.count).map { numbers[$0 % rows * columns + $0 / rows] }
                    .withUnsafeBytes(Array.init)
                tensor.shape = [columns, rows]
            }
            guard place.part != nil else {
                tensors[place.name] = tensor
                continue
            }
            let parts = ["q_proj", "k_proj", "v_proj"].compactMap { part in
                model.tensors[name.replacingOccurrences(of: "[qkv]_proj", with: part, options: .regularExpression)]
            }
            tensor.bytes = parts.flatMap(\.bytes)
            tensor.shape[0] *= 3
            tensors[place.name] = tensor
        }
        tensors["logit_scale"] = model.tensors["logit_scale"]
        return tensors
    }

    private func openCLIPFolder(
        _ name: String, textPrefix: String = "", wrapper: String = "", config: String? = nil,
        edit: (inout [String: EditedModel.Tensor]) -> Void = { _ in }
    ) throws -> URL {
        let model = try EditedModel("quickgelu-f32", in: ScratchFolder())
        let folder = scratch[name]
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for file in ["vocab.json", "merges.txt"] {
            try FileManager.default.copyItem(
                at: Fixtures.model("quickgelu-f32").appending(path: file), to: folder.appending(path: file))
        }
        var tensors = openCLIPTensors(model, textPrefix: textPrefix)
        edit(&tensors)
        try (config ?? OtherSourcesTests.config).write(
            to: folder.appending(path: "open_clip_config.json"), atomically: true, encoding: .utf8)
        let names = tensors.keys.sorted()
        let writer = try SafetensorsWriter(
            PathBytes(folder.appending(path: "open_clip_model.safetensors").path), metadata: ["format": "pt"],
            tensors: names.map {
                TensorDeclaration(name: wrapper + $0, type: tensors[$0]!.type, shape: tensors[$0]!.shape)
            })
        for name in names { try writer.write(wrapper + name, tensors[name]!.bytes) }
        try writer.finish()
        return folder
    }

    /// The configuration of the fixture, in open_clip's words.
    private static let config: String = {
        let configuration = try! CLIPModel(contentsOf: Fixtures.model("quickgelu-f32")).info.configuration
        let (vision, text) = (configuration.vision, configuration.text)
        func ratio(_ shape: TransformerConfiguration) -> Double {
            Double(shape.intermediateWidth) / Double(shape.width)
        }
        return """
            {"model_cfg": {"embed_dim": \(configuration.embeddingDimension), "quick_gelu": true,
            "vision_cfg": {"image_size": \(vision.imageSize), "patch_size": \(vision.patchSize),
            "layers": \(vision.transformer.layerCount), "width": \(vision.transformer.width),
            "head_width": \(vision.transformer.width / vision.transformer.headCount), "mlp_ratio": \(ratio(vision.transformer))},
            "text_cfg": {"context_length": \(text.contextLength), "vocab_size": \(text.vocabularySize),
            "width": \(text.transformer.width), "heads": \(text.transformer.headCount), "layers": \(text.transformer.layerCount),
            "mlp_ratio": \(ratio(text.transformer)), "hf_tokenizer_name": "org/name"}}}
            """
    }()

    @Test(arguments: [("", ""), ("text.", ""), ("", "state_dict.module."), ("text.", "module.")])
    func `open_clip's layouts give what the same weights give in Hugging Face's`(prefix: String, wrapper: String) throws
    {
        let model = try CLIPModel(contentsOf: try openCLIPFolder("a", textPrefix: prefix, wrapper: wrapper))
        let original = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
        #expect(try model.embed("a photo of a dog") == original.embed("a photo of a dog"))
        let pixels = try original.preprocess(Picture(contentsOf: Fixtures.picture("blocks.png")))
        #expect(try model.embed(pixels) == original.embed(pixels))
        #expect(model.logitScale == original.logitScale)
        #expect(model.info.settings.first { $0.name == "tokenizer" }?.value == "org/name")
        #expect(model.info.settings.first { $0.name == "image activation" }?.source == "quick_gelu true")
    }

    @Test func `Layer scales are multiplied into the weights, position embeddings resampled`() throws {
        let original = try CLIPModel(contentsOf: try openCLIPFolder("plain"))
        let scaled = try CLIPModel(
            contentsOf: try openCLIPFolder(
                "scaled",
                config: OtherSourcesTests.config.replacing(
                    "\"vision_cfg\": {", with: "\"vision_cfg\": {\"ls_init_value\": 0.1,")
            ) { tensors in
                let width = original.info.configuration.vision.transformer.width
                for layer in 0..<original.info.configuration.vision.transformer.layerCount {
                    let block = "visual.transformer.resblocks.\(layer)"
                    let ones = [Float](repeating: 1, count: width).withUnsafeBytes(Array.init)
                    let zeros = [Float](repeating: 0, count: width).withUnsafeBytes(Array.init)
                    tensors["\(block).ls_1.gamma"] = .init(type: .f32, shape: [width], bytes: layer == 0 ? zeros : ones)
                    tensors["\(block).ls_2.gamma"] = .init(type: .f32, shape: [width], bytes: ones)
                }
            })
        let muted = try CLIPModel(
            contentsOf: try openCLIPFolder("muted") { tensors in
                for part in ["weight", "bias"] {
                    let name = "visual.transformer.resblocks.0.attn.out_proj.\(part)"
                    let count = tensors[name]?.bytes.count ?? 0
                    tensors[name]?.bytes = Array(repeating: 0, count: count)
                }
            })
        let pixels = try original.preprocess(Picture(contentsOf: Fixtures.picture("blocks.png")))
        #expect(try scaled.embed(pixels) == muted.embed(pixels))
        #expect(try scaled.embed(pixels) != original.embed(pixels))

        let size = original.info.configuration.vision.imageSize
        let larger = try CLIPModel(
            contentsOf: try openCLIPFolder(
                "larger",
                config: OtherSourcesTests.config.replacing(
                    "\"image_size\": \(size)", with: "\"image_size\": \(2 * size)")))
        #expect(larger.info.settings.contains { $0.name == "image positions" && $0.warning != nil })
        _ = try larger.embed(Picture(contentsOf: Fixtures.picture("blocks.png")))
    }

    @Test func `Positions are resampled as PyTorch does`() {
        // What torch.nn.functional.interpolate gives, bicubic with antialias, and linear.
        func grid(_ values: [Float], to side: Int) -> [Float] {
            PositionTable(columns: 1, values: [9] + values).resampledGrid(to: side * side + 1)?.values ?? []
        }
        func line(_ values: [Float], to count: Int) -> [Float] {
            PositionTable(columns: 1, values: values).resampledLine(to: count).values
        }
        let grown: [Float] = [
            9, -0.19736797, 0.36842138, 0.9342111, 0.9342107, 1.5, 2.0657897, 2.0657899, 2.6315792, 3.1973689,
        ]
        #expect(relativeError(grid([0, 1, 2, 3], to: 3), grown) < 1e-6)
        let shrunk: [Float] = [9, 1.2391648, 2.6195822, 5.380417, 6.760834]
        #expect(relativeError(grid((0..<9).map(Float.init), to: 2), shrunk) < 1e-6)
        #expect(grid([0, 1, 2], to: 3) == [])
        #expect(relativeError(line([0, 1, 4, 9, 16], to: 3), [0.33333331, 4, 13.666667]) < 1e-6)
        let longer: [Float] = [0, 0.5714286, 1.8571432, 4, 7.5714293, 12, 16]
        #expect(relativeError(line([0, 1, 4, 9, 16], to: 7), longer) < 1e-6)
    }

    @Test(arguments: [
        (
            #""vision_cfg": {"#, #""vision_cfg": {"timm_model_name": "swin_tiny_224","#,
            #"timm's image tower "swin_tiny_224""#
        ),
        (#""text_cfg": {"#, #""text_cfg": {"hf_model_name": "deberta-base","#, #"text tower "deberta-base""#),
        (#""vision_cfg": {"#, #""vision_cfg": {"attentional_pool": "parallel","#, "attentional_pool is \"parallel\""),
        (
            #""vision_cfg": {"#, #""vision_cfg": {"attentional_pool": true, "attn_pooler_heads": 7,"#,
            "attn_pooler_heads is 7"
        ),
        (
            #""vision_cfg": {"#, #""vision_cfg": {"attentional_pool": true, "pool_type": "avg","#,
            #"expected "tok" beside attentional_pool"#
        ),
        (#""text_cfg": {"#, #""text_cfg": {"embed_cls": true, "no_causal_mask": true,"#, "embed_cls is true"),
        (#""vision_cfg": {"#, #""vision_cfg": {"pool_type": "none","#, #"expected "tok", "avg", "map" or "query""#),
        (#""vision_cfg""#, #""other""#, "has no model_cfg with vision_cfg"),
        (#""head_width""#, #""head_width": 5, "attn_pooler_heads""#, "no multiple of its"),
        (#""text_cfg": {"#, #""text_cfg": {"proj_type": "none","#, "has no text projection"),
    ])
    func `Towers of other kinds are refused by name`(text: String, other: String, expected: String) throws {
        let config = OtherSourcesTests.config.replacing(text, with: other)
        let folder = try openCLIPFolder("x", config: config)
        let message = refusal { _ = try CLIPModel(contentsOf: folder) }
        #expect(message?.contains(expected) == true, "\(message ?? "loaded")")
    }

    @Test(arguments: ["openai-script/model.pt", "gguf-q4_0/model.gguf"])
    func `Damaged files load or throw`(name: String) throws {
        let whole = [UInt8](try Data(contentsOf: OtherSourcesTests.source(name)))
        let file = scratch[name.hasSuffix("gguf") ? "a.gguf" : "a.pt"]
        let image = try Picture(contentsOf: Fixtures.picture("speck.png"))
        var refused = 0
        for index in 0..<250 {
            var bytes = whole
            // Half of the damage to the head or the tail, where the structure is.
            let place = index % 2 == 0 ? (index * 7919) % 2000 : whole.count - 1 - (index * 104_729) % 30000
            bytes[place] = bytes[place] &+ UInt8(truncatingIfNeeded: index &* 37 | 1)
            if index % 10 == 9 { bytes.removeLast(index * 11) }
            try Data(bytes).write(to: file)
            let message = refusal {
                let model = try CLIPModel(contentsOf: file, threads: 1)
                _ = (model.info.settings, model.info.card, model.fingerprint, model.info.weightCount)
                _ = try model.embed(image)
            }
            if let message {
                refused += 1
                #expect(!message.utf8.contains(UInt8(ascii: "\n")))
            }
        }
        #expect(refused > 20)
    }
}
