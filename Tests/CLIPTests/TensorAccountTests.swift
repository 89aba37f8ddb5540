import CLIPSystem
import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP
@testable import CLIPWeights

/// Every tensor of a checkpoint is read, or means nothing, or is named.
@Suite struct TensorAccountTests {
    private let scratch: ScratchFolder
    private var model: EditedModel
    private let original: CLIPModel

    init() throws {
        scratch = try ScratchFolder()
        model = try EditedModel("quickgelu-f32", in: scratch)
        original = try CLIPModel(contentsOf: Fixtures.model("quickgelu-f32"))
    }

    private func text(_ model: CLIPModel) throws -> Embedding { try model.embed("a photo of a dog") }

    @Test(
        arguments: [
            ("vision_model.embeddings.register_tokens", "embeddings without them would be wrong"),
            ("text_model.encoder.layers.0.gate", "embeddings without them would be wrong"),
            ("gate", "embeddings without them would be wrong"),
            ("text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight", "an adapter was not merged"),
            ("vision_model.encoder.layers.0.layer_scale.gamma", "no LayerScale"),
            ("vision_model.encoder.layers.3.layer_norm1.weight", "the configuration has 3 layers"),
            ("text_model.encoder.layers.9.layer_norm1.weight", "the configuration has 2 layers"),
            ("visual_projection.bias", "embeddings without them would be wrong"),
        ])
    mutating func `A tensor that nothing reads is refused by name`(name: String, reason: String) throws {
        model.set(name, [1, 2, 3], shape: [3])
        let message = try #require(refusal { _ = try model.load() })
        #expect(message.contains("has the tensor \"\(name)\", which nothing reads: "), "\(message)")
        #expect(message.contains(reason), "\(message)")
    }

    @Test func `Layers that the configuration leaves out are refused`() throws {
        try model.replaceInConfig(#""num_hidden_layers": 3"#, with: #""num_hidden_layers": 2"#)
        let message = try #require(refusal { _ = try model.load() })
        #expect(message.contains("\"vision_model.encoder.layers.2.") && message.contains("and 13 more"), "\(message)")
        #expect(message.contains("the configuration has 2 layers"))
    }

    @Test mutating func `Position ids, masks and a training run's state mean nothing`() throws {
        for name in [
            "text_model.embeddings.position_ids", "vision_model.embeddings.position_ids", "attn_mask",
            "optimizer.state.0.exp_avg", "text_model.causal_mask",
        ] {
            model.set(name, [0, 1, 2], shape: [1, 3])
        }
        #expect(try text(model.load()) == text(original))
    }

    @Test mutating func `A renamed tensor is named by both names`() throws {
        model.rename { $0.replacing("final_layer_norm.weight", with: "ln_final.weight") }
        let message = try #require(refusal { _ = try model.load() })
        #expect(
            message.contains(
                "has no tensor \"text_model.final_layer_norm.weight\", but \"text_model.ln_final.weight\", which nothing reads"
            ), "\(message)")
    }

    @Test mutating func `Encoders without a projection have no space in common`() throws {
        model.tensors["visual_projection.weight"] = nil
        let message = try #require(refusal { _ = try model.load() })
        #expect(message.contains("has no tensor \"visual_projection.weight\"") && message.contains("WithProjection"))
    }

    @Test mutating func `Names under torch.compile are found`() throws {
        model.rename { "module._orig_mod." + $0.replacing("text_model.", with: "text_model._orig_mod.") }
        #expect(try text(model.load()) == text(original))
    }

    @Test mutating func `A configuration of one encoder leaves the other's weights alone`() throws {
        let config = try String(contentsOf: model.folder.appending(path: "config.json"), encoding: .utf8)
        let root = try #require(
            JSONSerialization.jsonObject(with: Data(config.utf8)) as? [String: Any])
        var own = try #require(root["text_config"] as? [String: Any])
        own["model_type"] = "clip_text_model"
        own["projection_dim"] = 20
        try JSONSerialization.data(withJSONObject: own).write(to: model.folder.appending(path: "config.json"))
        // A text encoder has no picture size that preprocessing could contradict.
        try Data(#"{"size": 336, "crop_size": 336}"#.utf8)
            .write(to: model.folder.appending(path: "preprocessor_config.json"))
        let texts = try model.load()
        #expect(texts.info.hasTextEncoder && !texts.info.hasImageEncoder)
        #expect(try text(texts) == text(original))
        try texts.pack(to: scratch["texts.clip"], weights: .float32)
        #expect(try text(CLIPModel(contentsOf: scratch["texts.clip"])) == text(original))
    }

