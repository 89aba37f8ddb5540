internal import CLIPJSON
internal import CLIPTokenizers
internal import CLIPWeights

/// An `open_clip_config.json`, every absent field resolved to open_clip's default.
struct OpenCLIPConfig {
    private(set) var configuration: ModelConfiguration
    let preprocessing: ResolvedPreprocessing
    /// The tokenizer on the hub that the texts need; nil for CLIP's own.
    let tokenizerName: String?
    /// What open_clip does around that one.
    let tokenizerWrapping: OpenCLIPWrapping
    /// How texts are cleaned for CLIP's own, and which tokens it has beyond its vocabulary.
    let cleaning: TextCleaning
    let additionalTokens: [String]
    /// The logarithm of the logit scale, for weights that bring none.
    let initialLogitScale: Float = 2.6592
    private(set) var settings: [ModelSetting]
    let layerScales: LayerScales
    /// Whether the image encoder's tensors have timm's names.
    let hasTimmTower: Bool
    /// A tensor of the text encoder, if that is one of transformers'.
    let transformersTensor: String?
    /// What the names of tensors begin with that embeddings don't need.
    let leftOut: [String]

    /// Reads the text of a configuration file.
    /// - Throws: `CLIPError` when it is not JSON, not open_clip's, a field makes no sense, or a tower is none of the
    ///   plain transformers.
    init(json: [UInt8], path: String, source: String = "open_clip_config.json") throws(CLIPError) {
        let root = try jsonObject(json, path: path)
        // open_clip's own list of models has the configuration at the top of the file.
        let model = root["model_cfg"]?.object ?? root
        guard let visionFields = model["vision_cfg"]?.object, let textFields = model["text_cfg"]?.object else {
            throw CLIPError(
                .model, path: path, "has no model_cfg with vision_cfg and text_cfg: it is not open_clip's configuration"
            )
        }
        let prefix = root["model_cfg"] == nil ? source : "\(source) model_cfg"
        var top = ConfigSection(path: path, source: prefix, fields: model)
        var vision = ConfigSection(path: path, source: "\(prefix) vision_cfg", subject: "image", fields: visionFields)
        var text = ConfigSection(path: path, source: "\(prefix) text_cfg", subject: "text", fields: textFields)
        try OpenCLIPConfig.refuseOtherTowers(vision, text)
        try OpenCLIPConfig.refuseUnknownFields(top, vision, text)

        let dimension = try top.int("embed_dim", named: "embedding dimension", default: 512, in: 1...1 << 15)
        let isQuick = try top.flag("quick_gelu", default: false)
        let tower = try TimmTower(&vision, path: path, embeddingDimension: dimension)
        let image = if let tower { tower.configuration } else { try OpenCLIPConfig.image(&vision, isQuick: isQuick) }
        let adapter = try TransformersTextTower(&text, embeddingDimension: dimension)
        let texts = if let adapter { adapter.configuration } else { try OpenCLIPConfig.text(&text, isQuick: isQuick) }
        guard texts.projection != .none || texts.transformer.width == dimension else {
            throw CLIPError(
                .model, path: path,
                "has no text projection, but a text width of \(texts.transformer.width) and embeddings of "
                    + "\(dimension) values: proj_type, width or embed_dim is wrong")
        }
        guard image.projection != .none || image.transformer.width == dimension else {
            throw CLIPError(
                .model, path: path,
                "has no image projection, but an image width of \(image.transformer.width) and embeddings of "
                    + "\(dimension) values: timm_proj or embed_dim is wrong")
        }
        if image.pooling == .firstQuery, let heads = image.poolingHeadCount, !dimension.isMultiple(of: heads) {
            throw vision.fault(
                "attn_pooler_heads", .number(Double(heads)), expected: "a part of embed_dim, which is \(dimension)")
        }
        // CoCa's decoder writes captions. Embeddings don't need it.
        let hasDecoder = model["multimodal_cfg"]?.object != nil
        leftOut = hasDecoder ? ["text_decoder."] : []
        if hasDecoder { top.record("decoder", "left out", key: "multimodal_cfg") }
        // SigLIP's whole, rather than its image tower beside another text tower.
        let isSigLIP =
            tower?.isSigLIP ?? false && !texts.isCausal && texts.pooling == .lastPosition && texts.projection == .affine
        configuration = ModelConfiguration(
            family: isSigLIP ? .siglip : .clip, vision: image, text: texts, embeddingDimension: dimension)
        hasTimmTower = tower != nil
        transformersTensor = adapter?.firstTensor
        let preprocess = root["preprocess_cfg"]?.object ?? [:]
        preprocessing = try ResolvedPreprocessing(
            openCLIP: preprocess, path: path, source: "\(source) preprocess_cfg", imageSize: image.imageSize)
        tokenizerName = try text.text("hf_tokenizer_name")
        if tokenizerName == nil {
            (cleaning, additionalTokens) = try OpenCLIPConfig.ownTokenizer(&text)
            tokenizerWrapping = OpenCLIPWrapping()
        } else {
            tokenizerWrapping = try OpenCLIPConfig.wrapping(&text)
            (cleaning, additionalTokens) = (.openCLIP, [])
        }
        settings = top.settings + vision.settings + text.settings
        layerScales = LayerScales(
            image: vision.present("ls_init_value") != nil, text: text.present("ls_init_value") != nil)
    }

