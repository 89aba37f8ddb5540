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

extension ModelConfiguration {
    /// The length of a picture's pooled state.
    var pooledWidth: Int { vision.pooling == .firstQuery ? embeddingDimension : vision.transformer.width }
}

/// Whose architecture a model has. Raw values are Hugging Face's `model_type`.
package enum ModelFamily: String, Sendable, CaseIterable {
    /// Radford et al., 2021.
    case clip
    /// Zhai et al., 2023, and SigLIP 2 of fixed resolution (Tschannen et al., 2025): trained with a sigmoid per pair.
    case siglip
    /// SigLIP 2 for pictures that keep their shape (NaFlex; Tschannen et al., 2025).
    case siglip2
    /// Xu et al., 2025: CLIP over XLM-V's vocabulary, read at its end token.
    case metaCLIP2 = "metaclip_2"
    /// Yang et al., 2022: CLIP's image encoder, a BERT for texts.
    case chineseCLIP = "chinese_clip"
    /// Chen et al., 2022: CLIP's image encoder, an XLM-RoBERTa for texts.
    case altCLIP = "altclip"

    /// Whether texts and pictures are encoded as in SigLIP.
    var isSigLIP: Bool { self == .siglip || self == .siglip2 }
}

/// The shape of a stack of transformer layers.
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
    /// Where a layer's two norms stand.
    package var normPlacement = NormPlacement.before
    /// Whether the keys of an attention have a bias.
    package var hasKeyBias = true
    /// Whether what an attention finds is normalised before its output layer (EVA-02's `scale_attn_inner`).
    package var hasAttentionNorm = false
    /// Where the norm of an MLP stands that is the product of two linear layers, the first through `activation`; nil where
    /// the MLP is no product.
    package var gatedMLPNorm: GatedMLPNorm?
    /// Whether the MLP is the product of two linear layers.
    package var isGated: Bool { gatedMLPNorm != nil }
    /// Whether the two factors of a gated MLP have biases.
    package var hasFactorBiases = true
    /// Whether linear layers have biases.
    package var hasBiases = true
    /// Whether norms are of root mean squares, without biases (RMSNorm).
    package var hasRootMeanSquareNorms = false
    /// What stands for positions where no table of them does.
    package var relativePositions: RelativePositions?

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

/// Where the norms of a transformer layer stand that turns x into x + f(x) twice, f an attention or an MLP.
package enum NormPlacement: String, Sendable, CaseIterable {
    /// x + f(norm x), as in CLIP.
    case before
    /// norm(x + f(x)), as in BERT.
    case after
    /// x + norm(f(x)), as in EVA-02-E.
    case inside
}

/// Where the norm of a gated MLP stands, beside the one that every layer has.
package enum GatedMLPNorm: String, Sendable, CaseIterable {
    /// Behind the product (EVA-02's SwiGLU).
    case product
    /// In front of both layers (ViTamin's GeGLU).
    case input
    /// There is none.
    case absent
}

/// The activation function between the two linear layers of an MLP. Raw values are Hugging Face's names.
package enum Activation: String, Sendable, CaseIterable {
    /// x·σ(1.702x), what OpenAI's models were trained with.
    case quickGELU = "quick_gelu"
    /// x·Φ(x), with the exact error function (Hendrycks and Gimpel, 2016).
    case gelu
    /// GELU by its tanh approximation.
    case tanhGELU = "gelu_pytorch_tanh"
    /// x·σ(x), of gated MLPs (Elfwing et al., 2017).
    case silu
    /// max(0, x).
    case relu
    /// min(max(0, x), 6).
    case relu6
}

/// What kind of network an image encoder is.
package enum ImageTowerKind: Sendable, Equatable {
    /// A transformer over patches.
    case transformer
    case resNet(ResNetConfiguration)
    case convNeXt(ConvNeXtConfiguration)
    case fastViT(FastViTConfiguration)
    case efficientNet(EfficientNetConfiguration)

    /// What people call a network of convolutions; nil of a transformer.
    package var name: String? {
        switch self {
        case .transformer: nil
        case .resNet: "ResNet"
        case .convNeXt: "ConvNeXt"
        case .fastViT: "FastViT"
        case .efficientNet: "EfficientNet-lite"
        }
    }
}

