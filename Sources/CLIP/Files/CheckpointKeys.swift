internal import CLIPWeights

/// Where a checkpoint keeps a tensor that the encoders ask for by its Hugging Face key.
struct TensorPlace: Equatable {
    var name: String
    /// Which part of the rows it is, where queries, keys and values are stored as one.
    var part: Int?
    /// How many parts those are.
    var partCount = 3
    /// The one row that it is.
    var row: Int?
    /// Whether a matrix is stored `[inputs, outputs]`.
    var isTransposed = false
    /// A vector whose numbers multiply the rows (LayerScale; Touvron et al., 2021).
    var scale: String?
    /// A table of the same shape that later rows come from.
    var continuation: Continuation?
    /// The batch norm behind a convolution (Ioffe and Szegedy, 2015), which becomes part of its weights and bias.
    var batchNorm: String?
    /// What a convolution is made of.
    var convolution: ConvolutionFolding?
    /// What the names of the two matrices begin with whose product an adaptation adds, where the weights hold some.
    var adaptation: String?

    /// The tensor's name before its module was parametrised.
    var moduleName: String {
        let ending = "parametrizations.weight.original"
        return name.hasSuffix(ending) ? name.dropLast(ending.count) + "weight" : name
    }

    struct Continuation: Equatable {
        var name: String
        /// The first row that is the other table's.
        var firstRow: Int
    }
}

/// Under which names a checkpoint keeps the tensors that Hugging Face's CLIPModel knows by `vision_model.…`, `text_model.…`,
/// `visual_projection.weight` and `text_projection.weight`.
struct CheckpointKeys: Sendable {
    enum Layout: Sendable, Equatable {
        /// Hugging Face's own. A file of one encoder alone may leave the prefix away.
        case huggingFace
        /// OpenAI's and open_clip's: queries, keys and values in one, projections the other way round.
        case openAI
        /// open_clip's, with an image encoder of timm's.
        case timm
        /// clip.cpp's.
        case ggml
    }

    let layout: Layout
    /// What stands before the image encoder's keys; nil when the checkpoint has none.
    let visionPrefix: String?
    /// What stands before the text encoder's keys; nil when the checkpoint has none.
    let textPrefix: String?
    /// Whether the text encoder's names are those of transformers' BERT.
    let hasBERT: Bool
    /// Whether those of its layers are DistilBERT's (Sanh et al., 2019).
    private var hasDistilBERT: Bool {
        names.contains("\(textPrefix ?? "")transformer.layer.0.attention.q_lin.weight")
    }
    /// Whether they are those of its M2M-100, which NLLB is.
    let hasM2M100: Bool
    /// Whether they are those of its T5.
    let hasT5: Bool
    /// Whether they are those of any of these.
    var hasTransformersText: Bool { hasBERT || hasM2M100 || hasT5 }
    /// Whether both encoders' names are those of jina-clip's program.
    let hasJina: Bool
    /// The network of convolutions that the image encoder is, if it is one.
    let convolutions: ConvolutionalTower?
    let names: Set<String>

    init(_ names: [String]) {
        let names = Set(names)
        func prefix(_ prefixes: String..., before first: String) -> String? {
            prefixes.first { names.contains($0 + first) }
        }
        self.names = names
        convolutions = ConvolutionalTower(names)
        let bertPrefix = prefix(
            "text.transformer.", "text_model.roberta.", "text_model.", "transformer.", "",
            before: "embeddings.word_embeddings.weight")
        hasBERT = bertPrefix != nil
        hasT5 = names.contains("text.transformer.block.0.layer.0.SelfAttention.q.weight")
        hasM2M100 = !hasT5 && names.contains("text.transformer.embed_tokens.weight")
        let jinaPrefix = prefix(
            "text_model.transformer.", "text_model.transformer.roberta.", before: "emb_ln.weight")
        hasJina = jinaPrefix != nil || names.contains("vision_model.patch_embed.proj.weight")
        let otherPrefix = bertPrefix ?? (hasM2M100 || hasT5 ? "text.transformer." : nil)
        if names.contains("visual.conv1.weight") {
            layout = .openAI
            visionPrefix = "visual."
            textPrefix = otherPrefix ?? prefix("", "text.", before: "token_embedding.weight")
        } else if names.contains(where: { $0.hasPrefix("visual.trunk.") }) {
            layout = .timm
            visionPrefix = "visual.trunk."
            textPrefix = otherPrefix ?? prefix("", "text.", before: "token_embedding.weight")
        } else if names.contains("v.patch_embd.weight") || names.contains("t.token_embd.weight") {
            layout = .ggml
            visionPrefix = prefix("v.", before: "patch_embd.weight")
            textPrefix = prefix("t.", before: "token_embd.weight")
        } else {
            layout = .huggingFace
            visionPrefix =
                prefix("vision_model.", "", before: "embeddings.patch_embedding.weight")
                ?? (hasJina ? prefix("vision_model.", before: "patch_embed.proj.weight") : nil)
            textPrefix =
                bertPrefix ?? jinaPrefix ?? prefix("text_model.", "", before: "embeddings.token_embedding.weight")
        }
    }

