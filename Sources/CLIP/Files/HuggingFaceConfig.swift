internal import CLIPJSON

/// A Hugging Face `config.json` of a CLIP, a SigLIP or a relative, every absent field resolved to transformers' default.
struct HuggingFaceConfig {
    /// The shape of the two encoders. Of a file that describes one encoder alone, the other has the defaults.
    var configuration: ModelConfiguration
    /// The encoders that it describes.
    let parts: ModelParts
    /// The logarithm of the logit scale, for weights that bring none (`logit_scale_init_value`).
    let initialLogitScale: Float
    /// Which of the adaptations counts that lie in the weights, if there are any.
    let adaptation: StoredAdaptation?
    /// What the model was called when the file was written (`_name_or_path`).
    let name: String?
    /// Every setting and where it came from.
    private(set) var settings: [ModelSetting]

    /// Reads the text of a configuration file.
    /// - Parameters:
    ///   - path: the file, for errors.
    ///   - source: what settings say they come from.
    /// - Throws: `CLIPError` when it is not JSON, not of a CLIP, or a field makes no sense.
    init(json: [UInt8], path: String, source: String = "config.json") throws(CLIPError) {
        let root = try jsonObject(json, path: path)
        let type = try ModelType(root, path: path)
        var top = ConfigSection(path: path, source: source, fields: root)
        var vision = try HuggingFaceConfig.section("vision", of: &top, isWhole: type.scope == .visionOnly)
        var text = try HuggingFaceConfig.section("text", of: &top, isWhole: type.scope == .textOnly)
        let scale = try top.float(
            "logit_scale_init_value", named: "initial logit scale", default: 2.6592, in: -20...20)
        if type.isJina { try JinaCLIPConfig.check(top) }
        let visionConfiguration =
            try type.isJina ? JinaCLIPConfig.vision(&vision) : HuggingFaceConfig.vision(&vision, type.family)
        let textConfiguration =
            try type.isJina ? JinaCLIPConfig.text(&text) : HuggingFaceConfig.text(&text, type.family)
        let dimension =
            switch type.family {
            case .clip where type.isJina: textConfiguration.transformer.width
            case .clip, .metaCLIP2, .chineseCLIP, .altCLIP:
                try top.int(
                    "projection_dim", named: "embedding dimension", default: type.family == .altCLIP ? 768 : 512,
                    in: 1...Limits.width)
            // There is no image projection: the text encoder's gives what compares with it.
            case .siglip where type.scope == .textOnly, .siglip2 where type.scope == .textOnly:
                try text.int(
                    "projection_size", named: "embedding dimension", default: textConfiguration.transformer.width,
                    in: 1...Limits.width)
            case .siglip, .siglip2: visionConfiguration.transformer.width
            }
        configuration = ModelConfiguration(
            family: type.family, vision: visionConfiguration, text: textConfiguration, embeddingDimension: dimension)
        guard configuration.text.projection != .none || configuration.text.transformer.width == dimension else {
            throw CLIPError(
                .model, path: path,
                "has no text projection, but a text width of \(configuration.text.transformer.width) and embeddings of "
                    + "\(dimension) values: proj_type, hidden_size or projection_dim is wrong")
        }
        parts =
            switch type.scope {
            case .both: .all
            case .textOnly: .texts
            case .visionOnly: .images
            }
        if type.isJina, visionConfiguration.transformer.width != dimension {
            throw vision.fault(
                "embed_dim", .number(Double(visionConfiguration.transformer.width)),
                expected: "\(dimension), as text_config has")
        }
        adaptation = type.isJina ? try JinaCLIPConfig.adaptation(text) : nil
        initialLogitScale = scale
        name = root["_name_or_path"]?.string
        // The initial scale matters only where the weights bring none: whoever loads them says so.
        settings = top.settings.filter { $0.name != "initial logit scale" }
        if type.scope != .textOnly { settings += vision.settings }
        if type.scope != .visionOnly { settings += text.settings }
        if !type.isNamed {
            settings.insert(
                ModelSetting(
                    name: "model type", value: "clip", source: "default",
                    warning: "\(source) doesn't name its model_type: embeddings are wrong if it is not a CLIP"), at: 0)
        }
    }