    @Test func `A program of the model's own is refused by name`() throws {
        try model.replaceInConfig(
            #""model_type": "clip","#,
            with: #""auto_map": {"AutoModel": "modeling_evaclip.CLIPModel"}, "model_type": "clip","#)
        let message = try #require(refusal { _ = try model.load() })
        #expect(message.contains("a program of its own (auto_map: \"modeling_evaclip.CLIPModel\")"), "\(message)")
    }

    @Test func `Python's NaN and Infinity in a configuration count only where they are used`() throws {
        try model.replaceInConfig(
            #""model_type": "clip","#, with: #""model_type": "clip", "initializer_factor": NaN, "x": [-Infinity],"#)
        #expect(try text(model.load()) == text(original))
        try model.replaceInConfig(#""num_hidden_layers": 3"#, with: #""num_hidden_layers": Infinity"#)
        #expect(refusal { _ = try model.load() }?.contains("num_hidden_layers is inf") == true)
    }

    @Test func `Long-CLIP's later positions come from its second table`() throws {
        let names = [
            "visual.conv1.weight", "token_embedding.weight", "positional_embedding", "positional_embedding_res",
        ]
        let shapes = [[1, 3, 1, 1], [1, 2], [24, 2], [24, 2]]
        let path = scratch["long.safetensors"].path
        let writer = try SafetensorsWriter(
            PathBytes(path), metadata: [:],
            tensors: zip(names, shapes).map { TensorDeclaration(name: $0, type: .f32, shape: $1) })
        for (index, name) in names.enumerated() {
            try writer.write(name, [Float](repeating: Float(index), count: shapes[index].reduce(1, *)))
        }
        try writer.finish()
        let source = CheckpointTensorSource(try Checkpoint(file: PathBytes(path)))
        let positions = try source.vector("text_model.embeddings.position_embedding.weight", shape: [24, 2])
        #expect(positions.values == [Float](repeating: 2, count: 40) + [Float](repeating: 3, count: 8))
    }

    // MARK: open_clip

    private func openCLIP(_ name: String, _ edit: (String) -> String) throws -> URL {
        let folder = scratch[name]
        try FileManager.default.copyItem(
            at: Fixtures.folder.appending(path: "sources/openclip-variant"), to: folder)
        let config = folder.appending(path: "open_clip_config.json")
        try edit(String(contentsOf: config, encoding: .utf8)).write(to: config, atomically: true, encoding: .utf8)
        return folder
    }

    @Test func `LayerScale and its setting come together`() throws {
        let without = try openCLIP("without") {
            $0.replacing(#""ls_init_value": 0.1, "no_ln_pre""#, with: #""no_ln_pre""#)
        }
        let message = try #require(refusal { _ = try CLIPModel(contentsOf: without) })
        #expect(message.contains("visual.transformer.resblocks.0.ls_1.gamma") && message.contains("ls_init_value"))
        let gone = try #require(
            refusal {
                _ = try CLIPModel(
                    contentsOf: openCLIP("layers") {
                        $0.replacing(
                            #""layers": 2, "width": 64, "head_width""#, with: #""layers": 1, "width": 64, "head_width""#
                        )
                    })
            })
        #expect(
            gone.contains("visual.transformer.resblocks.1.") && gone.contains("the configuration has 1 layer,"),
            "\(gone)")
    }

    @Test(arguments: [
        (#""embed_dim""#, #""gate": 1, "embed_dim""#, "gate is 1"),
        (#""head_width""#, #""registers": 4, "head_width""#, "vision_cfg.registers is 4"),
        (#""context_length""#, #""rope": true, "context_length""#, "text_cfg.rope is true"),
        (#"{"eps": 0.001}"#, #"{"eps": 0.001, "bias": false}"#, "norm_kwargs is an object"),
        (#""context_length""#, #""block_type": "custom", "context_length""#, "block_type is \"custom\""),
        (#""context_length""#, #""tokenizer_mode": "clips", "context_length""#, "tokenizer_mode is \"clips\""),
    ])
    func `Fields that are not known are refused`(old: String, new: String, part: String) throws {
        let folder = try openCLIP("changed") { $0.replacing(old, with: new) }
        let message = try #require(refusal { _ = try CLIPModel(contentsOf: folder) })
        #expect(message.contains(part), "\(message)")
    }

    @Test func `A pooled first end token 2 survives packing`() throws {
        // MetaCLIP 2 worldwide: its end token is 2, which an eos_token_id of 2 alone doesn't mean.
        let folder = try openCLIP("worldwide") {
            $0.replacing(#""pool_type": "last""#, with: #""pool_type": "eos", "eos_id": 2"#)
                .replacing(#""text_cfg": {"#, with: #""text_cfg": {"hf_tokenizer_name": "xlm", "#)
        }
        try "[PAD]\n[CLS]\n[SEP]\n[UNK]\na\ndog\n##s\n".write(
            to: folder.appending(path: "vocab.txt"), atomically: true, encoding: .utf8)
        let model = try CLIPModel(contentsOf: folder)
        #expect(model.info.configuration.text.pooling == .firstToken(2))
        #expect(try model.tokenize("a dogs").tokens == [1, 4, 5, 6, 2])
        try model.pack(to: scratch["worldwide.clip"], weights: .float32)
        let packed = try CLIPModel(contentsOf: scratch["worldwide.clip"])
        #expect(packed.info.configuration == model.info.configuration)
        #expect(try packed.embed("a dogs") == model.embed("a dogs"))
        #expect(try packed.verify().allSatisfy { $0.passes && $0.largestError == 0 })
    }

    @Test(arguments: [814, 49408], [TextPooling.firstToken(2), .firstToken(7), .firstToken(49407), .largestToken])
    func `Pooling is stored as what it is`(vocabulary: Int, pooling: TextPooling) throws {
        guard pooling != .firstToken(49407) || vocabulary == 49408 else { return }
        var configuration = original.info.configuration
        configuration.text.vocabularySize = vocabulary
        configuration.text.pooling = pooling
        let json = Array(configuration.huggingFaceText(initialLogitScale: 1).utf8)
        #expect(try HuggingFaceConfig(json: json, path: "x").configuration == configuration)
    }

    // MARK: Two files that say the same thing

    @Test func `processor_config.json wins over the older file, and that is said`() throws {
        _ = try model.load()
        let old = try String(contentsOf: model.folder.appending(path: "preprocessor_config.json"), encoding: .utf8)
        let new = old.replacing(#""resample": 3"#, with: #""resample": 0"#)
        try Data("{\"image_processor\": \(new)}".utf8).write(to: model.folder.appending(path: "processor_config.json"))
        let loaded = try CLIPModel(contentsOf: model.folder)
        #expect(loaded.info.preprocessing.interpolation == .nearest)
        let setting = loaded.info.settings.first { $0.name == "picture settings" }
        #expect(setting?.value == "processor_config.json")
        #expect(setting?.warning?.contains("(interpolation bicubic, not nearest)") == true)
        // Of the form before transformers 5 it says nothing of pictures.
        try Data(#"{"processor_class": "CLIPProcessor"}"#.utf8)
            .write(to: model.folder.appending(path: "processor_config.json"))
        #expect(try CLIPModel(contentsOf: model.folder).info.preprocessing == original.info.preprocessing)
    }

    @Test func `Of two configurations it is said which counts, and what that changes`() throws {
        _ = try model.load()
        let other = """
            {"model_cfg": {"embed_dim": 20, "vision_cfg": {"image_size": 32, "layers": 3, "width": 32, "head_width": 16,
            "patch_size": 8}, "text_cfg": {"width": 16, "heads": 2, "layers": 2, "vocab_size": 814, "context_length": 24}},
            "preprocess_cfg": {"mean": [0.5, 0.5, 0.5]}}
            """
        try Data(other.utf8).write(to: model.folder.appending(path: "open_clip_config.json"))
        let setting = try CLIPModel(contentsOf: model.folder).info.settings.first { $0.name == "configuration" }
        #expect(setting?.value == "config.json")
        let warning = try #require(setting?.warning)
        #expect(warning.contains("open_clip_config.json is not read: texts are cleaned as transformers does"))
        #expect(
            warning.contains("mean [0.5, 0.5, 0.5], not") && warning.contains("crop rounding half_to_even, not floor"))
    }
}