    /// What transformers' model of `family` calls `key`.
    static func name(of key: String, _ family: ModelFamily) -> String {
        switch family {
        case .clip, .metaCLIP2, .siglip, .siglip2: key
        case .chineseCLIP: CheckpointKeys(["text_model.embeddings.word_embeddings.weight"]).name(of: key)
        case .altCLIP: CheckpointKeys(["text_model.roberta.embeddings.word_embeddings.weight"]).name(of: key)
        }
    }

    /// Where the checkpoint keeps `key`.
    func place(of key: String) -> TensorPlace {
        let (encoder, prefix, rest) = split(key)
        if hasBERT, let name = bertName(of: key, encoder, rest) { return TensorPlace(name: name) }
        if hasM2M100 || hasT5, let name = adapterName(of: key, encoder, rest) { return TensorPlace(name: name) }
        if hasJina, let encoder {
            return encoder == .vision ? timmPlace(prefix: prefix, rest) : jinaPlace(prefix: prefix, rest)
        }
        if encoder == .vision, let convolutions { return place(convolutions, prefix: prefix, rest) }
        if convolutions == .resNet, key.hasPrefix("visual_projection.") {
            return TensorPlace(name: "visual.attnpool.c_proj.\(key.dropFirst("visual_projection.".count))")
        }
        switch layout {
        case .huggingFace: return huggingFacePlace(of: key, prefix: prefix, rest)
        case .timm where encoder == .vision: return timmPlace(prefix: prefix, rest)
        case .timm where key.hasPrefix("visual_projection."):
            return TensorPlace(name: timmProjection(key.dropFirst("visual_projection.".count)))
        case .openAI, .timm: return openAIPlace(of: key, encoder, prefix: prefix, rest)
        case .ggml: return ggmlPlace(of: key, prefix: prefix, rest)
        }
    }

    /// The checkpoint's name for `key`.
    func name(of key: String) -> String { place(of: key).name }

    /// The name that the LayerScale of `key` would have, if it can have one.
    func scaleName(of key: String) -> String? {
        let (encoder, prefix, rest) = split(key)
        guard layout == .openAI, encoder != nil, let (layer, part) = CheckpointKeys.layer(rest) else { return nil }
        let block = "\(prefix)transformer.resblocks.\(layer)."
        switch CheckpointKeys.parameter(part).module {
        case "self_attn.out_proj": return block + "ls_1.gamma"
        case "mlp.fc2": return block + "ls_2.gamma"
        default: return nil
        }
    }

    /// The second table of a text encoder's positions, as Long-CLIP has it (Zhang et al., 2024): the first rows of the
    /// table stay as they were trained, the others are the second one's.
    var secondTextPositions: TensorPlace.Continuation? {
        guard layout == .openAI, let textPrefix else { return nil }
        let name = textPrefix + "positional_embedding_res"
        return names.contains(name) ? TensorPlace.Continuation(name: name, firstRow: 20) : nil
    }

    private enum Encoder { case vision, text }

    /// The encoder that a key belongs to, its prefix in the checkpoint, and the key without its own.
    private func split(_ key: String) -> (encoder: Encoder?, prefix: String, rest: Substring) {
        for (encoder, full, own) in [
            (Encoder.vision, "vision_model.", visionPrefix), (.text, "text_model.", textPrefix),
        ] where key.hasPrefix(full) {
            return (encoder, own ?? full, key.dropFirst(full.count))
        }
        return (nil, "", key[...])
    }