    /// Replaces what the configuration says by what the weights are.
    mutating func setEmbeddingDimension(inferred dimension: Int) {
        guard dimension != configuration.embeddingDimension else { return }
        let warning = "the configuration says \(configuration.embeddingDimension), the projections give \(dimension)"
        let setting = ModelSetting(
            name: "embedding dimension", value: "\(dimension)", source: "inferred from shape", warning: warning)
        configuration.embeddingDimension = dimension
        settings = settings.map { $0.name == setting.name ? setting : $0 }
    }

    /// Takes the token that fills texts up from the tokenizer's files, which know it; configurations of SigLIP repeat
    /// CLIP's, which is no token of theirs.
    mutating func setPadding(_ token: Int32, source: String) {
        configuration.text.paddingToken = Int(token)
        let setting = ModelSetting(name: "text padding", value: "\(token)", source: source)
        settings = settings.map { $0.name == setting.name ? setting : $0 }
    }

    /// The sub-configuration of one encoder: `vision_config`, unless `vision_config_dict` is there and not null; that one
    /// wins as a whole, the defaults of what it leaves out included.
    private static func section(
        _ encoder: String, of top: inout ConfigSection, isWhole: Bool
    ) throws(CLIPError) -> ConfigSection {
        let subject = encoder == "vision" ? "image" : encoder
        if isWhole {
            return ConfigSection(path: top.path, source: top.source, subject: subject, fields: top.fields)
        }
        let (plain, legacy) = ("\(encoder)_config", "\(encoder)_config_dict")
        let key = top.present(legacy) == nil ? plain : legacy
        let value = top.present(key) ?? .object([:])
        guard let fields = value.object else { throw top.fault(key, value, expected: "an object") }
        if key == legacy, let other = top.present(plain)?.object {
            let lost = other.filter { $0.key != "transformers_version" && fields[$0.key] != $0.value }.keys.sorted()
            if !lost.isEmpty {
                top.record(
                    "\(subject) configuration", legacy,
                    warning: "\(legacy) wins over \(plain), as in transformers: "
                        + "\(lost.prefix(6).joined(separator: ", ")) of \(plain) don't count")
            }
        }
        return ConfigSection(path: top.path, source: "\(top.source) \(key)", subject: subject, fields: fields)
    }

    static func vision(
        _ section: inout ConfigSection, _ family: ModelFamily = .clip
    ) throws(CLIPError) -> VisionConfiguration {
        let defaults = FamilyDefaults(family).vision
        if family == .siglip2 { return try naFlex(&section) }
        let imageSize = try section.side("image_size", named: "size", default: 224, in: 1...Limits.imageSize)
        let patchSize = try section.side(
            "patch_size", named: "patch size", default: FamilyDefaults(family).patchSize, in: 1...imageSize)
        let grid = imageSize / patchSize
        guard grid * grid < Limits.tokenCount else {
            throw CLIPError(
                .model, path: section.path,
                "\(grid) × \(grid) patches of \(patchSize) pixels, expected fewer than \(Limits.tokenCount): "
                    + "image_size or patch_size is wrong")
        }
        try checkChannels(section)
        let encoder = VisionConfiguration(
            transformer: try transformer(&section, defaults), imageSize: imageSize,
            patchSize: patchSize)
        return switch family {
        case .clip, .metaCLIP2: try section.imageVariant(of: encoder)
        case .chineseCLIP, .altCLIP: encoder
        case .siglip, .siglip2: try section.siglipVariant(of: encoder)
        }
    }

    /// SigLIP 2's encoder of pictures that keep their shape, whose table of positions is a square of `num_patches`.
    private static func naFlex(_ section: inout ConfigSection) throws(CLIPError) -> VisionConfiguration {
        let defaults = FamilyDefaults(.siglip2)
        let patchSize = try section.side(
            "patch_size", named: "patch size", default: defaults.patchSize, in: 1...Limits.imageSize)
        let patches = try section.int("num_patches", named: "positions", default: 256, in: 1...Limits.tokenCount)
        let side = Int(Double(patches).squareRoot())
        guard side * side == patches else {
            throw section.fault("num_patches", .number(Double(patches)), expected: "a square number, such as 256")
        }
        try checkChannels(section)
        var encoder = try section.siglipVariant(
            of: VisionConfiguration(
                transformer: try transformer(&section, defaults.vision), imageSize: side * patchSize,
                patchSize: patchSize))
        encoder.hasPictureGrids = true
        return encoder
    }

