import CLIPTestSupport
import Foundation
import Testing

@testable import CLIP
@testable import CLIPWeights

/// Families that open_clip has beside the plain CLIPs: CLIPA, which reads BERT's tokens, and SigLIP with timm's image tower.
@Suite struct OpenCLIPFamiliesTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func folder(_ name: String, editing edit: (String) -> String = { $0 }) throws -> URL {
        let source = Fixtures.folder.appending(path: "sources").appending(path: "openclip-variant")
        let folder = scratch[name]
        try FileManager.default.copyItem(at: source, to: folder)
        let config = folder.appending(path: "open_clip_config.json")
        let text = try String(contentsOf: config, encoding: .utf8)
        try edit(text).write(to: config, atomically: true, encoding: .utf8)
        return folder
    }

    /// The configuration of a model whose tokenizer is named, its separator stripped.
    private func naming(_ config: String) -> String {
        config.replacing(
            /"text_cfg": *\{/,
            with:
                #""text_cfg": {"hf_tokenizer_name": "bert-base-uncased", "tokenizer_kwargs": {"strip_sep_token": true},"#
        )
    }

    @Test func `BERT's vocabulary in the folder is the tokenizer, token 0 stands for the separator`() throws {
        let url = try folder("named", editing: naming)
        let bare = try CLIPModel(contentsOf: url)
        #expect(
            refusal { _ = try bare.tokenize("a dog") }?.contains("texts need that of \"bert-base-uncased\"") == true)
        try "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\ndog\n##s\n".write(
            to: url.appending(path: "vocab.txt"), atomically: true, encoding: .utf8)
        let model = try CLIPModel(contentsOf: url)
        #expect(try model.tokenize("A dògs &amp; [SEP]").tokens == [2, 4, 5, 6, 1, 0, 0])
        let setting = model.info.settings.first { $0.name == "tokenizer" }
        #expect(setting?.value == "bert-base-uncased" && setting?.source == "vocab.txt")
        #expect(model.info.settings.first { $0.name == "text padding" }?.source == "vocab.txt")
        try model.pack(to: scratch["packed.clip"], weights: .float32)
        let packed = try CLIPModel(contentsOf: scratch["packed.clip"])
        #expect(try packed.tokenize("A dògs").tokens == [2, 4, 5, 6, 0])
        #expect(try packed.embed("a dog") == model.embed("a dog"))
    }

    @Test func `A padding token beyond the vocabulary is refused`() throws {
        let url = try folder("padding", editing: naming)
        let vocabulary = (0..<5000).map { "piece\($0)" }.joined(separator: "\n")
        try "[UNK]\n[CLS]\n[SEP]\na\n\(vocabulary)\n[PAD]\n".write(
            to: url.appending(path: "vocab.txt"), atomically: true, encoding: .utf8)
        let model = try CLIPModel(contentsOf: url)
        #expect(refusal { _ = try model.embed("a") }?.contains("padding token is 5004") == true)
    }

    @Test func `Ways to end texts that are not known are refused`() throws {
        for (fields, message) in [
            (#"{"clean": "upper"}"#, "clean is \"upper\""), (#"{"tokenizer_mode": "clips"}"#, "tokenizer_mode"),
            ("[1]", "tokenizer_kwargs is a list"), (#"{"context_length": 20}"#, "context_length"),
            (#"{"reduction_mask": "simple"}"#, "reduction_mask"),
            (#"{"additional_special_tokens": ["a|b"]}"#, "additional_special_tokens"),
        ] {
            let url = try folder(fields.filter(\.isLetter)) {
                $0.replacing(/"text_cfg": *\{/, with: "\"text_cfg\": {\"tokenizer_kwargs\": \(fields),")
            }
            #expect(refusal { _ = try CLIPModel(contentsOf: url) }?.contains(message) == true, "\(fields)")
        }
    }

    // MARK: SigLIP

    private static let siglip = """
        {"model_cfg": {"embed_dim": 1152, "init_logit_bias": -10, "custom_text": true,
        "vision_cfg": {"image_size": 378, "timm_model_name": "vit_so400m_patch14_siglip_378",
        "timm_model_pretrained": false, "timm_pool": "map", "timm_proj": "none"},
        "text_cfg": {"context_length": 64, "vocab_size": 32000, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
        "tokenizer_kwargs": {"clean": "canonicalize"}, "width": 1152, "heads": 16, "layers": 27, "mlp_ratio": 3.7362,
        "no_causal_mask": true, "proj_bias": true, "pool_type": "last", "norm_kwargs": {"eps": 1e-6}}},
        "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic",
        "resize_mode": "squash"}}
        """

    private func config(_ text: String) throws -> OpenCLIPConfig {
        try OpenCLIPConfig(json: Array(text.utf8), path: "open_clip_config.json")
    }

    @Test func `The name of timm's tower says its shape`() throws {
        let config = try config(OpenCLIPFamiliesTests.siglip)
        let (vision, text) = (config.configuration.vision, config.configuration.text)
        #expect(config.configuration.family == .siglip && config.configuration.embeddingDimension == 1152)
        #expect(vision.transformer.width == 1152 && vision.transformer.intermediateWidth == 4304)
        #expect(vision.transformer.layerCount == 27 && vision.transformer.headCount == 16 && vision.gridSize == 27)
        #expect(vision.transformer.activation == .gelu && vision.transformer.layerNormEpsilon == 1e-6)
        #expect(vision.pooling == .attention && vision.projection == .none && vision.tokenCount == 729)
        #expect(text.transformer.intermediateWidth == 4304 && text.projection == .affine && !text.isCausal)
        #expect(config.tokenizerWrapping.cleaning == .canonicalize)
        #expect(config.preprocessing.configuration.fit == .squash)
        let base = try self.config(
            OpenCLIPFamiliesTests.siglip.replacing("so400m_patch14_siglip_378", with: "base_patch32_siglip_256")
                .replacing("378", with: "256").replacing("1152", with: "768").replacing(
                    "\"heads\": 16", with: "\"heads\": 12"))
        #expect(base.configuration.vision.transformer.activation == .tanhGELU)
        #expect(base.configuration.vision.tokenCount == 64)
    }

    @Test func `open_clip's own configurations of weights alone are read as files are`() throws {
        for model in KnownModels.all {
            guard let stated = KnownModels.configuration(of: model.repository) else { continue }
            let config = try OpenCLIPConfig(json: stated.json, path: stated.path)
            let count = config.configuration.vision.transformer.layerCount
            #expect(
                stated.path == "open_clip's \(model.architecture)" && config.preprocessing.configuration.fit == .crop)
            #expect(config.hasTimmTower == model.architecture.hasPrefix("ViTamin"))
            #expect((config.transformersTensor != nil) == model.architecture.contains("roberta") && count > 0)
            #expect(config.leftOut.isEmpty != model.architecture.hasPrefix("coca"))
        }
    }

    @Test func `Other towers, other pooling and contradictions are refused by name`() {
        for (from, to, message) in [
            ("vit_so400m_patch14_siglip_378", "vit_so400m_patch14_siglip_gap_378", "timm's image tower"),
            ("vit_so400m_patch14_siglip_378", "swin_base_patch4_window7_224", "timm's image tower \"swin_base"),
            ("\"map\"", "\"avg\"", "timm_pool is \"avg\", expected \"map\""),
            ("\"image_size\": 378", "\"image_size\": 224", "image_size is 224, expected 378"),
            ("\"embed_dim\": 1152", "\"embed_dim\": 768", "has no image projection"),
        ] {
            let text = OpenCLIPFamiliesTests.siglip.replacing(from, with: to)
            #expect(refusal { _ = try config(text) }?.contains(message) == true, "\(to)")
        }
    }

    @Test func `timm's names of the tensors`() {
        let keys = CheckpointKeys(["visual.trunk.patch_embed.proj.weight", "text.token_embedding.weight"])
        #expect(keys.layout == .timm && keys.textPrefix == "text.")
        for (key, name) in [
            ("vision_model.embeddings.patch_embedding.bias", "visual.trunk.patch_embed.proj.bias"),
            ("vision_model.embeddings.position_embedding.weight", "visual.trunk.pos_embed"),
            ("vision_model.encoder.layers.3.layer_norm2.weight", "visual.trunk.blocks.3.norm2.weight"),
            ("vision_model.encoder.layers.3.self_attn.out_proj.bias", "visual.trunk.blocks.3.attn.proj.bias"),
            ("vision_model.encoder.layers.11.mlp.fc2.weight", "visual.trunk.blocks.11.mlp.fc2.weight"),
            ("vision_model.post_layernorm.bias", "visual.trunk.norm.bias"),
            ("vision_model.head.probe", "visual.trunk.attn_pool.latent"),
            ("vision_model.head.attention.q_proj.weight", "visual.trunk.attn_pool.q.weight"),
            ("vision_model.head.attention.out_proj.bias", "visual.trunk.attn_pool.proj.bias"),
            ("vision_model.head.layernorm.weight", "visual.trunk.attn_pool.norm.weight"),
            ("vision_model.head.mlp.fc1.bias", "visual.trunk.attn_pool.mlp.fc1.bias"),
            ("text_model.encoder.layers.0.mlp.fc1.weight", "text.transformer.resblocks.0.mlp.c_fc.weight"),
            ("logit_bias", "logit_bias"),
        ] { #expect(keys.place(of: key) == TensorPlace(name: name)) }
        #expect(
            keys.place(of: "vision_model.encoder.layers.0.self_attn.v_proj.bias")
                == TensorPlace(name: "visual.trunk.blocks.0.attn.qkv.bias", part: 2))
        #expect(
            keys.place(of: "vision_model.head.attention.v_proj.weight")
                == TensorPlace(name: "visual.trunk.attn_pool.kv.weight", part: 1, partCount: 2))
    }
}
