internal import CLIPJSON

/// An image tower of timm's that open_clip names. Its shape is in the name alone (timm 1.0, models/vision_transformer.py and
/// models/eva.py).
struct TimmTower {
    let configuration: VisionConfiguration
    /// Whether it is SigLIP's.
    let isSigLIP: Bool

    /// A tower of timm's, whose projection its name doesn't say.
    private struct Named {
        var configuration: VisionConfiguration
        /// How open_clip's `timm_pool` must say that it pools.
        var pool: String
        var isSigLIP = false
    }

    static func isKnown(_ name: String) -> Bool { named(name) != nil }

    /// Nil when the section names no tower of timm's.
    /// - Throws: `CLIPError` when it isn't known, pools in another way than models of its name, or contradicts the name.
    init?(_ section: inout ConfigSection, path: String, embeddingDimension: Int) throws(CLIPError) {
        guard let text = try section.text("timm_model_name") else { return nil }
        guard let named = TimmTower.named(text) else {
            throw section.fault(
                "timm_model_name", .string(text), expected: "a tower that is known, such as vit_base_patch16_siglip_224"
            )
        }
        var tower = named.configuration
        let pool = try section.text("timm_pool")
        guard pool ?? "" == named.pool else {
            throw section.fault(
                "timm_pool", pool.map { .string($0) } ?? .null,
                expected: "\(jsonString(named.pool)), as models of this tower have")
        }
        tower.projection = try TimmTower.projection(section, embeddingDimension: embeddingDimension)
        let imageSize = try section.side(
            "image_size", named: "size", default: tower.imageSize == 0 ? 224 : tower.imageSize,
            in: 1...1 << 13)
        if tower.imageSize == 0, imageSize.isMultiple(of: tower.patchSize) { tower.imageSize = imageSize }
        guard imageSize == tower.imageSize else {
            throw section.fault(
                "image_size", .number(Double(imageSize)),
                expected: tower.imageSize == 0
                    ? "a multiple of \(tower.patchSize)" : "\(tower.imageSize), as timm_model_name says")
        }
        configuration = tower
        isSigLIP = named.isSigLIP
        let layers = tower.transformer
        for (setting, value) in [
            ("patch size", "\(tower.patchSize)"), ("width", "\(layers.width)"),
            ("MLP width", "\(layers.intermediateWidth)"), ("layers", "\(layers.layerCount)"),
            ("heads", "\(layers.headCount)"), ("activation", layers.activation.rawValue),
            ("pooling", tower.poolingName),
        ] {
            section.record(setting, value, source: "timm's \(text)")
        }
    }

    /// timm's own head has a bias; open_clip's around it has one only where it says so.
    private static func projection(
        _ section: ConfigSection, embeddingDimension: Int
    ) throws(CLIPError) -> Projection {
        let hasBias = try section.flag("timm_proj_bias", default: false)
        switch try section.text("timm_proj") {
        case nil, "": return .affine
        case "none": return .none
        case "linear": return hasBias ? .affine : .linear
        case "mlp" where !hasBias:
            return .twoLayers(
                Projection.TwoLayers(width: 2 * embeddingDimension, hasBias: true, activation: .gelu))
        case let name?:
            throw section.fault(
                "timm_proj", .string(name), expected: "null, \"none\", \"linear\", or \"mlp\" without timm_proj_bias")
        }
    }