/// The shape of the image encoder, in most models a vision transformer (Dosovitskiy et al., 2020).
package struct VisionConfiguration: Sendable, Equatable {
    /// The transformer behind the patches. Of a network of convolutions its width is that of what is pooled, its layers are
    /// the blocks, and its heads those of the pooling.
    package var transformer: TransformerConfiguration
    package var tower = ImageTowerKind.transformer
    /// The side of the square picture that goes in (`image_size`); where pictures keep their shape, of one as large as the
    /// table of positions.
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
    /// What turns the pooled state into the embedding.
    package var projection: Projection
    /// Heads and MLP of an attention that pools, where they aren't those of the layers.
    package var poolingHeadCount: Int?
    package var poolingIntermediateWidth: Int?
    /// Whether the class token has a row in the table of positions.
    package var hasClassPosition = true
    /// The convolutions that make patches of MobileCLIP-B, each over squares as large as its step; empty where a patch goes
    /// through one matrix.
    package var stem: [StemStage] = []
    /// The convolutions that make patches of a ViTamin, in place of a patch embedding.
    package var convolutions: ViTaminConfiguration?
    /// Whether there is a table of positions.
    package var hasPositions = true
    /// Rotations of queries and keys by a patch's place, beside the table of positions.
    package var rotaryPositions: RotaryPositions?
    /// Whether pictures keep their shape, each with as many rows and columns of patches as it fills (NaFlex).
    package var hasPictureGrids = false

    /// An encoder of this shape.
    package init(
        transformer: TransformerConfiguration, imageSize: Int = 224, patchSize: Int = 32, hasClassToken: Bool = true,
        hasPatchBias: Bool = false, hasInputNorm: Bool = true, pooling: ImagePooling = .classToken,
        projection: Projection = .linear
    ) {
        self.transformer = transformer
        self.imageSize = imageSize
        self.patchSize = patchSize
        self.hasClassToken = hasClassToken
        self.hasPatchBias = hasPatchBias
        self.hasInputNorm = hasInputNorm
        self.pooling = pooling
        self.projection = projection
    }

    /// Patches along one side.
    package var gridSize: Int { imageSize / patchSize }
    /// Tokens of one picture: its patches, and the class token before them if there is one.
    package var tokenCount: Int { gridSize * gridSize + (hasClassToken ? 1 : 0) }
    /// Rows of the table of positions.
    package var positionCount: Int { gridSize * gridSize + (hasClassToken && hasClassPosition ? 1 : 0) }
}