    /// Projections may be stored as OpenAI does: without `.weight`, `[inputs, outputs]`.
    private func huggingFacePlace(of key: String, prefix: String, _ rest: Substring) -> TensorPlace {
        if key.hasSuffix("_projection.weight"), !names.contains(key) {
            let bare = String(key.dropLast(".weight".count))
            if names.contains(bare) { return TensorPlace(name: bare, isTransposed: true) }
        }
        // SigLIP's head of the text encoder, and its image encoder's queries, keys and values in one.
        let textHead = "\(textPrefix ?? "")head"
        if key.hasPrefix("text_projection."), !names.contains(key), names.contains(textHead + ".weight") {
            return TensorPlace(name: textHead + key.dropFirst("text_projection".count))
        }
        if rest.hasPrefix("head.attention.") {
            let (module, parameter) = CheckpointKeys.parameter(rest)
            if let part = CheckpointKeys.partOfThree(module, of: "head.attention.") {
                return TensorPlace(name: "\(prefix)head.attention.in_proj_\(parameter)", part: part)
            }
        }
        let name = prefix + rest
        // As transformers 5 has saved AltCLIP's.
        let other = name.replacing("encoder.layers.", with: "encoder.layer.", maxReplacements: 1)
        return TensorPlace(name: !names.contains(name) && names.contains(other) ? other : name)
    }

    private func openAIPlace(
        of key: String, _ encoder: Encoder?, prefix: String, _ rest: Substring
    ) -> TensorPlace {
        guard let encoder else {
            let text = textPrefix ?? ""
            switch key {
            case "visual_projection.weight": return TensorPlace(name: "visual.proj", isTransposed: true)
            case "text_projection.weight" where !names.contains(text + key):
                return TensorPlace(name: text + "text_projection", isTransposed: true)
            case "text_projection.weight", "text_projection.bias": return TensorPlace(name: text + key)
            default: return TensorPlace(name: key)
            }
        }
        if let (layer, part) = CheckpointKeys.layer(rest) {
            let block = "\(prefix)transformer.resblocks.\(layer)."
            let (module, parameter) = CheckpointKeys.parameter(part)
            if let part = CheckpointKeys.partOfThree(module, of: "self_attn.") {
                return TensorPlace(name: "\(block)attn.in_proj_\(parameter)", part: part)
            }
            let name =
                switch module {
                case "layer_norm1": "ln_1"
                case "layer_norm2": "ln_2"
                case "self_attn.out_proj": "attn.out_proj"
                case "mlp.fc1": "mlp.c_fc"
                case "mlp.fc2": "mlp.c_proj"
                default: String(module)
                }
            let scale = scaleName(of: key)
            return TensorPlace(
                name: "\(block)\(name).\(parameter)", scale: scale.flatMap { names.contains($0) ? $0 : nil })
        }
        let (module, parameter) = CheckpointKeys.parameter(rest)
        switch (encoder, module) {
        case (.vision, "embeddings.patch_embedding"): return TensorPlace(name: "\(prefix)conv1.\(parameter)")
        case (_, "embeddings.position_embedding"):
            return TensorPlace(
                name: "\(prefix)positional_embedding", continuation: encoder == .text ? secondTextPositions : nil)
        case (.vision, "pre_layrnorm"): return TensorPlace(name: "\(prefix)ln_pre.\(parameter)")
        case (.vision, "post_layernorm"): return TensorPlace(name: "\(prefix)ln_post.\(parameter)")
        case (.text, "embeddings.token_embedding"): return TensorPlace(name: "\(prefix)token_embedding.\(parameter)")
        case (.text, "final_layer_norm"): return TensorPlace(name: "\(prefix)ln_final.\(parameter)")
        case (.text, "embeddings"): return TensorPlace(name: "\(prefix)cls_emb")
        case (.vision, "head"), (.vision, "head.query_norm"), (.vision, "head.key_norm"):
            let name = ["query_norm": "ln_q", "key_norm": "ln_k"][module.split(separator: ".").last ?? ""]
            return name.map { TensorPlace(name: "\(prefix)attn_pool.\($0).\(parameter)") }
                ?? TensorPlace(name: "\(prefix)attn_pool.query", row: 0)
        case (.vision, "head.attention.out_proj"):
            return TensorPlace(name: "\(prefix)attn_pool.attn.out_proj.\(parameter)")
        case (.vision, _) where module.hasPrefix("head.attention."):
            let part = CheckpointKeys.partOfThree(module, of: "head.attention.")
            let apart = "\(prefix)attn_pool.attn.\(module.dropFirst("head.attention.".count))_\(parameter)"
            return names.contains(apart)
                ? TensorPlace(name: apart)
                : TensorPlace(name: "\(prefix)attn_pool.attn.in_proj_\(parameter)", part: part)
        default: return TensorPlace(name: prefix + (rest == "embeddings.class_embedding" ? "class_embedding" : rest))
        }
    }