    private static func named(_ name: String) -> Named? {
        if let siglip = SigLIPName(name) {
            return Named(configuration: siglip.configuration, pool: "map", isSigLIP: true)
        }
        if let tower = viTamin(name) { return tower }
        switch name {
        case "vit_large_patch14_clip_224":
            return Named(
                configuration: VisionConfiguration(transformer: large, imageSize: 224, patchSize: 14), pool: "token")
        case "convnext_tiny": return convNeXt([3, 3, 9, 3], 96)
        case "convnext_small": return convNeXt([3, 3, 27, 3], 96)
        case "convnext_base": return convNeXt([3, 3, 27, 3], 128)
        case "convnext_large": return convNeXt([3, 3, 27, 3], 192)
        case "convnext_xlarge": return convNeXt([3, 3, 27, 3], 256)
        case "convnext_xxlarge": return convNeXt([3, 4, 30, 3], 384, epsilon: 1e-5)
        case "fastvit_mci0": return fastViT([2, 6, 10, 2], 64)
        case "fastvit_mci1": return fastViT([4, 12, 20, 4], 64)
        case "fastvit_mci2": return fastViT([4, 12, 24, 4], 80)
        case "fastvit_mci3": return fastViT([2, 12, 24, 4, 2], 96)
        case "fastvit_mci4": return fastViT([2, 12, 24, 4, 4], 128)
        case "tf_efficientnet_lite0": return efficientNetLite(depth: 1, width: 1)
        case "tf_efficientnet_lite1": return efficientNetLite(depth: 1.1, width: 1)
        case "tf_efficientnet_lite2": return efficientNetLite(depth: 1.2, width: 1.1)
        case "tf_efficientnet_lite3": return efficientNetLite(depth: 1.4, width: 1.2)
        case "tf_efficientnet_lite4": return efficientNetLite(depth: 1.8, width: 1.4)
        case "vit_base_mci_224": return Named(configuration: mobileCLIP, pool: "token")
        case "eva_giant_patch14_224":
            var layers = layers(width: 1408, mlpWidth: 6144, layers: 40, heads: 16, epsilon: 1e-6)
            layers.hasKeyBias = false
            return eva(layers, imageSize: 224, patchSize: 14)
        case "eva02_enormous_patch14_clip_224":
            var layers = layers(width: 1792, mlpWidth: 15360, layers: 64, heads: 16, epsilon: 1e-6)
            layers.hasKeyBias = false
            layers.normPlacement = .inside
            return eva(layers, imageSize: 224, patchSize: 14)
        case "eva02_base_patch16_clip_224":
            return eva02(
                layers(width: 768, mlpWidth: 2048, layers: 12, heads: 12, epsilon: 1e-6), imageSize: 224, patchSize: 16)
        case "eva02_large_patch14_clip_224":
            return eva02(
                layers(width: 1024, mlpWidth: 2730, layers: 24, heads: 16, epsilon: 1e-6), imageSize: 224, patchSize: 14
            )
        case "eva02_large_patch14_clip_336":
            return eva02(
                layers(width: 1024, mlpWidth: 2730, layers: 24, heads: 16, epsilon: 1e-6), imageSize: 336, patchSize: 14
            )
        case "vit_pe_core_tiny_patch16_384":
            return perception(layers(width: 192, mlpWidth: 768, layers: 12, heads: 3), imageSize: 384, patchSize: 16)
        case "vit_pe_core_small_patch16_384":
            return perception(layers(width: 384, mlpWidth: 1536, layers: 12, heads: 6), imageSize: 384, patchSize: 16)
        case "vit_pe_core_base_patch16_224":
            return perception(layers(width: 768, mlpWidth: 3072, layers: 12, heads: 12), imageSize: 224, patchSize: 16)
        case "vit_pe_core_large_patch14_336": return perception(large, imageSize: 336, patchSize: 14)
        case "vit_pe_core_gigantic_patch14_448":
            return perception(
                layers(width: 1536, mlpWidth: 8960, layers: 50, heads: 16), imageSize: 448, patchSize: 14,
                hasClassToken: false)
        default: return nil
        }
    }

    private static var large: TransformerConfiguration { layers(width: 1024, mlpWidth: 4096, layers: 24, heads: 16) }

    private static func layers(
        width: Int, mlpWidth: Int, layers: Int, heads: Int, epsilon: Float = 1e-5
    ) -> TransformerConfiguration {
        TransformerConfiguration(
            width: width, intermediateWidth: mlpWidth, layerCount: layers, headCount: heads, activation: .gelu,
            layerNormEpsilon: epsilon)
    }

    /// MobileCLIP-B: patches come out of three convolutions, and the class token has no position (Vasu et al., 2024).
    private static var mobileCLIP: VisionConfiguration {
        var tower = VisionConfiguration(
            transformer: layers(width: 768, mlpWidth: 3072, layers: 12, heads: 12, epsilon: 1e-6), imageSize: 224,
            patchSize: 16, hasPatchBias: true, hasInputNorm: false)
        tower.hasClassPosition = false
        tower.stem = [StemStage(side: 4, width: 192), StemStage(side: 2, width: 192)]
        return tower
    }

