internal import CLIPJSON

extension ModelConfiguration {
    /// A complete Hugging Face `config.json`: nothing is left to a reader's defaults.
    /// - Parameter initialLogitScale: the logarithm of the logit scale.
    func huggingFaceText(initialLogitScale: Float) -> String {
        switch family {
        case .clip: clipText(initialLogitScale: initialLogitScale)
        case .siglip: siglipText
        }
    }

    private var siglipText: String {
        """
        {"architectures":["SiglipModel"],"model_type":"siglip",\
        "text_config":{\(siglipTextFields)},"vision_config":{\(siglipVisionFields)}}
        """
    }

    private var siglipTextFields: String {
        """
        "model_type":"siglip_text_model",\(text.transformer.huggingFaceFields),\
        "vocab_size":\(text.vocabularySize),"max_position_embeddings":\(text.contextLength),\
        "projection_size":\(embeddingDimension)\(text.paddingToken.map { ",\"pad_id\":\($0)" } ?? "")
        """
    }

    private var siglipVisionFields: String {
        """
        "model_type":"siglip_vision_model",\(vision.transformer.huggingFaceFields),\
        "num_channels":3,"image_size":\(vision.imageSize),"patch_size":\(vision.patchSize),\
        "vision_use_head":\(vision.pooling == .attention)
        """
    }

    private func clipText(initialLogitScale: Float) -> String {
        """
        {"architectures":["CLIPModel"],"model_type":"clip","projection_dim":\(embeddingDimension),\
        "logit_scale_init_value":\(initialLogitScale),\
        "text_config":{\(clipTextFields)},"vision_config":{\(clipVisionFields)}}
        """
    }

    private var clipTextFields: String {
        let endToken =
            switch text.pooling {
            case .firstToken(let token): token
            case .largestToken, .firstPosition, .lastPosition: 2
            }
        return """
            "model_type":"clip_text_model",\(text.transformer.huggingFaceFields),\
            "vocab_size":\(text.vocabularySize),"max_position_embeddings":\(text.contextLength),\
            "eos_token_id":\(endToken),"projection_dim":\(embeddingDimension)\(text.variantFields)
            """
    }

    private var clipVisionFields: String {
        """
        "model_type":"clip_vision_model",\(vision.transformer.huggingFaceFields),\
        "num_channels":3,"image_size":\(vision.imageSize),"patch_size":\(vision.patchSize),\
        "projection_dim":\(embeddingDimension)\(vision.variantFields)
        """
    }

    /// The same for a folder that holds only `parts`, of transformers' class for one encoder alone.
    func exportedText(of parts: ModelParts, initialLogitScale: Float) -> String {
        let isSigLIP = family == .siglip
        switch parts {
        case .all: return huggingFaceText(initialLogitScale: initialLogitScale)
        case .images:
            return """
                {"architectures":["\(isSigLIP ? "SiglipVisionModel" : "CLIPVisionModelWithProjection")"],\
                \(isSigLIP ? siglipVisionFields : clipVisionFields)}
                """
        case .texts:
            return """
                {"architectures":["\(isSigLIP ? "SiglipTextModel" : "CLIPTextModelWithProjection")"],\
                \(isSigLIP ? siglipTextFields : clipTextFields)}
                """
        }
    }

    /// Why transformers' CLIPModel can't compute this model; nil if it can.
    var obstacleToTransformers: String? {
        if family == .siglip { return nil }
        let fields = (vision.variantFields + text.variantFields).dropFirst()
        return fields.isEmpty ? nil : String(fields)
    }
}

extension VisionConfiguration {
    /// What sets this encoder apart from Hugging Face's, in open_clip's words, each after a comma.
    fileprivate var variantFields: String {
        var fields = hasInputNorm ? "" : ",\"no_ln_pre\":true"
        switch pooling {
        case .classToken: break
        case .meanOfPatches: fields += ",\"pool_type\":\"avg\",\"final_ln_after_pool\":true"
        case .meanOfNormalizedPatches: fields += ",\"pool_type\":\"avg\""
        // SigLIP's alone.
        case .attention: break
        }
        return fields
    }
}

extension TextConfiguration {
    /// What sets this encoder apart from Hugging Face's, in open_clip's words, each after a comma.
    fileprivate var variantFields: String {
        var fields = ""
        switch pooling {
        // An eos_token_id of 2 alone means the largest token, and CLIP's own vocabulary its last one.
        case .firstToken(let token) where token == 2 || vocabularySize == 49408 && token != 49407:
            fields += ",\"pool_type\":\"eos\""
        case .largestToken where vocabularySize == 49408: fields += ",\"pool_type\":\"argmax\""
        default: break
        }
        if pooling == .firstPosition { fields += ",\"pool_type\":\"first\"" }
        if pooling == .lastPosition { fields += ",\"pool_type\":\"last\"" }
        if !isCausal { fields += ",\"no_causal_mask\":true" }
        if let paddingToken { fields += ",\"pad_id\":\(paddingToken)" }
        switch projection {
        case .linear: break
        case .affine: fields += ",\"proj_bias\":true"
        case .none: fields += ",\"proj_type\":\"none\""
        }
        return fields
    }
}

extension TransformerConfiguration {
    fileprivate var huggingFaceFields: String {
        """
        "hidden_size":\(width),"intermediate_size":\(intermediateWidth),"num_hidden_layers":\(layerCount),\
        "num_attention_heads":\(headCount),"hidden_act":\(jsonString(activation.rawValue)),\
        "layer_norm_eps":\(layerNormEpsilon)
        """
    }
}
