/// The shape of a CLIP model: two transformers over one embedding space.
///
/// Field names and defaults are those of Hugging Face's `CLIPConfig`.
package struct ModelConfiguration: Sendable, Equatable {
    /// Whose architecture it is.
    package var family: ModelFamily
    /// The image encoder.
    package var vision: VisionConfiguration
    /// The text encoder.
    package var text: TextConfiguration
    /// The number of values in an embedding (`projection_dim`).
    package var embeddingDimension: Int

    /// A model of these parts.
    package init(
        family: ModelFamily = .clip, vision: VisionConfiguration, text: TextConfiguration, embeddingDimension: Int
    ) {
        self.family = family
        self.vision = vision
        self.text = text
        self.embeddingDimension = embeddingDimension
    }
}

/// Whose architecture a model has. Raw values are Hugging Face's `model_type`.
package enum ModelFamily: String, Sendable, CaseIterable {
    /// Radford et al., 2021.
    case clip
    /// Zhai et al., 2023, and SigLIP 2 of fixed resolution (Tschannen et al., 2025): trained with a sigmoid per pair.
    case siglip
}

/// The shape of a stack of pre-norm transformer layers.
package struct TransformerConfiguration: Sendable, Equatable {
    /// The length of a token's hidden state (`hidden_size`).
    package var width: Int
    /// The width of the MLP between its two linear layers (`intermediate_size`).
    package var intermediateWidth: Int
    /// The number of layers (`num_hidden_layers`).
    package var layerCount: Int
    /// The number of attention heads, which divides `width` (`num_attention_heads`).
    package var headCount: Int
    /// The activation of the MLP (`hidden_act`).
    package var activation: Activation
    /// The ε of every layer norm (`layer_norm_eps`).
    package var layerNormEpsilon: Float

    /// Layers of this shape.
    package init(
        width: Int, intermediateWidth: Int, layerCount: Int, headCount: Int, activation: Activation = .quickGELU,
        layerNormEpsilon: Float = 1e-5
    ) {
        self.width = width
        self.intermediateWidth = intermediateWidth
        self.layerCount = layerCount
        self.headCount = headCount
        self.activation = activation
        self.layerNormEpsilon = layerNormEpsilon
    }
}

/// The activation function between the two linear layers of an MLP. Raw values are Hugging Face's names.
package enum Activation: String, Sendable, CaseIterable {
    /// x·σ(1.702x), what OpenAI's models were trained with.
    case quickGELU = "quick_gelu"
    /// x·Φ(x), with the exact error function (Hendrycks and Gimpel, 2016).
    case gelu
    /// GELU by its tanh approximation.
    case tanhGELU = "gelu_pytorch_tanh"
}

/// The shape of the image encoder, a vision transformer (Dosovitskiy et al., 2020).
package struct VisionConfiguration: Sendable, Equatable {
    /// The transformer behind the patches.
    package var transformer: TransformerConfiguration
    /// The side of the square picture that goes in (`image_size`).
    package var imageSize: Int
    /// The side of a patch (`patch_size`).
    package var patchSize: Int
    /// Whether a class token stands before the patches.
    package var hasClassToken: Bool
    /// Whether the patch embedding has a bias.
    package var hasPatchBias: Bool
    /// Whether a layer norm stands before the first layer, as in all but open_clip's models with `no_ln_pre`.
    package var hasInputNorm: Bool
    /// Where a picture's hidden state is read.
    package var pooling: ImagePooling
    /// Whether a matrix turns the pooled state into the embedding, else it is the embedding.
    package var hasProjection: Bool

    /// An encoder of this shape.
    package init(
        transformer: TransformerConfiguration, imageSize: Int = 224, patchSize: Int = 32, hasClassToken: Bool = true,
        hasPatchBias: Bool = false, hasInputNorm: Bool = true, pooling: ImagePooling = .classToken,
        hasProjection: Bool = true
    ) {
        self.transformer = transformer
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.hasClassToken = hasClassToken
        self.hasPatchBias = hasPatchBias
        self.hasInputNorm = hasInputNorm
        self.pooling = pooling
        self.hasProjection = hasProjection
    }

    /// Patches along one side.
    package var gridSize: Int { imageSize / patchSize }
    /// Tokens of one picture: its patches, and the class token before them if there is one.
    package var tokenCount: Int { gridSize * gridSize + (hasClassToken ? 1 : 0) }
}

/// What stands for the whole picture.
package enum ImagePooling: Sendable, Equatable {
    /// The class token.
    case classToken
    /// The mean of the patches, normalised after it was taken (open_clip's `avg` with `final_ln_after_pool`).
    case meanOfPatches
    /// The mean of the normalised patches (open_clip's `avg`).
    case meanOfNormalizedPatches
    /// What a learnt query finds in the normalised patches, and an MLP makes of it (SigLIP's head).
    case attention
}