    /// ViTamin (Chen et al., 2024): stages of convolutions make patches of 16 pixels, MLPs are gated and normalise their input.
    private static func viTamin(_ name: String) -> Named? {
        let words = name.split(separator: "_")
        guard words.count == 3, words[0] == "vitamin", let imageSize = Int(words[2]),
            [224, 256, 336, 384].contains(imageSize)
        else { return nil }
        let (width, layers, heads, first): (Int, Int, Int, Int)
        switch words[1] {
        case "small": (width, layers, heads, first) = (384, 14, 6, 64)
        case "base": (width, layers, heads, first) = (768, 14, 12, 128)
        case "large", "large2": (width, layers, heads, first) = (1024, 31, 16, 160)
        case "xlarge": (width, layers, heads, first) = (1152, 32, 16, 192)
        default: return nil
        }
        var transformer = self.layers(width: width, mlpWidth: 2 * width, layers: layers, heads: heads, epsilon: 1e-6)
        transformer.gatedMLPNorm = .input
        // Without positions a tower takes pictures of any size: open_clip's configuration says which.
        let hasPositions = words[1] != "xlarge"
        var tower = VisionConfiguration(
            transformer: transformer, imageSize: hasPositions ? imageSize : 0, patchSize: 16, hasClassToken: false,
            hasInputNorm: false, pooling: .meanOfPatches)
        tower.convolutions = ViTaminConfiguration(depths: [2, 4], widths: [first, 2 * first])
        tower.hasPositions = hasPositions
        return Named(configuration: tower, pool: "")
    }

    /// For pictures of any size: open_clip's configuration says which.
    private static func convNeXt(_ depths: [Int], _ width: Int, epsilon: Float = 1e-6) -> Named {
        let widths = depths.indices.map { width << $0 }
        let features = widths[widths.count - 1]
        var tower = VisionConfiguration(
            transformer: TransformerConfiguration(
                width: features, intermediateWidth: 4 * features, layerCount: depths.reduce(0, +), headCount: 1,
                activation: .gelu, layerNormEpsilon: epsilon), imageSize: 0, patchSize: 32)
        tower.tower = .convNeXt(ConvNeXtConfiguration(depths: depths, widths: widths))
        return Named(configuration: tower, pool: "")
    }

    private static func fastViT(_ depths: [Int], _ width: Int) -> Named {
        let isLarge = depths.count == 5
        let shape = FastViTConfiguration(
            depths: depths, widths: depths.indices.map { width << $0 }, mlpRatio: isLarge ? 4 : 3,
            squeezedStages: isLarge ? [] : [2, 3], attentionStages: isLarge ? 2 : 1, hasLayerNorm: isLarge)
        var tower = VisionConfiguration(
            transformer: TransformerConfiguration(
                width: shape.features, intermediateWidth: shape.mlpRatio * shape.features,
                layerCount: depths.reduce(0, +), headCount: 1, activation: .gelu), imageSize: 256,
            patchSize: 2 << depths.count)
        tower.tower = .fastViT(shape)
        return Named(configuration: tower, pool: "avg")
    }

    /// For pictures of any size: open_clip's configuration says which.
    /// - Parameters:
    ///   - depth: what the blocks of the middle stages are counted by.
    ///   - width: what the channels of the stages are counted by, and then rounded to eights.
    private static func efficientNetLite(depth: Double, width: Double) -> Named {
        let shape = EfficientNetConfiguration(
            depths: [1] + [2, 2, 3, 3, 4].map { Int(($0 * depth).rounded(.up)) } + [1],
            widths: [16, 24, 40, 80, 112, 192, 320].map {
                let rounded = max(8, Int($0 * width + 4) / 8 * 8)
                return Double(rounded) < 0.9 * $0 * width ? rounded + 8 : rounded
            }, stemWidth: 32, features: 1280)
        var tower = VisionConfiguration(
            transformer: TransformerConfiguration(
                width: shape.features, intermediateWidth: shape.expansion * (shape.widths.last ?? 0),
                layerCount: shape.depths.reduce(0, +), headCount: 1, activation: .relu6), imageSize: 0, patchSize: 32)
        tower.tower = .efficientNet(shape)
        return Named(configuration: tower, pool: "avg")
    }