    private static func checkChannels(_ section: ConfigSection) throws(CLIPError) {
        let channels = section.present("num_channels") ?? .number(3)
        guard channels.int == 3 else { throw section.fault("num_channels", channels, expected: "3: pictures are RGB") }
    }

    static func text(
        _ section: inout ConfigSection, _ family: ModelFamily = .clip
    ) throws(CLIPError) -> TextConfiguration {
        let defaults = FamilyDefaults(family)
        if family == .chineseCLIP || family == .altCLIP { return try bert(&section, family) }
        let transformer = try transformer(&section, defaults.text)
        let vocabulary = try section.int(
            "vocab_size", named: "vocabulary", default: defaults.vocabularySize, in: 1...Limits.vocabulary)
        let context = try section.int(
            "max_position_embeddings", named: "context length", default: defaults.contextLength,
            in: 2...Limits.tokenCount)
        if family.isSigLIP {
            return try section.siglipVariant(
                of: TextConfiguration(
                    transformer: transformer, vocabularySize: vocabulary, contextLength: context))
        }
        let pooling =
            family == .metaCLIP2
            ? try endToken(&section, vocabulary: vocabulary) : try pooling(&section, vocabulary: vocabulary)
        return try section.textVariant(
            of: TextConfiguration(
                transformer: transformer, vocabularySize: vocabulary, contextLength: context, pooling: pooling))
    }

    /// BERT as in Chinese-CLIP, whose first token is read, or XLM-RoBERTa as in AltCLIP, whose first token goes through a norm
    /// and two linear layers.
    static func bert(
        _ section: inout ConfigSection, _ family: ModelFamily
    ) throws(CLIPError) -> TextConfiguration {
        let defaults = FamilyDefaults(family)
        var transformer = try transformer(&section, defaults.text)
        transformer.normPlacement = .after
        let kind = section.present("position_embedding_type") ?? .string("absolute")
        guard kind.string == "absolute" else {
            throw section.fault("position_embedding_type", kind, expected: "\"absolute\"")
        }
        let vocabulary = try section.int(
            "vocab_size", named: "vocabulary", default: defaults.vocabularySize, in: 1...Limits.vocabulary)
        var embeddings = TokenEmbeddings()
        embeddings.hasNorm = true
        embeddings.typeCount = try section.int(
            "type_vocab_size", named: "token types", default: family == .altCLIP ? 1 : 2, in: 1...1 << 10)
        if family == .altCLIP {
            // RoBERTa counts from the row behind its padding's.
            embeddings.positionOffset =
                1 + (try section.int("pad_token_id", named: "padding", default: 1, in: 0...vocabulary - 1))
        }
        let positions = try section.int(
            "max_position_embeddings", named: "positions", default: defaults.contextLength,
            in: embeddings.positionOffset + 2...Limits.tokenCount)
        embeddings.positionCount = positions
        var encoder = TextConfiguration(
            transformer: transformer, vocabularySize: vocabulary, contextLength: positions - embeddings.positionOffset,
            pooling: .firstPosition, isCausal: false)
        encoder.embeddings = embeddings
        encoder.hasOutputNorm = family == .altCLIP
        if family == .altCLIP {
            encoder.projection = .twoLayers(
                Projection.TwoLayers(
                    width: try section.int("project_dim", named: "middle width", default: 768, in: 1...Limits.width),
                    hasBias: true, activation: nil))
        }
        return encoder
    }

