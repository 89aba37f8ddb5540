/// What makers' cards and open_clip's configurations say of the models with short names (2026-06).
extension KnownModel {
    /// The weights of both encoders, in millions.
    package var millions: Int { knownModelSizes[architecture] ?? 0 }

    /// The licence of the weights, as an SPDX expression where there is one.
    package var license: String {
        let maker = repository.prefix { $0 != "/" }
        switch maker {
        case "google": return "Apache-2.0"
        case "UCSC-VLAA": return "Apache-2.0"
        case "apple": return "Apple's"
        case "visheratin": return "CC-BY-NC-4.0"
        default: break
        }
        if tag.hasPrefix("metaclip") { return "CC-BY-NC-4.0" }
        if architecture.hasPrefix("MobileCLIP") { return "Apple's" }
        return architecture.hasPrefix("PE-Core") || architecture.contains("SigLIP") ? "Apache-2.0" : "MIT"
    }

    /// The languages of the texts that it was trained on.
    package var languages: String {
        if architecture.hasPrefix("nllb") { return "201" }
        if architecture.hasPrefix("xlm-roberta") { return "100" }
        if architecture.contains("SigLIP2") || architecture.contains("i18n") { return "109" }
        return tag == "metaclip2_worldwide" ? "329" : "English"
    }

    /// Whether the repository's files say all that loading needs: those of ViTamin hold weights without open_clip's
    /// configuration, which must be put beside them.
    package var loads: Bool { !architecture.hasPrefix("ViTamin") }
}

/// The weights of open_clip's architectures, in millions, those of a decoder not counted.
private let knownModelSizes: [String: Int] = [
    "ViT-B-32": 151, "ViT-B-32-256": 151, "ViT-B-16": 150, "ViT-B-16-plus-240": 208, "ViT-L-14": 428,
    "ViT-L-14-336": 428, "ViT-H-14": 986, "ViT-H-14-378": 987, "ViT-g-14": 1367, "ViT-bigG-14": 2540,
    "ViT-B-16-SigLIP": 203, "ViT-B-16-SigLIP-256": 203, "ViT-B-16-SigLIP-i18n-256": 371, "ViT-B-16-SigLIP-384": 203,
    "ViT-B-16-SigLIP-512": 204, "ViT-L-16-SigLIP-256": 652, "ViT-L-16-SigLIP-384": 652, "ViT-SO400M-14-SigLIP": 877,
    "ViT-SO400M-16-SigLIP-i18n-256": 1127, "ViT-SO400M-14-SigLIP-384": 878, "ViT-SO400M-14-SigLIP-378": 878,
    "ViT-B-32-SigLIP2-256": 377, "ViT-B-16-SigLIP2": 375, "ViT-B-16-SigLIP2-256": 375, "ViT-B-16-SigLIP2-384": 375,
    "ViT-B-16-SigLIP2-512": 376, "ViT-L-16-SigLIP2-256": 882, "ViT-L-16-SigLIP2-384": 882,
    "ViT-L-16-SigLIP2-512": 882, "ViT-SO400M-14-SigLIP2": 1135, "ViT-SO400M-14-SigLIP2-378": 1136,
    "ViT-SO400M-16-SigLIP2-256": 1136, "ViT-SO400M-16-SigLIP2-384": 1136, "ViT-SO400M-16-SigLIP2-512": 1137,
    "ViT-gopt-16-SigLIP2-256": 1871, "ViT-gopt-16-SigLIP2-384": 1872, "ViT-L-14-CLIPA": 414,
    "ViT-L-14-CLIPA-336": 415, "ViT-H-14-CLIPA": 968, "ViT-H-14-CLIPA-336": 969, "ViT-bigG-14-CLIPA": 2517,
    "ViT-bigG-14-CLIPA-336": 2518, "roberta-ViT-B-32": 213, "xlm-roberta-base-ViT-B-32": 366,
    "xlm-roberta-large-ViT-H-14": 1193, "EVA01-g-14": 1136, "EVA01-g-14-plus": 1367, "EVA02-B-16": 150,
    "EVA02-L-14": 428, "EVA02-L-14-336": 428, "EVA02-E-14": 4705, "EVA02-E-14-plus": 5045, "MobileCLIP-B": 150,
    "MobileCLIP2-B": 150, "MobileCLIP2-L-14": 428, "PE-Core-T-16-384": 70, "PE-Core-S-16-384": 87,
    "PE-Core-B-16": 448, "PE-Core-L-14-336": 671, "PE-Core-bigG-14-448": 2419, "ViT-H-14-worldwide": 1859,
    "ViT-H-14-worldwide-378": 1859, "ViT-bigG-14-worldwide": 3630, "ViT-bigG-14-worldwide-378": 3631, "RN50": 102,
    "RN101": 120, "RN50x4": 178, "RN50x16": 291, "RN50x64": 623, "convnext_base": 152, "convnext_base_w": 179,
    "convnext_base_w_320": 179, "convnext_large_d": 352, "convnext_large_d_320": 352, "convnext_xxlarge": 1201,
    "MobileCLIP-S1": 85, "MobileCLIP-S2": 99, "MobileCLIP2-S0": 75, "MobileCLIP2-S2": 99, "MobileCLIP2-S3": 249,
    "MobileCLIP2-S4": 445, "coca_ViT-B-32": 153, "coca_ViT-L-14": 430, "ViTamin-S": 62, "ViTamin-S-LTT": 146,
    "ViTamin-B": 151, "ViTamin-B-LTT": 211, "ViTamin-L": 457, "ViTamin-L-256": 457, "ViTamin-L-336": 457,
    "ViTamin-L-384": 457, "ViTamin-L2": 688, "ViTamin-L2-256": 688, "ViTamin-L2-336": 688, "ViTamin-L2-384": 688,
    "ViTamin-XL-256": 925, "ViTamin-XL-336": 925, "ViTamin-XL-384": 925, "nllb-clip-base": 502,
    "nllb-clip-large": 1399, "nllb-clip-base-siglip": 507, "nllb-clip-large-siglip": 1195,
]