    /// Takes the token that fills texts up from the tokenizer's files, where the encoder sees it.
    mutating func setPadding(_ token: Int32, source: String) {
        guard configuration.text.paddingToken != nil, tokenizerName != nil else { return }
        configuration.text.paddingToken = Int(token)
        let setting = ModelSetting(name: "text padding", value: "\(token)", source: source)
        settings = settings.map { $0.name == setting.name ? setting : $0 }
    }

    /// Notes that the weights have position embeddings of another number, which are resampled.
    mutating func notePositions(image: Int?, text: Int?) {
        for (name, stored, wanted) in [
            ("image positions", image, configuration.vision.tokenCount),
            ("text positions", text, configuration.text.positionCount),
        ] {
            guard let stored, stored != wanted else { continue }
            settings.append(
                ModelSetting(
                    name: name, value: "\(wanted)", source: "resampled",
                    warning: "the weights hold \(stored): they are resampled, as open_clip does"))
        }
    }

    /// What open_clip gives its tokenizers; nil when there is nothing.
    private static func tokenizerOptions(_ text: ConfigSection) throws(CLIPError) -> ConfigSection? {
        guard let value = text.present("tokenizer_kwargs") else { return nil }
        guard let fields = value.object else { throw text.fault("tokenizer_kwargs", value, expected: "an object") }
        return ConfigSection(path: text.path, source: "\(text.source) tokenizer_kwargs", fields: fields)
    }

    private static func wrapping(_ text: inout ConfigSection) throws(CLIPError) -> OpenCLIPWrapping {
        var wrapping = OpenCLIPWrapping()
        guard let options = try tokenizerOptions(text) else { return wrapping }
        if let cleaning = try options.cleaning() {
            wrapping.cleaning = cleaning
            text.record("cleaning", cleaning.rawValue)
        }
        wrapping.stripsSeparator = try options.flag("strip_sep_token", default: false)
        if wrapping.stripsSeparator { text.record("end token", "0 in its place (strip_sep_token)") }
        if let mode = options.present("tokenizer_mode") {
            throw options.fault("tokenizer_mode", mode, expected: "none: other ways to end texts are not supported")
        }
        try options.refuseOthers(than: ["clean", "strip_sep_token", "tokenizer_mode"])
        return wrapping
    }

    /// What SimpleTokenizer does by other settings than its defaults.
    private static func ownTokenizer(
        _ text: inout ConfigSection
    ) throws(CLIPError) -> (cleaning: TextCleaning, additionalTokens: [String]) {
        guard let options = try tokenizerOptions(text) else { return (.openCLIP, []) }
        var cleaning = TextCleaning.openCLIP
        if let stated = try options.cleaning() {
            switch stated {
            case .lower: break
            case .whitespace: cleaning = .openCLIPWhitespace
            case .canonicalize: cleaning = .openCLIPCanonical
            }
            text.record("cleaning", stated.rawValue)
        }
        var tokens: [String] = []
        if let value = options.present("additional_special_tokens") {
            guard let list = value.array, case let names = list.compactMap(\.string), names.count == list.count,
                BytePairTokenizer.canBeAdditional(names)
            else {
                throw options.fault(
                    "additional_special_tokens", value,
                    expected: "a list of at most 65536 different words of letters, numbers and <>_-: only (others are "
                        + "expressions)")
            }
            tokens = names
            text.record("additional tokens", tokens.joined(separator: " "))
        }
        if let mask = try options.text("reduction_mask"), !mask.isEmpty {
            throw options.fault(
                "reduction_mask", .string(mask), expected: "none: ways to shorten texts at random are not supported")
        }
        try options.refuseOthers(than: ["clean", "additional_special_tokens", "reduction_mask"])
        return (cleaning, tokens)
    }