/// The shape of the text encoder, a transformer that is causal in most models.
package struct TextConfiguration: Sendable, Equatable {
    /// The transformer behind the token embeddings.
    package var transformer: TransformerConfiguration
    /// The number of different tokens (`vocab_size`).
    package var vocabularySize: Int
    /// The most tokens that a text may have, start and end included (`max_position_embeddings`).
    package var contextLength: Int
    /// Where a text's hidden state is read.
    package var pooling: TextPooling
    /// Whether a token sees only those before it.
    package var isCausal: Bool
    /// The token that fills a text up to the context, for encoders whose result depends on it; nil fills nothing.
    package var paddingToken: Int?
    /// What turns the hidden state into an embedding.
    package var projection: TextProjection

    /// An encoder of this shape.
    package init(
        transformer: TransformerConfiguration, vocabularySize: Int = 49408, contextLength: Int = 77,
        pooling: TextPooling = .firstToken(49407), isCausal: Bool = true, paddingToken: Int? = nil,
        projection: TextProjection = .linear
    ) {
        self.transformer = transformer
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.pooling = pooling
        self.isCausal = isCausal
        self.paddingToken = paddingToken
        self.projection = projection
    }
}

/// Which token's hidden state stands for the whole text.
package enum TextPooling: Sendable, Equatable {
    /// The first occurrence of this token, the end token.
    case firstToken(Int)
    /// The first occurrence of the text's largest token id: configurations with the legacy `eos_token_id` 2.
    case largestToken
    /// The first position.
    case firstPosition
    /// The last position, after padding.
    case lastPosition
}

/// What turns a text's hidden state into its embedding.
package enum TextProjection: String, Sendable, CaseIterable {
    /// A matrix.
    case linear
    /// A matrix and a bias (open_clip's `proj_bias`).
    case affine
    /// Nothing: the hidden state is the embedding (open_clip's `proj_type` `none`).
    case none
}

/// Floating-point operations, two per multiply-add, as they are done here: of the last layer only what the pooled tokens
/// need. Norms and activations aren't counted.
extension ModelConfiguration {
    /// The operations of embedding one picture.
    var operationsPerImage: Double {
        let tokens = vision.tokenCount
        let patches = Double(2 * vision.gridSize * vision.gridSize * 3 * vision.patchSize * vision.patchSize)
        let head = vision.transformer.poolingOperations(tokens: tokens)
        let projection =
            vision.hasProjection ? Double(2 * vision.transformer.width * embeddingDimension) : 0
        return (vision.pooling == .attention ? head : 0) + patches * Double(vision.transformer.width) + projection
            + vision.transformer.operations(
                TransformerWork(
                    rows: tokens, pairs: tokens * tokens, pooledRows: vision.pooling == .classToken ? 1 : tokens,
                    pooledPairs: vision.pooling == .classToken ? tokens : tokens * tokens))
    }

    /// The operations of embedding texts that lie so.
    func operations(of layout: TextLayout) -> Double {
        var work = TransformerWork(rows: layout.tokens.count, pairs: 0, pooledRows: layout.sequences.count)
        for sequence in layout.sequences {
            let length = sequence.rows.reduce(0) { $0 + $1.count }
            work.pooledPairs += length
            // A token of a causal encoder sees itself and those before it.
            work.pairs +=
                text.isCausal
                ? (length * (length + 1) - sequence.sharedCount * (sequence.sharedCount + 1)) / 2
                : length * length
        }
        let projection = Double(2 * text.transformer.width * embeddingDimension * layout.sequences.count)
        return text.transformer.operations(work) + (text.projection == .none ? 0 : projection)
    }
}

/// What goes through a stack of layers.
private struct TransformerWork {
    var rows: Int
    /// Queries times the keys that each of them sees.
    var pairs: Int
    /// Of the rows those that the last layer computes.
    var pooledRows: Int
    var pooledPairs = 0
}

extension TransformerConfiguration {
    /// An attention head: keys and values of all tokens, one query, output and MLP of one.
    fileprivate func poolingOperations(tokens: Int) -> Double {
        Double(4 * tokens * width * width + 4 * tokens * width + 4 * width * (width + intermediateWidth))
    }

    fileprivate func operations(_ work: TransformerWork) -> Double {
        guard layerCount > 0 else { return 0 }
        let (keysAndValues, others) = (2 * width * width, 2 * width * width + 2 * width * intermediateWidth)
        let full = work.rows * (keysAndValues + others) + 2 * work.pairs * width
        let last = work.rows * keysAndValues + work.pooledRows * others + 2 * work.pooledPairs * width
        return 2 * (Double(layerCount - 1) * Double(full) + Double(last))
    }
}