    private func timmPlace(prefix: String, _ rest: Substring) -> TensorPlace {
        if let (layer, part) = CheckpointKeys.layer(rest) {
            return timmLayerPlace(of: part, block: "\(prefix)blocks.\(layer).")
        }
        let (module, parameter) = CheckpointKeys.parameter(rest)
        if module.hasPrefix("convolutions.") {
            return viTaminPlace("\(prefix)patch_embed.backbone.\(module.dropFirst("convolutions.".count))", parameter)
        }
        let pool = "\(prefix)attn_pool."
        switch module {
        case "embeddings.patch_embedding":
            let whole = "\(prefix)patch_embed.proj.\(parameter)"
            let last = "\(prefix)patch_embed.backbone.2.conv.\(parameter)"
            return TensorPlace(name: names.contains(last) ? last : whole)
        case "embeddings.stem.0", "embeddings.stem.1":
            let stage = "\(prefix)patch_embed.backbone.\(module.suffix(1))."
            return TensorPlace(
                name: parameter == "weight" ? "\(stage)conv.weight" : "\(stage)bn.bias", batchNorm: "\(stage)bn")
        case "embeddings.position_embedding": return TensorPlace(name: "\(prefix)pos_embed")
        case "embeddings": return TensorPlace(name: "\(prefix)cls_token")
        case "pre_layrnorm": return TensorPlace(name: "\(prefix)norm_pre.\(parameter)")
        case "post_layernorm":
            let afterPooling = "\(prefix)fc_norm.\(parameter)"
            return TensorPlace(name: names.contains(afterPooling) ? afterPooling : "\(prefix)norm.\(parameter)")
        case "head" where parameter == "probe": return TensorPlace(name: "\(pool)latent")
        case "head.attention.q_proj": return TensorPlace(name: "\(pool)q.\(parameter)")
        case "head.attention.k_proj": return TensorPlace(name: "\(pool)kv.\(parameter)", part: 0, partCount: 2)
        case "head.attention.v_proj": return TensorPlace(name: "\(pool)kv.\(parameter)", part: 1, partCount: 2)
        case "head.attention.out_proj": return TensorPlace(name: "\(pool)proj.\(parameter)")
        case "head.layernorm": return TensorPlace(name: "\(pool)norm.\(parameter)")
        case "head.mlp.fc1", "head.mlp.fc2":
            return TensorPlace(name: "\(pool)\(module.dropFirst("head.".count)).\(parameter)")
        default: return TensorPlace(name: prefix + rest)
        }
    }