    /// EVA-CLIP (Sun et al., 2023).
    private static func eva(_ layers: TransformerConfiguration, imageSize: Int, patchSize: Int) -> Named {
        Named(
            configuration: VisionConfiguration(
                transformer: layers, imageSize: imageSize, patchSize: patchSize, hasPatchBias: true,
                hasInputNorm: false), pool: "token")
    }

    /// EVA-02-CLIP: rotary positions over a grid of 16 × 16, gated MLPs, norms inside attention and MLP (Fang et al., 2023).
    private static func eva02(_ layers: TransformerConfiguration, imageSize: Int, patchSize: Int) -> Named {
        var layers = layers
        layers.activation = .silu
        layers.hasKeyBias = false
        layers.hasAttentionNorm = true
        layers.gatedMLPNorm = .product
        var named = eva(layers, imageSize: imageSize, patchSize: patchSize)
        named.configuration.rotaryPositions = RotaryPositions(referenceSize: 16)
        return named
    }

    /// The Perception Encoder (Bolya et al., 2025): rotary positions, and an attention that pools all tokens.
    private static func perception(
        _ layers: TransformerConfiguration, imageSize: Int, patchSize: Int, hasClassToken: Bool = true
    ) -> Named {
        var tower = VisionConfiguration(
            transformer: layers, imageSize: imageSize, patchSize: patchSize, hasClassToken: hasClassToken,
            pooling: .attention)
        tower.poolingHeadCount = 8
        tower.poolingIntermediateWidth = 4 * layers.width
        tower.rotaryPositions = RotaryPositions(
            referenceSize: tower.gridSize, offset: hasClassToken ? 1 : 0, columnFirst: true)
        return Named(configuration: tower, pool: "map")
    }
}

extension VisionConfiguration {
    fileprivate var poolingName: String {
        guard tower == .transformer else { return "mean of places" }
        return switch pooling {
        case .attention: "attention head"
        case .meanOfPatches, .meanOfNormalizedPatches: "mean of patches"
        case .classToken, .firstQuery: "class token"
        }
    }
}

/// The words of `vit_base_patch16_siglip_224`.
private struct SigLIPName {
    let shape: (width: Int, mlpWidth: Int, layers: Int, heads: Int)
    let size: Substring
    let patchSize: Int
    let imageSize: Int

    init?(_ text: String) {
        let words = text.split(separator: "_")
        guard words.count == 5, words[0] == "vit", words[3] == "siglip", words[2].hasPrefix("patch"),
            let patchSize = Int(words[2].dropFirst("patch".count)), (1...64).contains(patchSize),
            let imageSize = Int(words[4]), (patchSize...1 << 10).contains(imageSize)
        else { return nil }
        size = words[1]
        switch size {
        case "base": shape = (768, 3072, 12, 12)
        case "large": shape = (1024, 4096, 24, 16)
        case "so400m": shape = (1152, 4304, 27, 16)
        case "giantopt": shape = (1536, 6144, 40, 16)
        default: return nil
        }
        self.patchSize = patchSize
        self.imageSize = imageSize
    }

    /// The towers that came with SigLIP 2 have it; those of both generations kept what the first had.
    private var isTanh: Bool {
        switch size {
        case "base": patchSize == 32
        case "large": imageSize == 512
        case "so400m": patchSize == 16
        default: true
        }
    }

    var configuration: VisionConfiguration {
        VisionConfiguration(
            transformer: TransformerConfiguration(
                width: shape.width, intermediateWidth: shape.mlpWidth, layerCount: shape.layers, headCount: shape.heads,
                activation: isTanh ? .tanhGELU : .gelu, layerNormEpsilon: 1e-6), imageSize: imageSize,
            patchSize: patchSize, hasClassToken: false, hasPatchBias: true, hasInputNorm: false, pooling: .attention,
            projection: .none)
    }
}