    private static func image(_ section: inout ConfigSection, isQuick: Bool) throws(CLIPError) -> VisionConfiguration {
        let imageSize = try section.side("image_size", named: "size", default: 224, in: 1...1 << 13)
        if let depths = section.present("layers")?.array {
            return try resNet(&section, depths.compactMap(\.int), imageSize: imageSize)
        }
        let patchSize = try section.side("patch_size", named: "patch size", default: 16, in: 1...imageSize)
        let grid = imageSize / patchSize
        guard grid * grid < 1 << 16 else {
            throw CLIPError(
                .model, path: section.path,
                "\(grid) × \(grid) patches of \(patchSize) pixels, expected fewer than \(1 << 16): "
                    + "image_size or patch_size is wrong")
        }
        let width = try section.int("width", named: "width", default: 768, in: 1...1 << 15)
        let headWidth = try section.int("head_width", named: "head width", default: 64, in: 1...width)
        let transformer = try transformer(
            &section, width: width, headCount: width / headWidth, isQuick: isQuick)
        var encoder = try section.imageVariant(
            of: VisionConfiguration(transformer: transformer, imageSize: imageSize, patchSize: patchSize))
        if try section.flag("attentional_pool", default: false) {
            // Of CoCa's queries only what the first finds is compared with texts.
            guard encoder.pooling == .classToken else {
                throw section.fault(
                    "pool_type", section.present("pool_type") ?? .null, expected: "\"tok\" beside attentional_pool")
            }
            encoder.pooling = .firstQuery
            encoder.poolingHeadCount = try section.int(
                "attn_pooler_heads", named: "pooling heads", default: 8, in: 1...1 << 15)
            section.record("pooling", "first query", key: "attentional_pool")
        }
        return encoder
    }

    /// OpenAI's ResNet, whose activations are max(0, x) whatever `quick_gelu` says.
    private static func resNet(
        _ section: inout ConfigSection, _ depths: [Int], imageSize: Int
    ) throws(CLIPError) -> VisionConfiguration {
        let isValid = depths.count == 4 && depths.allSatisfy { (1...1 << 10).contains($0) }
        guard isValid, imageSize.isMultiple(of: 32) else {
            throw section.fault(
                isValid ? "image_size" : "layers", section.present(isValid ? "image_size" : "layers") ?? .null,
                expected: isValid ? "a multiple of 32" : "a number, or four for a ResNet")
        }
        let width = try section.int("width", named: "first width", default: 64, in: 2...1 << 10)
        let headWidth = try section.int("head_width", named: "head width", default: 64, in: 1...32 * width)
        let shape = ResNetConfiguration(depths: depths, width: width)
        guard shape.features.isMultiple(of: headWidth) else {
            throw section.fault(
                "head_width", .number(Double(headWidth)), expected: "a part of \(shape.features), the width of a place")
        }
        section.record("layers", "\(depths)")
        return VisionConfiguration(resNet: shape, imageSize: imageSize, headCount: shape.features / headWidth)
    }

    private static func text(_ section: inout ConfigSection, isQuick: Bool) throws(CLIPError) -> TextConfiguration {
        let width = try section.int("width", named: "width", default: 512, in: 1...1 << 15)
        let heads = try section.int("heads", named: "heads", default: 8, in: 1...width)
        let transformer = try transformer(&section, width: width, headCount: heads, isQuick: isQuick)
        let vocabulary = try section.int("vocab_size", named: "vocabulary", default: 49408, in: 1...1 << 22)
        let context = try section.int("context_length", named: "context length", default: 77, in: 2...1 << 16)
        return try section.textVariant(
            of: TextConfiguration(
                transformer: transformer, vocabularySize: vocabulary, contextLength: context,
                pooling: try pooling(&section, vocabulary: vocabulary)))
    }

