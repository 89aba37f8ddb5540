internal import CLIPJSON

/// An image tower of timm's that open_clip names: SigLIP's, whose shape is in the name alone.
struct TimmTower {
    let configuration: VisionConfiguration

    /// The words of `vit_base_patch16_siglip_224`.
    private struct Name {
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
        var isTanh: Bool {
            switch size {
            case "base": patchSize == 32
            case "large": imageSize == 512
            case "so400m": patchSize == 16
            default: true
            }
        }
    }

    static func isKnown(_ name: String) -> Bool { Name(name) != nil }

    /// Nil when the section names no tower of timm's.
    /// - Throws: `CLIPError` when it pools in another way than SigLIP, or contradicts the tower's name.
    init?(_ section: inout ConfigSection, path: String) throws(CLIPError) {
        guard let text = try section.text("timm_model_name") else { return nil }
        guard let name = Name(text) else {
            throw section.fault(
                "timm_model_name", .string(text), expected: "a SigLIP such as vit_base_patch16_siglip_224")
        }
        for (key, only) in [("timm_pool", "map"), ("timm_proj", "none")] {
            let value = try section.text(key)
            guard value == only else {
                throw section.fault(key, value.map { .string($0) } ?? .null, expected: "\"\(only)\", as SigLIP has")
            }
        }
        let imageSize = try section.side("image_size", named: "size", default: name.imageSize, in: 1...1 << 13)
        guard imageSize == name.imageSize else {
            throw section.fault(
                "image_size", .number(Double(imageSize)), expected: "\(name.imageSize), as timm_model_name says")
        }
        let (width, mlpWidth, layers, heads) = name.shape
        let transformer = TransformerConfiguration(
            width: width, intermediateWidth: mlpWidth, layerCount: layers, headCount: heads,
            activation: name.isTanh ? .tanhGELU : .gelu, layerNormEpsilon: 1e-6)
        configuration = VisionConfiguration(
            transformer: transformer, imageSize: imageSize, patchSize: name.patchSize, hasClassToken: false,
            hasPatchBias: true, hasInputNorm: false, pooling: .attention, hasProjection: false)
        for (setting, value) in [
            ("patch size", "\(name.patchSize)"), ("width", "\(width)"), ("MLP width", "\(mlpWidth)"),
            ("layers", "\(layers)"), ("heads", "\(heads)"), ("activation", transformer.activation.rawValue),
            ("pooling", "attention head"),
        ] {
            section.record(setting, value, source: "timm's \(text)")
        }
    }
}