    /// Queries, keys and values are one, or apart; the first may have biases of its own.
    private func timmLayerPlace(of part: Substring, block: String) -> TensorPlace {
        let (module, parameter) = CheckpointKeys.parameter(part)
        if let index = CheckpointKeys.partOfThree(module, of: "self_attn.") {
            let letter = ["q", "k", "v"][index]
            let (apart, own) = ("\(block)attn.\(letter)_proj.\(parameter)", "\(block)attn.\(letter)_bias")
            if names.contains(apart) { return TensorPlace(name: apart) }
            if parameter == "bias", names.contains(own) { return TensorPlace(name: own) }
            return TensorPlace(name: "\(block)attn.qkv.\(parameter)", part: index)
        }
        let name =
            switch module {
            case "layer_norm1": "norm1"
            case "layer_norm2": "norm2"
            case "self_attn.out_proj": "attn.proj"
            case "self_attn.norm":
                names.contains("\(block)attn.inner_attn_ln.weight") ? "attn.inner_attn_ln" : "attn.norm"
            // EVA's own, whose two factors are the first two.
            case "mlp.gate" where names.contains("\(block)mlp.w3.weight"): "mlp.w1"
            case "mlp.fc1" where names.contains("\(block)mlp.w3.weight"): "mlp.w2"
            case "mlp.fc2" where names.contains("\(block)mlp.w3.weight"): "mlp.w3"
            case "mlp.norm" where names.contains("\(block)mlp.ffn_ln.weight"): "mlp.ffn_ln"
            case "mlp.gate": names.contains("\(block)mlp.w2.weight") ? "mlp.w0" : "mlp.fc1_g"
            case "mlp.fc1" where names.contains("\(block)mlp.w2.weight"): "mlp.w1"
            case "mlp.fc2" where names.contains("\(block)mlp.w2.weight"): "mlp.w2"
            case "mlp.fc1" where names.contains("\(block)mlp.fc1_x.weight"): "mlp.fc1_x"
            default: String(module)
            }
        return TensorPlace(name: "\(block)\(name).\(parameter)")
    }

    /// timm's own head, or open_clip's around it.
    private func timmProjection(_ rest: Substring) -> String {
        if rest.hasPrefix("fc") { return "visual.head.mlp.\(rest)" }
        let own = "visual.head.proj.\(rest)"
        if names.contains(own) { return own }
        return switch convolutions {
        case .fastViT: "visual.trunk.head.fc.\(rest)"
        case .efficientNet: "visual.trunk.classifier.\(rest)"
        default: "visual.trunk.head.\(rest)"
        }
    }

    /// The name in transformers' BERT and its relatives, and in what stands around them: open_clip's adapter, or AltCLIP's
    /// text model; nil when the tensor is none of the text encoder's.
    private func bertName(of key: String, _ encoder: Encoder?, _ rest: Substring) -> String? {
        let prefix = textPrefix ?? ""
        if key.hasPrefix("text_projection.") {
            let parameter = key.dropFirst("text_projection.".count)
            if prefix == "text_model.roberta." {
                return parameter.hasPrefix("fc1.")
                    ? "text_model.transformation.\(parameter.dropFirst(4))" : "text_projection.weight"
            }
            // Of M-CLIP, and of sentence-transformers.
            if prefix == "transformer." { return "LinearTransformation.\(parameter)" }
            if prefix.isEmpty { return "linear.\(parameter)" }
            return prefix == "text.transformer." ? CheckpointKeys.adapterProjection(parameter) : nil
        }
        guard encoder == .text else { return nil }
        if let (layer, part) = CheckpointKeys.layer(rest) {
            let (module, parameter) = CheckpointKeys.parameter(part)
            if hasDistilBERT { return distilBERTName(prefix: prefix, layer: layer, module, parameter) }
            let name =
                switch module {
                case "self_attn.q_proj": "attention.self.query"
                case "self_attn.k_proj": "attention.self.key"
                case "self_attn.v_proj": "attention.self.value"
                case "self_attn.out_proj": "attention.output.dense"
                case "layer_norm1": "attention.output.LayerNorm"
                case "mlp.fc1": "intermediate.dense"
                case "mlp.fc2": "output.dense"
                case "layer_norm2": "output.LayerNorm"
                default: String(module)
                }
            let rest = ".\(layer).\(name).\(parameter)"
            // transformers 5 has saved AltCLIP's in the plural.
            let other = "\(prefix)encoder.layers\(rest)"
            return names.contains(other) ? other : "\(prefix)encoder.layer\(rest)"
        }
        let (module, parameter) = CheckpointKeys.parameter(rest)
        switch module {
        case "embeddings.token_embedding": return "\(prefix)embeddings.word_embeddings.\(parameter)"
        case "embeddings.position_embedding": return "\(prefix)embeddings.position_embeddings.\(parameter)"
        case "embeddings.token_type_embedding": return "\(prefix)embeddings.token_type_embeddings.\(parameter)"
        case "embeddings.layer_norm": return "\(prefix)embeddings.LayerNorm.\(parameter)"
        case "final_layer_norm": return "text_model.pre_LN.\(parameter)"
        case "pooler": return "\(prefix)pooler.dense.\(parameter)"
        default: return prefix + rest
        }
    }