    private static func transformer(
        _ section: inout ConfigSection, _ defaults: FamilyDefaults.Tower
    ) throws(CLIPError) -> TransformerConfiguration {
        let width = try section.int("hidden_size", named: "width", default: defaults.width, in: 1...Limits.width)
        let heads = try section.int(
            "num_attention_heads", named: "heads", default: defaults.headCount, in: 1...Limits.width,
            risk: "a wrong number of heads shows in no shape: compare with the model's origin")
        guard width.isMultiple(of: heads) else {
            throw CLIPError(
                .model, path: section.path,
                "\(section.subject) width \(width) is no multiple of its \(heads) attention heads: "
                    + "hidden_size or num_attention_heads is wrong")
        }
        return TransformerConfiguration(
            width: width,
            intermediateWidth: try section.int(
                "intermediate_size", named: "MLP width", default: defaults.intermediateWidth,
                in: 1...Limits.intermediateWidth),
            layerCount: try section.int(
                "num_hidden_layers", named: "layers", default: defaults.layerCount, in: 1...Limits.layers),
            headCount: heads, activation: try activation(&section, defaults),
            layerNormEpsilon: try section.float(
                "layer_norm_eps", named: "layer norm epsilon", default: defaults.layerNormEpsilon, in: 0...1))
    }

    private static func activation(
        _ section: inout ConfigSection, _ defaults: FamilyDefaults.Tower
    ) throws(CLIPError) -> Activation {
        guard let value = section.present("hidden_act") else {
            section.record(
                "activation", defaults.activation.rawValue, isDefault: true, warning: defaults.activationRisk)
            return defaults.activation
        }
        let activation: Activation
        switch value.string {
        case "quick_gelu": activation = .quickGELU
        case "gelu", "gelu_python": activation = .gelu
        case "gelu_new", "gelu_pytorch_tanh": activation = .tanhGELU
        case "silu", "swish": activation = .silu
        case "relu": activation = .relu
        case "relu6": activation = .relu6
        default:
            throw section.fault(
                "hidden_act", value, expected: "quick_gelu, gelu, gelu_new, gelu_pytorch_tanh, silu, relu or relu6")
        }
        section.record("activation", activation.rawValue)
        return activation
    }

    /// The first of MetaCLIP 2's end tokens, whatever it is.
    private static func endToken(_ section: inout ConfigSection, vocabulary: Int) throws(CLIPError) -> TextPooling {
        let token = try section.int("eos_token_id", named: "end token", default: 49407, in: 0...vocabulary - 1)
        return .firstToken(token)
    }

    /// CLIP's own vocabulary ends in its end token, whatever the file says: early files of OpenAI's models say 2.
    private static func pooling(_ section: inout ConfigSection, vocabulary: Int) throws(CLIPError) -> TextPooling {
        let value = section.present("eos_token_id")
        let stated = value.map { $0.array?.first ?? $0 }
        if let value, stated?.int == nil { throw section.fault("eos_token_id", value, expected: "a token id") }
        // Our own files say what an end token alone doesn't.
        switch try section.text("pool_type") {
        case "argmax":
            section.record("pooling", "largest token")
            return .largestToken
        case "eos":
            let token = try section.int("eos_token_id", named: "end token", default: 2, in: 0...vocabulary - 1)
            section.record("pooling", "first token \(token)")
            return .firstToken(token)
        default: break
        }
        if vocabulary == 49408 {
            section.record("pooling", "first token 49407", source: "CLIP's vocabulary")
            return .firstToken(49407)
        }
        let token = stated?.int ?? 49407
        if token == 2 {
            section.record(
                "pooling", "largest token",
                warning: "eos_token_id is the legacy 2: the end token must have the largest id of all tokens")
            return .largestToken
        }
        if value == nil, token >= vocabulary {
            section.record(
                "pooling", "largest token", isDefault: true,
                warning: "eos_token_id is absent and its default \(token) is not in the vocabulary")
            return .largestToken
        }
        guard (0..<vocabulary).contains(token) else {
            throw section.fault(
                "eos_token_id", .number(Double(token)), expected: "a token of the vocabulary, below \(vocabulary)")
        }
        section.record("pooling", "first token \(token)")
        return .firstToken(token)
    }
}

/// What no CLIP comes near: a damaged file must not ask for more memory than there is.
private enum Limits {
    static let width = 1 << 15
    static let intermediateWidth = 1 << 18
    static let layers = 1 << 10
    static let imageSize = 1 << 13
    static let tokenCount = 1 << 16
    static let vocabulary = 1 << 22
}

