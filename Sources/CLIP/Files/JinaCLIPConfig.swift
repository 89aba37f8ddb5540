internal import CLIPJSON

/// The encoders of a jina-clip (Koukounas et al., 2024) in the words of its own program (jina-clip-implementation,
/// configuration_clip.py), whose defaults absent fields have.
enum JinaCLIPConfig {
    /// Refuses what would change embeddings.
    static func check(_ top: ConfigSection) throws(CLIPError) {
        if try top.flag("add_projections", default: false) {
            throw top.fault("add_projections", .bool(true), expected: "false, as both jina-clips have")
        }
        if let dimension = top.present("truncate_dim") {
            throw top.fault("truncate_dim", dimension, expected: "null: embeddings are whole")
        }
    }

    /// Refuses embeddings of another length than an encoder's states.
    private static func checkEmbedding(_ section: inout ConfigSection, width: Int) throws(CLIPError) {
        guard try section.int("embed_dim", named: "embedding", default: 768, in: 1...1 << 15) == width else {
            throw section.fault(
                "embed_dim", section.present("embed_dim") ?? .null,
                expected: "the width \(width), since there is no projection")
        }
    }

    /// EVA-02's image encoder (Fang et al., 2023).
    static func vision(_ section: inout ConfigSection) throws(CLIPError) -> VisionConfiguration {
        for (key, value) in [
            ("rope_embeddings", true), ("naive_swiglu", true), ("subln", true), ("post_norm", false),
        ] where try section.flag(key, default: false) != value {
            throw section.fault(key, section.present(key) ?? .null, expected: "\(value), as both jina-clips have")
        }
        for key in ["ls_init_value", "proj_type"] {
            if let value = section.present(key) { throw section.fault(key, value, expected: "null") }
        }
        let imageSize = try section.side("image_size", named: "size", default: 224, in: 1...1 << 13)
        let patchSize = try section.side("patch_size", named: "patch size", default: 16, in: 1...imageSize)
        guard imageSize / patchSize < 1 << 7 else {
            throw section.fault(
                "image_size", .number(Double(imageSize)), expected: "fewer than 128 patches of \(patchSize) in a row")
        }
        let width = try section.int("width", named: "width", default: 768, in: 4...1 << 14)
        let headWidth = try section.int("head_width", named: "head width", default: 64, in: 4...256)
        guard width.isMultiple(of: headWidth), headWidth.isMultiple(of: 4) else {
            throw section.fault(
                "head_width", .number(Double(headWidth)),
                expected: "a multiple of 4 of which the width \(width) is a multiple")
        }
        try checkEmbedding(&section, width: width)
        let ratio = try section.double("mlp_ratio", default: 4, in: 0...64)
        let intermediate = Int(Double(width) * ratio)
        guard (1...1 << 18).contains(intermediate) else {
            throw section.fault(
                "mlp_ratio", .number(ratio), expected: "one with which the MLP is from 1 to \(1 << 18) wide")
        }
        section.record("MLP width", "\(intermediate)", key: "mlp_ratio")
        var layers = TransformerConfiguration(
            width: width, intermediateWidth: intermediate,
            layerCount: try section.int("layers", named: "layers", default: 12, in: 1...1 << 10),
            headCount: width / headWidth, activation: .silu, layerNormEpsilon: 1e-6)
        layers.hasKeyBias = false
        layers.hasAttentionNorm = true
        layers.gatedMLPNorm = .product
        var encoder = VisionConfiguration(
            transformer: layers, imageSize: imageSize, patchSize: patchSize, hasPatchBias: true, hasInputNorm: false,
            projection: .none)
        guard try section.flag("qkv_bias", default: true) else {
            throw section.fault("qkv_bias", .bool(false), expected: "true, as both jina-clips have")
        }
        let places = try section.int("pt_hw_seq_len", named: "rotary grid", default: 16, in: 1...1 << 8)
        guard try section.flag("intp_freq", default: false) || places == encoder.gridSize else {
            throw section.fault(
                "pt_hw_seq_len", .number(Double(places)),
                expected: "\(encoder.gridSize), the patches in a row, where intp_freq is false")
        }
        encoder.rotaryPositions = RotaryPositions(referenceSize: places)
        return encoder
    }
}

extension JinaCLIPConfig {
    /// The shape of a text encoder, which stands in a configuration that `hf_model_name_or_path` names and
    /// `hf_model_config_kwargs` changes.
    private struct NamedText {
        var width: Int
        var intermediateWidth: Int
        var layers: Int
        var heads: Int
        var vocabulary: Int
        var types: Int
        var epsilon: Float
        var padding: Int
        /// Whether it is the XLM-RoBERTa of jina-embeddings-v3 (Sturua et al., 2024), else the BERT of jina-embeddings-v2
        /// (Günther et al., 2023).
        var isRotary: Bool
    }

    private static let texts: [String: NamedText] = {
        let bert = NamedText(
            width: 768, intermediateWidth: 3072, layers: 12, heads: 12, vocabulary: 30528, types: 2, epsilon: 1e-12,
            padding: 0, isRotary: false)
        let roberta = NamedText(
            width: 1024, intermediateWidth: 4096, layers: 24, heads: 16, vocabulary: 250002, types: 1, epsilon: 1e-5,
            padding: 1, isRotary: true)
        return [
            "jina-bert-flash-implementation": bert, "jina-bert-v2-base-en-flash": bert, "jina-embeddings-v3": roberta,
        ]
    }()

