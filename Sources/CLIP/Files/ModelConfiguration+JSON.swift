internal import CLIPJSON

extension ModelConfiguration {
    /// A complete Hugging Face `config.json`: nothing is left to a reader's defaults.
    /// - Parameter initialLogitScale: the logarithm of the logit scale.
    func huggingFaceText(initialLogitScale: Float) -> String {
        switch family {
        case .siglip, .siglip2: siglipText
        case .clip, .metaCLIP2, .chineseCLIP, .altCLIP: clipText(initialLogitScale: initialLogitScale)
        }
    }

    private var siglipText: String {
        """
        {"architectures":["\(className)Model"],"model_type":"\(family.rawValue)",\
        "text_config":{\(siglipTextFields)},"vision_config":{\(siglipVisionFields)}}
        """
    }

    private var siglipTextFields: String {
        """
        "model_type":"\(family.rawValue)_text_model",\(text.transformer.huggingFaceFields),\
        "vocab_size":\(text.vocabularySize),"max_position_embeddings":\(text.contextLength),\
        "projection_size":\(embeddingDimension)\(text.paddingToken.map { ",\"pad_id\":\($0)" } ?? "")
        """
    }

    private var siglipVisionFields: String {
        """
        "model_type":"\(family.rawValue)_vision_model",\(vision.transformer.huggingFaceFields),\
        "num_channels":3,\
        \(vision.hasPictureGrids ? "\"num_patches\":\(vision.positionCount)" : "\"image_size\":\(vision.imageSize)"),\
        "patch_size":\(vision.patchSize),"vision_use_head":\(vision.pooling == .attention)
        """
    }

    private func clipText(initialLogitScale: Float) -> String {
        """
        {"architectures":["\(className)Model"],"model_type":"\(family.rawValue)","projection_dim":\(embeddingDimension),\
        "logit_scale_init_value":\(initialLogitScale),\
        "text_config":{\(clipTextFields)},"vision_config":{\(clipVisionFields)}}
        """
    }

    /// What transformers' classes of the family begin with.
    private var className: String {
        switch family {
        case .clip: "CLIP"
        case .siglip: "Siglip"
        case .siglip2: "Siglip2"
        case .metaCLIP2: "MetaClip2"
        case .chineseCLIP: "ChineseCLIP"
        case .altCLIP: "AltCLIP"
        }
    }

    /// Of the families whose text encoder is a BERT, in its words.
    private var bertTextFields: String {
        var middle = 0
        if case .twoLayers(let layers) = text.projection { middle = layers.width }
        return """
            "model_type":"\(family.rawValue)_text_model",\(text.transformer.huggingFaceFields),\
            "vocab_size":\(text.vocabularySize),\
            "max_position_embeddings":\(text.embeddings.positionCount ?? text.contextLength),\
            "type_vocab_size":\(text.embeddings.typeCount)\
            \(family == .altCLIP ? ",\"pad_token_id\":\(text.embeddings.positionOffset - 1),\"project_dim\":\(middle)" : "")
            """
    }

    private var clipTextFields: String {
        if family == .chineseCLIP || family == .altCLIP { return bertTextFields }
        let endToken =
            switch text.pooling {
            case .firstToken(let token): token
            case .largestToken, .firstPosition, .lastPosition, .meanOfTokens, .classToken: 2
            }
        return """
            "model_type":"\(family.rawValue)_text_model",\(text.transformer.huggingFaceFields),\
            "vocab_size":\(text.vocabularySize),"max_position_embeddings":\(text.contextLength),\
            "eos_token_id":\(endToken),"projection_dim":\(embeddingDimension)\(text.variantFields(family))
            """
    }

    private var clipVisionFields: String {
        """
        "model_type":"\(family.rawValue)_vision_model",\(vision.transformer.huggingFaceFields),\
        "num_channels":3,"image_size":\(vision.imageSize),"patch_size":\(vision.patchSize),\
        "projection_dim":\(embeddingDimension)\(vision.variantFields)
        """
    }