/// What fields of a Hugging Face configuration mean that are absent, by family.
struct FamilyDefaults {
    struct Tower {
        var width = 768
        var intermediateWidth = 3072
        var headCount = 12
        var layerCount = 12
        var activation = Activation.quickGELU
        /// What may be wrong when the activation is not said; nil where all models of the family have the same.
        var activationRisk: String?
        var layerNormEpsilon: Float = 1e-5
    }

    var vision = Tower()
    var text = Tower()
    var patchSize = 32
    var vocabularySize = 49408
    var contextLength = 77

    init(_ family: ModelFamily) {
        switch family {
        case .clip, .metaCLIP2:
            vision.activationRisk = "hidden_act is absent: weights trained with gelu give wrong embeddings"
            text = vision
            (text.width, text.intermediateWidth, text.headCount) = (512, 2048, 8)
        case .siglip, .siglip2:
            (vision.activation, vision.layerNormEpsilon) = (.tanhGELU, 1e-6)
            text = vision
            (patchSize, vocabularySize, contextLength) = (16, 32000, 64)
        case .chineseCLIP:
            (text.activation, text.layerNormEpsilon) = (.gelu, 1e-12)
            (vocabularySize, contextLength) = (30522, 512)
        case .altCLIP:
            text = Tower(width: 1024, intermediateWidth: 4096, headCount: 16, layerCount: 24, activation: .gelu)
            (vocabularySize, contextLength) = (250002, 514)
        }
    }
}

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
    /// Whether it is a jina-clip, whose encoders its own words describe.
    var isJina = false
    /// False if the file doesn't say its type, but has CLIP's sub-configurations.
    var isNamed = true

    /// - Throws: `CLIPError` that names the family when it is not CLIP.
    init(_ root: [String: JSONValue], path: String) throws(CLIPError) {
        switch root["model_type"]?.string {
        case "clip": break
        case "clip_text_model": scope = .textOnly
        case "clip_vision_model": scope = .visionOnly
        case "metaclip_2": family = .metaCLIP2
        case "metaclip_2_text_model": (family, scope) = (.metaCLIP2, .textOnly)
        case "metaclip_2_vision_model": (family, scope) = (.metaCLIP2, .visionOnly)
        case "chinese_clip": family = .chineseCLIP
        case "altclip": family = .altCLIP
        case "jina_clip": isJina = true
        case "siglip": family = .siglip
        case "siglip_text_model": (family, scope) = (.siglip, .textOnly)
        case "siglip_vision_model": (family, scope) = (.siglip, .visionOnly)
        case "siglip2": family = .siglip2
        case "siglip2_text_model": (family, scope) = (.siglip2, .textOnly)
        case "siglip2_vision_model": (family, scope) = (.siglip2, .visionOnly)
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
        try refuseForeignCode(root, path: path)
    }

    /// Refuses a model that brings its own program (`auto_map`): its architecture may be any, under CLIP's `model_type`.
    private func refuseForeignCode(_ root: [String: JSONValue], path: String) throws(CLIPError) {
        let maps = root["auto_map"]?.object ?? [:]
        let reference = maps["AutoModel"]?.string ?? maps.filter { $0.key.hasPrefix("AutoModel") }.values.first?.string
        guard let reference else { return }
        // "modeling_clip.CLIPModel"; "organisation/name--modeling_clip.CLIPModel" where it lies in another repository.
        let words = reference.split(separator: ".")
        if isJina, reference.hasSuffix("modeling_clip.JinaCLIPModel") { return }
        guard words.count == 2, ["modeling_clip", "modeling_siglip", "modeling_siglip2"].contains(words[0]),
            ModelType.transformersClasses.contains(String(words[1]))
        else {
            throw CLIPError(
                .model, path: path,
                "has a program of its own (auto_map: \(jsonString(String(reference.unicodeScalars.prefix(80))))), whose "
                    + "architecture is not known here: choose a model of transformers' own classes")
        }
    }

    private static let transformersClasses: Set<String> = [
        "CLIPModel", "CLIPTextModel", "CLIPTextModelWithProjection", "CLIPVisionModel", "CLIPVisionModelWithProjection",
        "SiglipModel", "SiglipTextModel", "SiglipVisionModel", "Siglip2Model", "Siglip2TextModel", "Siglip2VisionModel",
    ]

    /// Families that are taken for CLIP, and what sets them apart.
    private static let relatives = [
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
