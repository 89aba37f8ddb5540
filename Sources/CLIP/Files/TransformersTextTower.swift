internal import CLIPJSON

/// A text tower of transformers' that open_clip names (open_clip, hf_model.py). Its shape is in the name alone.
struct TransformersTextTower {
    let configuration: TextConfiguration
    /// A tensor that tells it from others.
    let firstTensor: String

    private enum Kind {
        case bert
        /// Positions count from the row behind its padding's.
        case roberta
        /// The encoder of an NLLB (Costa-jussà et al., 2022), whose positions count so too.
        case nllb
        /// The encoder of an mT5 (Xue et al., 2021), whose tokens stand relative to each other.
        case mT5
    }

    private struct Named {
        var width: Int
        var layers: Int
        var heads: Int
        var vocabulary: Int
        var kind = Kind.roberta
        var intermediateWidth: Int?
    }

    private static let named: [String: Named] = {
        let base = Named(width: 768, layers: 12, heads: 12, vocabulary: 250002)
        let large = Named(width: 1024, layers: 24, heads: 16, vocabulary: 250002)
        return [
            "roberta-base": Named(width: 768, layers: 12, heads: 12, vocabulary: 50265),
            "roberta-large": Named(width: 1024, layers: 24, heads: 16, vocabulary: 50265),
            "xlm-roberta-base": base, "xlm-roberta-large": large,
            "bert-base-uncased": Named(width: 768, layers: 12, heads: 12, vocabulary: 30522, kind: .bert),
            "bert-base-multilingual-cased": Named(
                width: 768, layers: 12, heads: 12, vocabulary: 119547, kind: .bert),
            "LaBSE": Named(width: 768, layers: 12, heads: 12, vocabulary: 501153, kind: .bert),
            "nllb-200-distilled-600M": Named(
                width: 1024, layers: 12, heads: 16, vocabulary: 256206, kind: .nllb, intermediateWidth: 4096),
            "nllb-200-distilled-1.3B": Named(
                width: 1024, layers: 24, heads: 16, vocabulary: 256206, kind: .nllb, intermediateWidth: 8192),
            "mt5-base": Named(
                width: 768, layers: 12, heads: 12, vocabulary: 250112, kind: .mT5, intermediateWidth: 2048),
            "mt5-large": Named(
                width: 1024, layers: 24, heads: 16, vocabulary: 250112, kind: .mT5, intermediateWidth: 2816),
            "mt5-xl": Named(
                width: 2048, layers: 24, heads: 32, vocabulary: 250112, kind: .mT5, intermediateWidth: 5120),
        ]
    }()

    /// - Parameter name: of the hub's, with or without the organisation that it moved to.
    private static func tower(_ name: String) -> Named? {
        named[String(name.split(separator: "/").last ?? "")]
    }

    static func isKnown(_ name: String) -> Bool { tower(name) != nil }

    /// Nil when the section names no tower of transformers'.
    /// - Throws: `CLIPError` when it isn't known, or is pooled or projected in a way that isn't.
    init?(_ section: inout ConfigSection, embeddingDimension: Int) throws(CLIPError) {
        guard let name = try section.text("hf_model_name") else { return nil }
        guard let tower = TransformersTextTower.tower(name) else {
            throw section.fault("hf_model_name", .string(name), expected: "one that is known, such as xlm-roberta-base")
        }
        if let own = section.present("hf_model_config") {
            throw section.fault("hf_model_config", own, expected: "none: the shape is hf_model_name's")
        }
        let context = try section.int("context_length", named: "context length", default: 77, in: 2...512)
        var text = TransformersTextTower.text(tower, contextLength: context)
        firstTensor =
            switch tower.kind {
            case .bert, .roberta: "text.transformer.embeddings.word_embeddings.weight"
            case .nllb: "text.transformer.layers.0.fc1.weight"
            case .mT5: "text.transformer.block.0.layer.0.SelfAttention.q.weight"
            }
        switch try section.text("hf_pooler_type") ?? "mean_pooler" {
        case "mean_pooler": text.pooling = .meanOfTokens
        case "cls_pooler":
            (text.pooling, text.hasPooler) = (.firstPosition, tower.kind == .bert || tower.kind == .roberta)
        case "cls_last_hidden_state_pooler": text.pooling = .firstPosition
        case let other:
            throw section.fault(
                "hf_pooler_type", .string(other),
                expected: "\"mean_pooler\", \"cls_pooler\" or \"cls_last_hidden_state_pooler\"")
        }
        switch try section.text("hf_proj_type") ?? "mlp" {
        case "linear": text.projection = .linear
        case "mlp":
            text.projection = .twoLayers(
                Projection.TwoLayers(
                    width: (tower.width + embeddingDimension) / 2, hasBias: false, activation: .gelu))
        case let other: throw section.fault("hf_proj_type", .string(other), expected: "\"linear\" or \"mlp\"")
        }
        configuration = text
        for (setting, value) in [
            ("vocabulary", "\(tower.vocabulary)"), ("width", "\(tower.width)"), ("layers", "\(tower.layers)"),
            ("heads", "\(tower.heads)"),
            ("pooling", text.pooling == .meanOfTokens ? "mean of tokens" : "first position"),
        ] {
            section.record(setting, value, source: "transformers' \(name)")
        }
    }

    private static func text(_ tower: Named, contextLength: Int) -> TextConfiguration {
        var text = TextConfiguration(
            transformer: TransformerConfiguration(
                width: tower.width, intermediateWidth: tower.intermediateWidth ?? 4 * tower.width,
                layerCount: tower.layers, headCount: tower.heads, activation: .gelu),
            vocabularySize: tower.vocabulary, contextLength: contextLength, isCausal: false)
        switch tower.kind {
        case .bert, .roberta:
            text.transformer.layerNormEpsilon = tower.kind == .bert ? 1e-12 : 1e-5
            text.transformer.normPlacement = .after
            text.hasOutputNorm = false
            text.embeddings.typeCount = tower.kind == .bert ? 2 : 1
            text.embeddings.hasNorm = true
        case .nllb:
            text.transformer.activation = .relu
            text.embeddings.isSinusoidal = true
            text.embeddings.isScaled = true
        case .mT5:
            text.transformer.activation = .tanhGELU
            text.transformer.layerNormEpsilon = 1e-6
            text.transformer.hasBiases = false
            text.transformer.hasRootMeanSquareNorms = true
            text.transformer.gatedMLPNorm = .absent
            text.transformer.relativePositions = .buckets(count: 32, farthest: 128)
        }
        // Padding is seen by none of them but BERT, not even where a text spells it.
        switch tower.kind {
        case .bert: text.embeddings.positionCount = 512
        case .roberta, .nllb:
            text.embeddings.positionOffset = 2
            text.embeddings.positionCount = 514
            text.embeddings.ignoredToken = 1
        case .mT5: text.embeddings.ignoredToken = 0
        }
        return text
    }
}