    /// The same for a folder that holds only `parts`, of transformers' class for one encoder alone.
    func exportedText(of parts: ModelParts, initialLogitScale: Float) -> String {
        let isSigLIP = family.isSigLIP
        let ending = isSigLIP ? "" : "WithProjection"
        switch parts {
        case .all: return huggingFaceText(initialLogitScale: initialLogitScale)
        case .images:
            return """
                {"architectures":["\(className)VisionModel\(ending)"],\
                \(isSigLIP ? siglipVisionFields : clipVisionFields)}
                """
        case .texts:
            return """
                {"architectures":["\(className)TextModel\(ending)"],\
                \(isSigLIP ? siglipTextFields : clipTextFields)}
                """
        }
    }

    /// Why transformers' class of the family can't compute this model, or `parts` of it alone; nil if it can.
    func obstacleToTransformers(parts: ModelParts) -> String? {
        switch family {
        case .siglip, .siglip2: return nil
        case .chineseCLIP, .altCLIP:
            return parts == .all ? nil : "transformers has no class for one of its encoders with its projection"
        case .clip, .metaCLIP2:
            let fields = (vision.variantFields + text.variantFields(family)).dropFirst()
            return fields.isEmpty ? nil : String(fields)
        }
    }
}

extension VisionConfiguration {
    /// What sets this encoder apart from Hugging Face's, in open_clip's words where it has some, each after a comma.
    fileprivate var variantFields: String {
        var fields = transformer.variantFields
        if !hasInputNorm { fields += ",\"no_ln_pre\":true" }
        if !hasClassToken { fields += ",\"class_token\":false" }
        if !hasClassPosition { fields += ",\"class_position\":false" }
        if hasPatchBias { fields += ",\"patch_bias\":true" }
        switch pooling {
        case .classToken: break
        case .firstQuery:
            fields += ",\"pool_type\":\"query\",\"pool_heads\":\(poolingHeadCount ?? transformer.headCount)"
        case .meanOfPatches: fields += ",\"pool_type\":\"avg\",\"final_ln_after_pool\":true"
        case .meanOfNormalizedPatches: fields += ",\"pool_type\":\"avg\""
        case .attention:
            fields +=
                ",\"pool_type\":\"map\",\"pool_heads\":\(poolingHeadCount ?? transformer.headCount)"
                + ",\"pool_width\":\(poolingIntermediateWidth ?? transformer.intermediateWidth)"
        }
        fields += projection.fields + tower.fields
        if !hasPositions { fields += ",\"positions\":false" }
        if let convolutions {
            fields += ",\"vitamin\":{\"depths\":\(convolutions.depths),\"widths\":\(convolutions.widths)}"
        }
        if !stem.isEmpty { fields += ",\"stem\":\(stem.map { [$0.side, $0.width] })" }
        if let rotary = rotaryPositions {
            fields +=
                ",\"rotary\":{\"reference\":\(rotary.referenceSize),\"offset\":\(rotary.offset),"
                + "\"column_first\":\(rotary.columnFirst)}"
        }
        return fields
    }
}