/// One convolution of a stem, over squares that don't overlap.
package struct StemStage: Sendable, Equatable {
    /// The side of a square.
    package var side: Int
    /// Channels that come out.
    package var width: Int

    package init(side: Int, width: Int) {
        self.side = side
        self.width = width
    }
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
    /// What the first of CoCa's learnt queries finds in all tokens, of the embedding's length, normalised.
    case firstQuery
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
    package var projection: Projection
    /// What a token's first state is made of.
    package var embeddings = TokenEmbeddings()
    /// Whether a norm follows the last layer, as it does unless the layers end in one.
    package var hasOutputNorm = true
    /// Whether the pooled state goes through a linear layer and tanh, as in BERT.
    package var hasPooler = false

    /// Rows of the table of positions.
    package var positionCount: Int {
        if case .classToken = pooling { return contextLength + 1 }
        return embeddings.positionCount ?? contextLength
    }

    /// An encoder of this shape.
    package init(
        transformer: TransformerConfiguration, vocabularySize: Int = 49408, contextLength: Int = 77,
        pooling: TextPooling = .firstToken(49407), isCausal: Bool = true, paddingToken: Int? = nil,
        projection: Projection = .linear
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
    /// The mean of all tokens.
    case meanOfTokens
    /// A token of its own behind the text (CoCa; Yu et al., 2022).
    /// - Parameter padding: the token that fills texts up, of which the first is seen too.
    case classToken(padding: Int)
}

/// What a token's first state is made of: its row of a table, its position's, and in BERT its type's, normalised.
package struct TokenEmbeddings: Sendable, Equatable {
    /// Rows of the table of positions; nil means one for each position of a text.
    package var positionCount: Int?
    /// The row of a text's first token: RoBERTa's tables begin with two that no text uses.
    package var positionOffset = 0
    /// Rows of the table of token types, of which texts use the first; 0 means no table.
    package var typeCount = 0
    /// Whether a norm follows.
    package var hasNorm = false
    /// Whether positions are sines and cosines rather than a table of the file's (Vaswani et al., 2017).
    package var isSinusoidal = false
    /// Whether a token's row counts √width times.
    package var isScaled = false
    /// The token that means nothing, wherever it stands: no token sees it.
    package var ignoredToken: Int?

    package init() {}
}

/// Floating-point operations, two per multiply-add, as they are done here: of the last layer only what the pooled tokens
/// need. Norms and activations aren't counted.
extension ModelConfiguration {
    /// The operations of embedding one picture.
    var operationsPerImage: Double {
        if vision.tower != .transformer { return convolutionalOperations }
        let tokens = vision.tokenCount
        let pixels = vision.gridSize * vision.gridSize * 3 * vision.patchSize * vision.patchSize
        let embedding = Double(2 * pixels) * Double(vision.transformer.width)
        let convolutions = vision.convolutions?.operations(
            imageSize: vision.imageSize, width: vision.transformer.width)
        let patches = convolutions ?? embedding
        let head: Double =
            switch vision.pooling {
            case .attention: vision.transformer.poolingOperations(tokens: tokens)
            case .firstQuery: Double(4 * tokens * (vision.transformer.width + 1) * embeddingDimension)
            case .classToken, .meanOfPatches, .meanOfNormalizedPatches: 0
            }
        let projection = vision.projection.operations(from: pooledWidth, to: embeddingDimension)
        return head + patches + projection
            + vision.transformer.operations(
                TransformerWork(
                    rows: tokens, pairs: tokens * tokens, pooledRows: vision.pooling == .classToken ? 1 : tokens,
                    pooledPairs: vision.pooling == .classToken ? tokens : tokens * tokens))
    }

    /// Those of a network of convolutions: every weight but the projection's counts at each place of its map.
    private var convolutionalOperations: Double {
        let size = Double(vision.imageSize * vision.imageSize)
        return imageTensors.reduce(0) { sum, tensor in
            switch tensor.kind {
            case .vector(let shape) where shape.count == 1: sum
            case .table: sum
            case .vector, .matrix: sum + 2 * Double(tensor.count) * size * vision.tower.density(of: tensor.key)
            }
        }
    }

    /// The operations of embedding texts that lie so.
    func operations(of layout: TextLayout) -> Double {
        let isMean = text.pooling == .meanOfTokens
        var work = TransformerWork(
            rows: layout.tokens.count, pairs: 0, pooledRows: isMean ? layout.tokens.count : layout.sequences.count)
        for sequence in layout.sequences {
            let length = sequence.rows.reduce(0) { $0 + $1.count }
            work.pooledPairs += isMean ? length * length : length
            // A token of a causal encoder sees itself and those before it.
            work.pairs +=
                text.isCausal
                ? (length * (length + 1) - sequence.sharedCount * (sequence.sharedCount + 1)) / 2
                : length * length
        }
        let projection = text.projection.operations(from: text.transformer.width, to: embeddingDimension)
        return text.transformer.operations(work) + projection * Double(layout.sequences.count)
    }
}

extension ImageTowerKind {
    /// The channels that are pooled; nil of a transformer, which can have any.
    var features: Int? {
        switch self {
        case .transformer: nil
        case .resNet(let shape): shape.features
        case .convNeXt(let shape): shape.widths.last
        case .fastViT(let shape): shape.features
        case .efficientNet(let shape): shape.features
        }
    }

    /// The pixels along a side of one of the last places; 1 for a transformer.
    var totalStep: Int {
        switch self {
        case .transformer: 1
        case .resNet, .efficientNet: 32
        case .convNeXt(let shape): 2 << shape.depths.count
        case .fastViT(let shape): 2 << shape.depths.count
        }
    }

    /// For how many places of the map that a tensor gives there is one pixel: 1 / (side of a place)².
    fileprivate func density(of key: String) -> Double {
        let words = key.split(separator: ".")
        func number(behind word: String) -> Int? {
            words.firstIndex(of: word[...]).flatMap { $0 + 1 < words.count ? Int(words[$0 + 1]) : nil }
        }
        var side: Int
        switch self {
        case .transformer: return 0
        case .resNet:
            if let stage = words.first(where: { $0.hasPrefix("layer") }).flatMap({ Int($0.dropFirst(5)) }) {
                side = 2 << stage
                // Means are taken behind the middle convolution.
                if stage > 1, number(behind: "layer\(stage)") == 0, words.contains("conv1") || words.contains("conv2") {
                    side /= 2
                }
            } else {
                side = words.contains("attnpool") ? 32 : 2
            }
        case .convNeXt: side = 4 << (number(behind: "stages") ?? 0)
        case .fastViT(let shape):
            side =
                number(behind: "stages").map { 4 << $0 }
                ?? (words.contains("stem") ? (words.contains("0") ? 2 : 4) : 4 << (shape.depths.count - 1))
        case .efficientNet:
            let stage = number(behind: "blocks")
            // The first block of a stage widens what the one before gave.
            let isBefore = stage != 0 && words.contains("conv_pw") && words.count > 3 && words[3] == "0"
            side =
                EfficientNetConfiguration.side(stage: stage, isBefore: isBefore)
                ?? (words.contains("conv_stem") ? 2 : 32)
        }
        return key.hasPrefix("visual_projection") || words.contains("se") ? 0 : 1 / Double(side * side)
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
        let (keysAndValues, others) = (
            2 * width * width, 2 * width * width + (isGated ? 3 : 2) * width * intermediateWidth
        )
        let full = work.rows * (keysAndValues + others) + 2 * work.pairs * width
        let last = work.rows * keysAndValues + work.pooledRows * others + 2 * work.pooledPairs * width
        return 2 * (Double(layerCount - 1) * Double(full) + Double(last))
    }
}