    /// The name of a layer's tensor in transformers' DistilBERT.
    private func distilBERTName(
        prefix: String, layer: Substring, _ module: Substring, _ parameter: Substring
    ) -> String {
        let name =
            switch module {
            case "self_attn.q_proj": "attention.q_lin"
            case "self_attn.k_proj": "attention.k_lin"
            case "self_attn.v_proj": "attention.v_lin"
            case "self_attn.out_proj": "attention.out_lin"
            case "layer_norm1": "sa_layer_norm"
            case "mlp.fc1": "ffn.lin1"
            case "mlp.fc2": "ffn.lin2"
            case "layer_norm2": "output_layer_norm"
            default: String(module)
            }
        return "\(prefix)transformer.layer.\(layer).\(name).\(parameter)"
    }

    /// The name in an encoder of transformers' under open_clip's adapter; nil when the tensor is none of the text encoder's.
    private func adapterName(of key: String, _ encoder: Encoder?, _ rest: Substring) -> String? {
        if key.hasPrefix("text_projection.") {
            return CheckpointKeys.adapterProjection(key.dropFirst("text_projection.".count))
        }
        guard encoder == .text else { return nil }
        return "text.transformer." + (hasT5 ? CheckpointKeys.t5Name(rest) : CheckpointKeys.m2m100Name(rest))
    }

    /// The place in the text encoder of jina-clip's program, whose matrices may be parametrised (torch.nn.utils.parametrize).
    private func jinaPlace(prefix: String, _ rest: Substring) -> TensorPlace {
        var place: TensorPlace
        if let (layer, part) = CheckpointKeys.layer(rest) {
            let block = "\(prefix)encoder.layers.\(layer)."
            let (module, parameter) = CheckpointKeys.parameter(part)
            let isGated = names.contains("\(block)mlp.gated_layers.weight")
            let projection = CheckpointKeys.partOfThree(module, of: "self_attn.")
            let (name, number): (String, Int?) =
                switch module {
                case _ where projection != nil: ("mixer.Wqkv", projection)
                case "self_attn.out_proj": ("mixer.out_proj", nil)
                case "layer_norm1": ("norm1", nil)
                case "layer_norm2": ("norm2", nil)
                case "mlp.gate": ("mlp.gated_layers", 0)
                case "mlp.fc1" where isGated: ("mlp.gated_layers", 1)
                case "mlp.fc2" where isGated: ("mlp.wo", nil)
                default: (String(module), nil)
                }
            place = TensorPlace(
                name: "\(block)\(name).\(parameter)", part: number, partCount: projection == nil ? 2 : 3)
        } else {
            let (module, parameter) = CheckpointKeys.parameter(rest)
            let name =
                switch module {
                case "embeddings.token_embedding": "embeddings.word_embeddings"
                case "embeddings.token_type_embedding": "embeddings.token_type_embeddings"
                case "embeddings.layer_norm": "emb_ln"
                default: String(module)
                }
            place = TensorPlace(name: "\(prefix)\(name).\(parameter)")
        }
        if place.name.hasSuffix(".weight") {
            let parametrised = "\(place.name.dropLast("weight".count))parametrizations.weight."
            if names.contains(parametrised + "original") {
                place.name = parametrised + "original"
                place.adaptation = parametrised + "0."
            }
        }
        return place
    }

    /// The name in transformers' M2M-100.
    private static func m2m100Name(_ rest: Substring) -> String {
        if let (layer, part) = CheckpointKeys.layer(rest) {
            let (module, parameter) = CheckpointKeys.parameter(part)
            let name =
                switch module {
                case "layer_norm1": "self_attn_layer_norm"
                case "layer_norm2": "final_layer_norm"
                case "mlp.fc1", "mlp.fc2": String(module.dropFirst("mlp.".count))
                default: String(module)
                }
            return "layers.\(layer).\(name).\(parameter)"
        }
        switch rest {
        case "embeddings.token_embedding.weight": return "embed_tokens.weight"
        case "final_layer_norm.weight", "final_layer_norm.bias": return String(rest.dropFirst("final_".count))
        default: return String(rest)
        }
    }

