/// What makers' cards and open_clip's configurations say of the models with short names (2026-06).
extension KnownModel {
    /// The weights of both encoders, in millions.
    package var millions: Int { knownModelSizes[architecture] ?? 0 }

    /// The licence of the weights as the hub spells it, by the tables of open_clip and timm and the makers' pages; nil
    /// where none of them was found to say it.
    package var license: String? {
        let maker = repository.prefix { $0 != "/" }
        if tag == "-" { return KnownModel.otherLicenses[architecture] ?? KnownModel.makers[String(maker)] }
        if tag.hasPrefix("metaclip") { return "cc-by-nc-4.0" }
        if architecture.hasPrefix("MobileCLIP") { return "apple-amlr" }
        if architecture.hasPrefix("PE-Core") || architecture.contains("SigLIP"), maker == "timm" { return "apache-2.0" }
        return KnownModel.makers[String(maker)]
    }

    private static let makers = [
        "openai": "mit", "laion": "mit", "timm": "mit", "jienengchen": "mit", "google": "apache-2.0",
        "UCSC-VLAA": "apache-2.0", "apple": "apple-ascl", "visheratin": "cc-by-nc-4.0", "facebook": "cc-by-nc-4.0",
    ]
    private static let otherLicenses = [
        "clip-ViT-B-32-multilingual-v1": "apache-2.0", "AltCLIP-m9": "creativeml-openrail-m",
        "jina-clip-v1": "apache-2.0", "jina-clip-v2": "cc-by-nc-4.0",
    ]

    /// The languages of the texts that it was trained on: a name, or how many.
    package var languages: String {
        if let languages = KnownModel.otherLanguages[architecture] { return languages }
        if architecture.hasPrefix("chinese-clip") { return "Chinese" }
        if architecture.hasPrefix("metaclip-2") || tag == "metaclip2_worldwide" { return "329" }
        if architecture.hasPrefix("nllb") { return "201" }
        if architecture.hasPrefix("xlm-roberta") { return "100" }
        let isMultilingual = architecture.lowercased().contains("siglip2") || architecture.contains("i18n")
        return isMultilingual ? "109" : "English"
    }

    private static let otherLanguages = [
        "clip-ViT-B-32-multilingual-v1": "50", "XLM-Roberta-Large-Vit-B-32": "48",
        "XLM-Roberta-Large-Vit-B-16Plus": "48", "XLM-Roberta-Large-Vit-L-14": "48", "LABSE-Vit-L-14": "109",
        "AltCLIP": "2", "AltCLIP-m9": "9", "AltCLIP-m18": "18", "jina-clip-v2": "89",
    ]

    /// Whether this program has what the model is built of: of those that are listed, each.
    package var loads: Bool { true }
}

/// The weights of architectures, in millions, those of a decoder not counted; of a text encoder alone its own.
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
    "clip-ViT-B-32": 151, "clip-ViT-B-16": 150, "clip-ViT-L-14": 428, "clip-ViT-B-32-multilingual-v1": 135,
    "XLM-Roberta-Large-Vit-B-32": 560, "XLM-Roberta-Large-Vit-B-16Plus": 560, "XLM-Roberta-Large-Vit-L-14": 561,
    "LABSE-Vit-L-14": 472, "chinese-clip-vit-base-patch16": 188, "chinese-clip-vit-large-patch14": 406,
    "chinese-clip-vit-large-patch14-336px": 407, "chinese-clip-vit-huge-patch14": 958, "AltCLIP": 864,
    "AltCLIP-m9": 864, "AltCLIP-m18": 1195, "metaclip-2-worldwide-s16": 400, "metaclip-2-worldwide-m16": 500,
    "metaclip-2-worldwide-b16": 600, "metaclip-2-worldwide-b32": 600, "metaclip-2-worldwide-l14": 1000,
    "metaclip-2-worldwide-s16-384": 400, "metaclip-2-worldwide-m16-384": 500, "metaclip-2-worldwide-b16-384": 600,
    "metaclip-2-worldwide-b32-384": 600, "metaclip-2-worldwide-huge-378": 1859, "metaclip-2-worldwide-giant": 3630,
    "metaclip-2-worldwide-giant-378": 3631, "metaclip-2-worldwide-huge-quickgelu": 1859,
    "metaclip-2-mt5-worldwide-s16": 100, "metaclip-2-mt5-worldwide-m16": 200, "metaclip-2-mt5-worldwide-b32": 300,
    "siglip2-base-patch16-naflex": 375, "siglip2-so400m-patch16-naflex": 1136, "jina-clip-v1": 223,
    "jina-clip-v2": 865,
]