    /// The most tokens of a text, as its program cuts it (`encode_text`).
    private static let contextLength = 512

    /// A BERT whose attention knows of places by slopes or rotations, read at the mean of its tokens.
    static func text(_ section: inout ConfigSection) throws(CLIPError) -> TextConfiguration {
        let path = try section.text("hf_model_name_or_path") ?? "jinaai/jina-embeddings-v3"
        guard let named = texts[String(path.split(separator: "/").last ?? "")] else {
            throw section.fault(
                "hf_model_name_or_path", .string(path),
                expected: "jinaai/jina-embeddings-v3 or jinaai/jina-bert-flash-implementation")
        }
        guard try section.text("pooler_type") == "mean_pooler" else {
            throw section.fault(
                "pooler_type", section.present("pooler_type") ?? .null, expected: "\"mean_pooler\"")
        }
        if let value = section.present("proj_type") { throw section.fault("proj_type", value, expected: "null") }
        if let task = section.present("default_instruction_task") {
            throw section.fault("default_instruction_task", task, expected: "null: texts are embedded as they are")
        }
        var own = try changes(section)
        let width = try own.int("hidden_size", named: "width", default: named.width, in: 1...1 << 14)
        let heads = try own.int("num_attention_heads", named: "heads", default: named.heads, in: 1...1 << 10)
        guard width.isMultiple(of: 2 * heads) else {
            throw own.fault(
                "num_attention_heads", .number(Double(heads)),
                expected: "a number of which half the width \(width) is a multiple")
        }
        try checkEmbedding(&section, width: width)
        var layers = TransformerConfiguration(
            width: width,
            intermediateWidth: try own.int(
                "intermediate_size", named: "MLP width", default: named.intermediateWidth, in: 1...1 << 18),
            layerCount: try own.int("num_hidden_layers", named: "layers", default: named.layers, in: 1...1 << 10),
            headCount: heads, activation: .gelu,
            layerNormEpsilon: try own.float(
                "layer_norm_eps", named: "layer norm epsilon", default: named.epsilon, in: 0...1))
        layers.normPlacement = .after
        if named.isRotary {
            layers.relativePositions = .rotary(
                base: try own.float("rotary_emb_base", named: "rotary base", default: 20000, in: 1...1e9))
        } else {
            layers.relativePositions = .slopes
            layers.gatedMLPNorm = .absent
            layers.hasFactorBiases = false
        }
        let vocabulary = try own.int("vocab_size", named: "vocabulary", default: named.vocabulary, in: 2...1 << 22)
        var encoder = TextConfiguration(
            transformer: layers, vocabularySize: vocabulary, contextLength: contextLength, pooling: .meanOfTokens,
            isCausal: false, projection: .none)
        encoder.embeddings.hasNorm = true
        encoder.embeddings.typeCount = try own.int(
            "type_vocab_size", named: "token types", default: named.types, in: 1...1 << 10)
        encoder.embeddings.ignoredToken = named.padding
        encoder.hasOutputNorm = false
        section.take(own.settings)
        section.record("pooling", "mean of tokens")
        return encoder
    }
}

extension JinaCLIPConfig {
    /// What is changed of the configuration that the text encoder has by its name.
    /// - Throws: `CLIPError` about what isn't known, since it may change embeddings.
    private static func changes(_ section: ConfigSection) throws(CLIPError) -> ConfigSection {
        let value = section.present("hf_model_config_kwargs") ?? .object([:])
        guard let fields = value.object else {
            throw section.fault("hf_model_config_kwargs", value, expected: "an object")
        }
        let changes = ConfigSection(
            path: section.path, source: "\(section.source) hf_model_config_kwargs", subject: section.subject,
            fields: fields)
        if let name = fields.keys.sorted().first(where: { !known.contains($0) && !harmless.contains($0) }) {
            throw changes.fault(name, fields[name] ?? .null, expected: "nothing of this name, which is not known")
        }
        return changes
    }

    private static let known: Set<String> = [
        "hidden_size", "num_attention_heads", "intermediate_size", "num_hidden_layers", "layer_norm_eps",
        "rotary_emb_base", "vocab_size", "type_vocab_size", "lora_adaptations", "lora_rank", "lora_alpha",
    ]
    /// How it is trained and computed, and the beginnings of texts that are asked for by a task.
    private static let harmless: Set<String> = [
        "load_trained_adapters", "lora_dropout_p", "lora_main_params_trainable", "task_instructions", "use_flash_attn",
    ]

    /// The adaptation for texts without a task.
    static func adaptation(_ section: ConfigSection) throws(CLIPError) -> StoredAdaptation? {
        guard let task = try section.text("default_lora_task") else { return nil }
        var changes = try changes(section)
        let tasks = changes.present("lora_adaptations") ?? .null
        guard let names = tasks.array, let index = names.firstIndex(of: .string(task)) else {
            throw changes.fault(
                "lora_adaptations", tasks, expected: "a list that holds the default_lora_task \(jsonString(task))")
        }
        let rank = try changes.int("lora_rank", named: "rank", default: 4, in: 1...1 << 12)
        let alpha = try changes.double("lora_alpha", default: 1, in: 0...1e6)
        return StoredAdaptation(index: index, count: names.count, rank: rank, scale: Float(alpha / Double(rank)))
    }
}
