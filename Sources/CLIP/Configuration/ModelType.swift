internal import CLIPJSON

/// Which family a `config.json` belongs to, and which encoders it describes (`model_type`).
struct ModelType {
    enum Scope {
        case both
        /// The text encoder alone, its settings at the top of the file.
        case textOnly
        /// The image encoder alone, its settings at the top of the file.
        case visionOnly
    }

    var family = ModelFamily.clip
    var scope = Scope.both
    /// False if the file doesn't say its type, but has CLIP's sub-configurations.
    var isNamed = true

    /// - Throws: `CLIPError` that names the family when it is not CLIP.
    init(_ root: [String: JSONValue], path: String) throws(CLIPError) {
        switch root["model_type"]?.string {
        case "clip": break
        case "clip_text_model": scope = .textOnly
        case "clip_vision_model": scope = .visionOnly
        case "siglip": family = .siglip
        case "siglip_text_model": (family, scope) = (.siglip, .textOnly)
        case "siglip_vision_model": (family, scope) = (.siglip, .visionOnly)
        case let name?:
            let known = ModelType.relatives[name].map { " (\($0))" } ?? ""
            throw CLIPError(
                .model, path: path,
                "is a model of type \(jsonString(String(name.unicodeScalars.prefix(60))))\(known), expected \"clip\" or \"siglip\": "
                    + "choose a CLIP, such as openai/clip-vit-base-patch32")
        case nil where root["model_cfg"] != nil:
            throw CLIPError(
                .model, path: path,
                "is an open_clip configuration, expected Hugging Face's: "
                    + "use the model's transformers files (config.json with model_type \"clip\")")
        case nil:
            let parts = ["text_config", "vision_config", "text_config_dict", "vision_config_dict"]
            guard parts.contains(where: { root[$0]?.object != nil }) else {
                throw CLIPError(
                    .model, path: path,
                    "has neither model_type nor text_config and vision_config: it is not a CLIP's configuration")
            }
            isNamed = false
        }
        try ModelType.refuseForeignCode(root, path: path)
    }

    /// Refuses a model that brings its own program (`auto_map`): its architecture may be any, under CLIP's `model_type`.
    private static func refuseForeignCode(_ root: [String: JSONValue], path: String) throws(CLIPError) {
        let maps = root["auto_map"]?.object ?? [:]
        let reference = maps["AutoModel"]?.string ?? maps.filter { $0.key.hasPrefix("AutoModel") }.values.first?.string
        guard let reference else { return }
        // "modeling_clip.CLIPModel"; "organisation/name--modeling_clip.CLIPModel" where it lies in another repository.
        let words = reference.split(separator: ".")
        guard words.count == 2, ["modeling_clip", "modeling_siglip"].contains(words[0]),
            transformersClasses.contains(String(words[1]))
        else {
            throw CLIPError(
                .model, path: path,
                "has a program of its own (auto_map: \(jsonString(String(reference.unicodeScalars.prefix(80))))), whose "
                    + "architecture is not known here: choose a model of transformers' own classes")
        }
    }

    private static let transformersClasses: Set<String> = [
        "CLIPModel", "CLIPTextModel", "CLIPTextModelWithProjection", "CLIPVisionModel", "CLIPVisionModelWithProjection",
        "SiglipModel", "SiglipTextModel", "SiglipVisionModel",
    ]

    /// Families that are taken for CLIP, and what sets them apart.
    private static let relatives = [
        "siglip2": "SigLIP 2 NaFlex: pictures of any shape; a fixed-resolution SigLIP 2 loads",
        "metaclip_2": "MetaCLIP 2: the multilingual XLM-V tokenizer",
        "chinese_clip": "Chinese-CLIP: a BERT text encoder",
        "altclip": "AltCLIP: an XLM-R text encoder",
        "align": "ALIGN: EfficientNet and BERT",
        "blip": "BLIP: a captioning model",
        "blip-2": "BLIP-2: a captioning model",
        "clap": "CLAP: sounds, not pictures",
        "clipseg": "CLIPSeg: segmentation",
        "owlvit": "OWL-ViT: object detection",
        "vision-text-dual-encoder": "two encoders of other families",
        "xclip": "X-CLIP: videos",
    ]
}