    private static func pooling(_ section: inout ConfigSection, vocabulary: Int) throws(CLIPError) -> TextPooling {
        if try section.text("pool_type") == "eos" {
            let token = try section.int("eos_id", named: "pooling", default: 2, in: 0...vocabulary - 1)
            return .firstToken(token)
        }
        // The largest token of CLIP's vocabulary is its end token.
        guard vocabulary != 49408 else {
            section.record("pooling", "first token 49407", source: "CLIP's vocabulary")
            return .firstToken(49407)
        }
        if try section.text("pool_type") ?? "argmax" == "argmax" { section.record("pooling", "largest token") }
        return .largestToken
    }

    private static func transformer(
        _ section: inout ConfigSection, width: Int, headCount: Int, isQuick: Bool
    ) throws(CLIPError) -> TransformerConfiguration {
        guard width.isMultiple(of: headCount) else {
            throw CLIPError(
                .model, path: section.path,
                "\(section.subject) width \(width) is no multiple of its \(headCount) attention heads: "
                    + "width, heads or head_width is wrong")
        }
        let layers = try section.int("layers", named: "layers", default: 12, in: 1...1 << 10)
        let ratio = try section.double("mlp_ratio", default: 4, in: 0.01...64)
        // As Python's int() does.
        let intermediate = max(1, Int(Double(width) * ratio))
        section.record("MLP width", "\(intermediate)", key: "mlp_ratio")
        let isTanh = section.present("act_kwargs")?["approximate"]?.string == "tanh"
        let activation: Activation = isQuick ? .quickGELU : isTanh ? .tanhGELU : .gelu
        section.record("activation", activation.rawValue, source: "quick_gelu \(isQuick)")
        var epsilon = Float(1e-5)
        if let stated = section.present("norm_kwargs")?["eps"] {
            guard let number = stated.double, (0...1).contains(number) else {
                throw section.fault("norm_kwargs", stated, expected: "an eps from 0 to 1")
            }
            epsilon = Float(number)
        }
        section.record("layer norm epsilon", "\(epsilon)", key: "norm_kwargs")
        if section.present("ls_init_value") != nil {
            section.record("layer scale", "multiplied into the weights", key: "ls_init_value")
        }
        return TransformerConfiguration(
            width: width, intermediateWidth: intermediate, layerCount: layers, headCount: headCount,
            activation: activation, layerNormEpsilon: epsilon)
    }

    /// Fields of open_clip's configurations, by the object that they stand in. Whatever else is there changes the
    /// architecture in a way that isn't known here.
    private static let knownFields: (top: Set<String>, vision: Set<String>, text: Set<String>) = (
        [
            "embed_dim", "vision_cfg", "text_cfg", "multimodal_cfg", "quick_gelu", "init_logit_scale",
            "init_logit_bias",
            "nonscalar_logit_scale", "cast_dtype", "output_dict", "custom_text", "hf_tokenizer_name",
        ],
        tower.union([
            "image_size", "patch_size", "head_width", "patch_dropout", "attentional_pool", "attn_pooler_queries",
            "attn_pooler_heads", "no_ln_pre", "pos_embed_type", "timm_model_name", "timm_model_pretrained", "timm_pool",
            "timm_proj", "timm_proj_bias", "timm_drop", "timm_drop_path",
        ]),
        tower.union([
            "context_length", "vocab_size", "heads", "hf_tokenizer_name", "tokenizer_mode", "tokenizer_kwargs",
            "embed_cls",
            "pad_id", "eos_id", "no_causal_mask", "proj_bias", "proj_type", "hf_model_name", "hf_model_pretrained",
            "hf_proj_type", "hf_pooler_type", "hf_model_config",
        ])
    )
    private static let tower: Set<String> = [
        "layers", "width", "mlp_ratio", "ls_init_value", "final_ln_after_pool", "pool_type", "output_tokens",
        "act_kwargs",
        "norm_kwargs", "block_type", "qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn",
        "scale_fc",
    ]