extension TextConfiguration {
    /// What sets this encoder apart from Hugging Face's, in open_clip's words where it has some, each after a comma.
    fileprivate func variantFields(_ family: ModelFamily) -> String {
        var fields = transformer.variantFields
        switch pooling {
        case .firstToken where family == .metaCLIP2: break
        // An eos_token_id of 2 alone means the largest token, and CLIP's own vocabulary its last one.
        case .firstToken(let token) where token == 2 || vocabularySize == 49408 && token != 49407:
            fields += ",\"pool_type\":\"eos\""
        case .largestToken where vocabularySize == 49408: fields += ",\"pool_type\":\"argmax\""
        case .firstPosition: fields += ",\"pool_type\":\"first\""
        case .lastPosition: fields += ",\"pool_type\":\"last\""
        case .meanOfTokens: fields += ",\"pool_type\":\"mean\""
        case .classToken(let padding): fields += ",\"embed_cls\":true,\"pad_id\":\(padding)"
        case .firstToken, .largestToken: break
        }
        if !isCausal { fields += ",\"no_causal_mask\":true" }
        if let paddingToken {
            fields += ",\"pad_id\":\(paddingToken)"
        } else if !isCausal || pooling == .lastPosition {
            fields += ",\"padded\":false"
        }
        fields += projection.fields
        if embeddings.typeCount > 0 { fields += ",\"token_types\":\(embeddings.typeCount)" }
        if embeddings.isSinusoidal { fields += ",\"sinusoidal_positions\":true" }
        if embeddings.isScaled { fields += ",\"scaled_embeddings\":true" }
        if embeddings.hasNorm { fields += ",\"embedding_norm\":true" }
        if !hasOutputNorm { fields += ",\"no_final_norm\":true" }
        if hasPooler { fields += ",\"pooler\":true" }
        if let token = embeddings.ignoredToken { fields += ",\"ignored_token\":\(token)" }
        if let count = embeddings.positionCount {
            fields += ",\"position_count\":\(count),\"position_offset\":\(embeddings.positionOffset)"
        }
        return fields
    }
}

extension ImageTowerKind {
    fileprivate var fields: String {
        switch self {
        case .transformer: ""
        case .resNet(let shape): ",\"tower\":\"resnet\",\"depths\":\(shape.depths),\"tower_width\":\(shape.width)"
        case .convNeXt(let shape): ",\"tower\":\"convnext\",\"depths\":\(shape.depths),\"widths\":\(shape.widths)"
        case .fastViT(let shape):
            ",\"tower\":\"fastvit\",\"depths\":\(shape.depths),\"widths\":\(shape.widths),\"mlp_ratio\":\(shape.mlpRatio)"
                + (shape.squeezedStages.isEmpty ? "" : ",\"squeezed_stages\":\(shape.squeezedStages)")
                + ",\"attention_stages\":\(shape.attentionStages),\"layer_norms\":\(shape.hasLayerNorm)"
        case .efficientNet(let shape):
            ",\"tower\":\"efficientnet-lite\",\"depths\":\(shape.depths),\"widths\":\(shape.widths),"
                + "\"tower_width\":\(shape.stemWidth),\"features\":\(shape.features)"
        }
    }
}

extension Projection {
    fileprivate var fields: String {
        switch self {
        case .linear: return ""
        case .affine: return ",\"proj_bias\":true"
        case .none: return ",\"proj_type\":\"none\""
        case .twoLayers(let layers):
            let activation = layers.activation.map { ",\"proj_act\":\(jsonString($0.rawValue))" } ?? ""
            return
                ",\"proj_type\":\"two_layers\",\"proj_width\":\(layers.width),\"proj_bias\":\(layers.hasBias)\(activation)"
        }
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

    /// What sets these layers apart from CLIP's, each after a comma.
    fileprivate var variantFields: String {
        var fields = normPlacement == .before ? "" : ",\"norm_placement\":\"\(normPlacement.rawValue)\""
        if !hasKeyBias { fields += ",\"key_bias\":false" }
        if hasAttentionNorm { fields += ",\"attention_norm\":true" }
        if !hasBiases { fields += ",\"biases\":false" }
        if hasRootMeanSquareNorms { fields += ",\"rms_norm\":true" }
        switch relativePositions {
        case nil: break
        case .buckets(let count, let farthest):
            fields += ",\"relative_positions\":{\"buckets\":\(count),\"farthest\":\(farthest)}"
        case .slopes: fields += ",\"relative_positions\":{\"slopes\":true}"
        case .rotary(let base): fields += ",\"relative_positions\":{\"rotary_base\":\(base)}"
        }
        if let gatedMLPNorm {
            fields += ",\"gated_mlp\":true"
            if gatedMLPNorm != .product { fields += ",\"gated_mlp_norm\":\"\(gatedMLPNorm.rawValue)\"" }
            if !hasFactorBiases { fields += ",\"gated_mlp_bias\":false" }
        }
        return fields
    }
}