    /// The name in the encoder of transformers' T5.
    private static func t5Name(_ rest: Substring) -> String {
        if let (layer, part) = CheckpointKeys.layer(rest) {
            let (module, parameter) = CheckpointKeys.parameter(part)
            let name =
                switch module {
                case "layer_norm1": "0.layer_norm"
                case "self_attn.q_proj": "0.SelfAttention.q"
                case "self_attn.k_proj": "0.SelfAttention.k"
                case "self_attn.v_proj": "0.SelfAttention.v"
                case "self_attn.out_proj": "0.SelfAttention.o"
                case "layer_norm2": "1.layer_norm"
                case "mlp.gate": "1.DenseReluDense.wi_0"
                case "mlp.fc1": "1.DenseReluDense.wi_1"
                case "mlp.fc2": "1.DenseReluDense.wo"
                default: String(module)
                }
            return "block.\(layer).layer.\(name).\(parameter)"
        }
        switch rest {
        case "embeddings.token_embedding.weight": return "embed_tokens.weight"
        case "encoder.relative_attention_bias.weight":
            return "block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        default: return String(rest)
        }
    }

    /// The name of a projection's parameter under open_clip's adapter.
    private static func adapterProjection(_ parameter: Substring) -> String {
        switch parameter {
        case "fc1.weight": "text.proj.0.weight"
        case "fc2.weight": "text.proj.2.weight"
        default: "text.proj.\(parameter)"
        }
    }

    private func ggmlPlace(of key: String, prefix: String, _ rest: Substring) -> TensorPlace {
        if let (layer, part) = CheckpointKeys.layer(rest) {
            let (module, parameter) = CheckpointKeys.parameter(part)
            let name =
                switch module {
                case "layer_norm1": "ln1"
                case "layer_norm2": "ln2"
                case "self_attn.q_proj": "attn_q"
                case "self_attn.k_proj": "attn_k"
                case "self_attn.v_proj": "attn_v"
                case "self_attn.out_proj": "attn_out"
                // clip.cpp's names for the two are the other way round than other models' in GGUF.
                case "mlp.fc1": "ffn_down"
                case "mlp.fc2": "ffn_up"
                default: String(module)
                }
            return TensorPlace(name: "\(prefix)blk.\(layer).\(name).\(parameter)")
        }
        let (module, parameter) = CheckpointKeys.parameter(rest)
        switch module {
        case "embeddings.patch_embedding": return TensorPlace(name: "\(prefix)patch_embd.\(parameter)")
        case "embeddings.position_embedding": return TensorPlace(name: "\(prefix)position_embd.\(parameter)")
        case "embeddings.token_embedding": return TensorPlace(name: "\(prefix)token_embd.\(parameter)")
        case "pre_layrnorm": return TensorPlace(name: "\(prefix)pre_ln.\(parameter)")
        case "post_layernorm", "final_layer_norm": return TensorPlace(name: "\(prefix)post_ln.\(parameter)")
        default: return TensorPlace(name: prefix + (rest == "embeddings.class_embedding" ? "class_embd" : rest))
        }
    }

    /// The layer's number and what stands behind it, of `encoder.layers.N.…`.
    private static func layer(_ rest: Substring) -> (layer: Substring, part: Substring)? {
        guard rest.hasPrefix("encoder.layers.") else { return nil }
        let parts = rest.dropFirst("encoder.layers.".count).split(separator: ".", maxSplits: 1)
        return parts.count == 2 ? (parts[0], parts[1]) : nil
    }

    /// Which part of queries, keys and values in one an attention's module is; nil when it is another.
    private static func partOfThree(_ module: Substring, of attention: String) -> Int? {
        ["q_proj", "k_proj", "v_proj"].firstIndex { module == attention + $0 }
    }

    /// `a.b.weight` as `a.b` and `weight`.
    static func parameter(_ key: Substring) -> (module: Substring, parameter: Substring) {
        guard let dot = key.lastIndex(of: ".") else { return (key, "") }
        return (key[..<dot], key[key.index(after: dot)...])
    }
}
