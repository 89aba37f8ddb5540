internal import JSON

extension ModelConfiguration {
    /// A complete Hugging Face `config.json`: nothing is left to a reader's defaults.
    /// - Parameter initialLogitScale: the logarithm of the logit scale.
    func huggingFaceText(initialLogitScale: Float) -> String {
        let endToken =
            switch text.pooling {
            case .firstToken(let token): token
            case .largestToken: 2
            }
        return """
            {"architectures":["CLIPModel"],"model_type":"clip","projection_dim":\(embeddingDimension),\
            "logit_scale_init_value":\(initialLogitScale),\
            "text_config":{"model_type":"clip_text_model",\(text.transformer.huggingFaceFields),\
            "vocab_size":\(text.vocabularySize),"max_position_embeddings":\(text.contextLength),\
            "eos_token_id":\(endToken),"projection_dim":\(embeddingDimension)},\
            "vision_config":{"model_type":"clip_vision_model",\(vision.transformer.huggingFaceFields),\
            "num_channels":3,"image_size":\(vision.imageSize),"patch_size":\(vision.patchSize),\
            "projection_dim":\(embeddingDimension)}}
            """
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