    private static func refuseUnknownFields(
        _ top: ConfigSection, _ vision: ConfigSection, _ text: ConfigSection
    ) throws(CLIPError) {
        for (section, known) in [(top, knownFields.top), (vision, knownFields.vision), (text, knownFields.text)] {
            if let name = section.fields.keys.filter({ !known.contains($0) }).min(), let value = section.fields[name] {
                throw section.fault(name, value, expected: "no such field: what it changes isn't known here")
            }
            for (name, only) in [("act_kwargs", "approximate"), ("norm_kwargs", "eps")] {
                guard let value = section.present(name) else { continue }
                guard let fields = value.object, fields.keys.allSatisfy({ $0 == only }) else {
                    throw section.fault(name, value, expected: "an object with no more than \"\(only)\"")
                }
            }
            if let kind = try section.text("block_type"), kind != "default" {
                throw section.fault("block_type", .string(kind), expected: "\"default\"")
            }
        }
        if let mode = text.present("tokenizer_mode") {
            throw text.fault("tokenizer_mode", mode, expected: "none: other ways to end texts are not supported")
        }
    }

    /// Towers that are no plain transformers, by the field that says so.
    private static func refuseOtherTowers(_ vision: ConfigSection, _ text: ConfigSection) throws(CLIPError) {
        func refuse(_ what: String, _ field: String) throws(CLIPError) -> Never {
            throw CLIPError(
                .model, path: vision.path,
                "has \(what) (\(field)), which this program doesn't have: choose a model of another family")
        }
        func name(_ value: JSONValue?) -> String { String((value?.string ?? "").unicodeScalars.prefix(60)) }
        if let tower = vision.present("timm_model_name"), !TimmTower.isKnown(name(tower)) {
            try refuse("timm's image tower \(jsonString(name(tower)))", "timm_model_name")
        }
        if let tower = text.present("hf_model_name"), !TransformersTextTower.isKnown(name(tower)) {
            try refuse("transformers' text tower \(jsonString(name(tower)))", "hf_model_name")
        }
        for section in [vision, text] {
            for key in [
                "qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn", "scale_fc",
                "use_pad_mask",
            ] {
                guard let value = section.present(key), value.bool != false else { continue }
                try refuse("an \(section.subject) tower of another kind", key)
            }
        }
    }
}

extension OpenCLIPConfig {
    /// The note that a folder's open_clip_config.json isn't read because config.json is, and what that changes; nil when
    /// there is none.
    /// - Parameter preprocessing: what is done instead of what it says.
    static func ignored(
        in folder: ModelFolder, for preprocessing: ResolvedPreprocessing
    ) throws(CLIPError) -> ModelSetting? {
        let name = "open_clip_config.json"
        guard let json = try folder.readText(name) else { return nil }
        // It may be of an architecture that isn't known here: it isn't read anyway.
        let other = try? OpenCLIPConfig(json: json, path: folder.path(of: name))
        let weights = try folder.first(of: Checkpoint.openCLIPNames.filter { $0.hasPrefix("open_clip") })
        let differences = other?.preprocessing.configuration.differences(to: preprocessing.configuration) ?? []
        return ModelSetting(
            name: ModelSetting.configuration, value: "config.json", source: "the folder has both",
            warning: "\(name) is not read: texts are cleaned as transformers does, not as open_clip"
                + (differences.isEmpty
                    ? "" : ", and pictures prepared otherwise than it says (\(differences.joined(separator: ", ")))")
                + (weights.map { "; name \($0) for open_clip's reading" } ?? ""))
    }
}

extension ConfigSection {
    /// A number in `range`, not noted as a setting.
    func double(_ key: String, default fallback: Double, in range: ClosedRange<Double>) throws(CLIPError) -> Double {
        guard let value = present(key) else { return fallback }
        guard let number = value.double, range.contains(number) else {
            throw fault(key, value, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

extension ConfigSection {
    /// What happens to a text first, by open_clip's name.
    fileprivate func cleaning() throws(CLIPError) -> OpenCLIPCleaning? {
        guard let name = try text("clean") else { return nil }
        guard let cleaning = OpenCLIPCleaning(rawValue: name) else {
            throw fault("clean", .string(name), expected: "\"whitespace\", \"lower\" or \"canonicalize\"")
        }
        return cleaning
    }

    fileprivate func refuseOthers(than known: Set<String>) throws(CLIPError) {
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) where !known.contains(key) && !value.isNull {
            throw fault(key, value, expected: "none: it is not supported")
        }
    }
}
