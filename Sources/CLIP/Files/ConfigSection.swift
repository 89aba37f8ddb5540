internal import CLIPJSON
internal import CLIPSystem
internal import CLIPWeights

/// One object of a configuration file, and a log of every setting that was read from it.
struct ConfigSection {
    /// The file, for errors.
    let path: String
    /// Where settings are said to come from: the file's name, and the object inside it.
    let source: String
    /// What settings are called first: `image`, `text`, or nothing.
    let subject: String
    let fields: [String: JSONValue]
    private(set) var settings: [ModelSetting] = []

    init(path: String, source: String, subject: String = "", fields: [String: JSONValue]) {
        self.path = path
        self.source = source
        self.subject = subject
        self.fields = fields
    }

    /// A whole number in `range`.
    /// - Parameter risk: what may go wrong when the field is absent and takes its default.
    mutating func int(
        _ key: String, named name: String, default fallback: Int, in range: ClosedRange<Int>, risk: String? = nil
    ) throws(CLIPError) -> Int {
        guard let value = present(key) else {
            record(name, "\(fallback)", isDefault: true, warning: risk)
            return fallback
        }
        guard let number = value.int, range.contains(number) else {
            throw fault(key, value, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        record(name, "\(number)")
        return number
    }

    /// One side of a square: a whole number, or a list of two equal ones.
    mutating func side(
        _ key: String, named name: String, default fallback: Int, in range: ClosedRange<Int>
    ) throws(CLIPError) -> Int {
        guard let sides = present(key)?.array else {
            return try int(key, named: name, default: fallback, in: range)
        }
        guard sides.count == 2, sides[0] == sides[1], let side = sides[0].int, range.contains(side) else {
            throw fault(key, .array(sides), expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        record(name, "\(side)")
        return side
    }

    /// A finite number in `range`.
    mutating func float(
        _ key: String, named name: String, default fallback: Float, in range: ClosedRange<Double>
    ) throws(CLIPError) -> Float {
        guard let value = present(key) else {
            record(name, "\(fallback)", isDefault: true)
            return fallback
        }
        guard let number = value.double, range.contains(number) else {
            throw fault(key, value, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        record(name, "\(Float(number))")
        return Float(number)
    }

    /// Takes what was resolved from an object inside this one.
    mutating func take(_ settings: [ModelSetting]) { self.settings += settings }

    /// The value of `key`, nil when it is absent or null: both mean its default.
    func present(_ key: String) -> JSONValue? {
        fields[key].flatMap { $0.isNull ? nil : $0 }
    }

    /// Notes what was resolved.
    mutating func record(_ name: String, _ value: String, isDefault: Bool = false, warning: String? = nil) {
        record(name, value, source: isDefault ? "default" : source, warning: warning)
    }

    /// Notes what was resolved, and from where.
    mutating func record(_ name: String, _ value: String, source: String, warning: String? = nil) {
        let full = subject.isEmpty ? name : "\(subject) \(name)"
        settings.append(ModelSetting(name: full, value: value, source: source, warning: warning))
    }

    /// An error about the value of `key`.
    func fault(_ key: String, _ value: JSONValue, expected: String) -> CLIPError {
        let place = source.split(separator: " ").dropFirst().map { "\($0)." }.joined()
        let isPlain = key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return CLIPError(
            .model, path: path,
            "\(place)\(isPlain ? key : quoted(key)) is \(ConfigSection.describe(value)), expected \(expected): fetch the file again or mend it"
        )
    }

    private static func describe(_ value: JSONValue) -> String {
        switch value {
        case .number(let number): Int(exactly: number).map { "\($0)" } ?? "\(number)"
        case .string(let text): jsonString(String(text.unicodeScalars.prefix(60)))
        case .bool(let flag): "\(flag)"
        case .null, .array, .object: value.kindName
        }
    }
}

/// The object that a JSON text is.
/// - Throws: `CLIPError` about the file at `path` when it is something else, or not JSON.
func jsonObject(_ json: [UInt8], path: String) throws(CLIPError) -> [String: JSONValue] {
    let value = try JSONValue(parsing: json, at: JSONPlace(path, advice: ": it is damaged, fetch it again"))
    guard let object = value.object else {
        throw CLIPError(.model, path: path, "holds \(value.kindName), expected a JSON object: fetch it again")
    }
    return object
}

extension ConfigSection {
    func flag(_ key: String, default fallback: Bool) throws(CLIPError) -> Bool {
        guard let value = present(key) else { return fallback }
        guard let flag = value.bool else { throw fault(key, value, expected: "true or false") }
        return flag
    }

    func text(_ key: String) throws(CLIPError) -> String? {
        guard let value = present(key) else { return nil }
        guard let text = value.string else { throw fault(key, value, expected: "a string") }
        return text
    }

    /// One of the raw values of an enumeration.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: Choice
    ) throws(CLIPError) -> Choice where Choice.RawValue == String {
        guard let value = present(key) else { return fallback }
        guard let choice = value.string.flatMap(Choice.init(rawValue:)) else {
            throw fault(key, value, expected: Choice.allCases.map { jsonString($0.rawValue) }.joined(separator: ", "))
        }
        return choice
    }

    /// One finite number in `range` for each channel; a number that is no list counts for all.
    func channels(
        _ key: String, default fallback: [Float], in range: ClosedRange<Double>
    ) throws(CLIPError) -> [Float] {
        guard let value = present(key) else { return fallback }
        let numbers = value.array ?? [value, value, value]
        let channels = numbers.compactMap(\.double).filter(range.contains)
        guard numbers.count == 3, channels.count == 3 else {
            throw fault(key, value, expected: "three numbers from \(range.lowerBound) to \(range.upperBound)")
        }
        return channels.map { Float($0) }
    }

    /// A colour: three samples, or one for all channels.
    func colour(_ key: String, default fallback: [UInt8]) throws(CLIPError) -> [UInt8] {
        guard let value = present(key) else { return fallback }
        let samples = (value.array ?? [value, value, value]).map { $0.int.flatMap(UInt8.init(exactly:)) }
        guard samples.count == 3, case let colour = samples.compactMap(\.self), colour.count == 3 else {
            throw fault(key, value, expected: "three numbers from 0 to 255")
        }
        return colour
    }

    /// Notes what `key` was resolved to; where it is absent, that this is a default.
    mutating func record(_ name: String, _ value: String, key: String, risk: String? = nil) {
        let isAbsent = present(key) == nil
        record(name, value, isDefault: isAbsent, warning: isAbsent ? risk : nil)
    }
}

extension ConfigSection {
    /// `encoder` with what open_clip's `vision_cfg` says of norms and pooling, and with what sets other encoders apart in
    /// the words that `.clip` files have for it.
    mutating func imageVariant(of encoder: VisionConfiguration) throws(CLIPError) -> VisionConfiguration {
        var encoder = encoder
        encoder.transformer = try layerVariant(of: encoder.transformer)
        encoder.hasInputNorm = !(try flag("no_ln_pre", default: false))
        if !encoder.hasInputNorm { record("input norm", "none") }
        encoder.hasClassToken = try flag("class_token", default: true)
        encoder.hasClassPosition = try flag("class_position", default: true)
        encoder.hasPatchBias = try flag("patch_bias", default: false)
        switch try text("pool_type") {
        case nil, "tok": encoder.pooling = .classToken
        case "avg":
            let isAfter = try flag("final_ln_after_pool", default: false)
            encoder.pooling = isAfter ? .meanOfPatches : .meanOfNormalizedPatches
            record("pooling", isAfter ? "mean of patches" : "mean of normalised patches")
        case "map":
            encoder.pooling = .attention
            encoder.poolingHeadCount = try int("pool_heads", named: "pooling heads", default: 8, in: 1...1 << 15)
            encoder.poolingIntermediateWidth = try int(
                "pool_width", named: "pooling MLP width", default: 4 * encoder.transformer.width, in: 1...1 << 18)
        case "query":
            encoder.pooling = .firstQuery
            encoder.poolingHeadCount = try int("pool_heads", named: "pooling heads", default: 8, in: 1...1 << 15)
        case let name?: throw fault("pool_type", .string(name), expected: "\"tok\", \"avg\", \"map\" or \"query\"")
        }
        guard encoder.hasClassToken || encoder.pooling != .classToken else {
            throw fault("class_token", .bool(false), expected: "true, since it is what a picture is read at")
        }
        encoder.projection = try projection()
        encoder.tower = try convolutions()
        if let features = encoder.tower.features {
            guard features == encoder.transformer.width, encoder.imageSize.isMultiple(of: encoder.patchSize),
                encoder.patchSize == encoder.tower.totalStep
            else {
                throw fault(
                    "hidden_size", .number(Double(encoder.transformer.width)),
                    expected: "\(features) for this tower, and an image_size that is a multiple of a patch_size of "
                        + "\(encoder.tower.totalStep)")
            }
        }
        encoder.stem = try stem(patchSize: encoder.patchSize)
        encoder.hasPositions = try flag("positions", default: true)
        encoder.convolutions = try vitamin(encoder)
        if let rotary = present("rotary")?.object {
            var positions = ConfigSection(path: path, source: "\(source) rotary", fields: rotary)
            let headWidth = encoder.transformer.width / encoder.transformer.headCount
            guard encoder.gridSize * encoder.gridSize * headWidth <= 1 << 24 else {
                throw fault("rotary", .object(rotary), expected: "none beside so many patches and so wide heads")
            }
            encoder.rotaryPositions = RotaryPositions(
                referenceSize: try positions.int("reference", named: "rotary grid", default: 16, in: 1...1 << 13),
                offset: try positions.int("offset", named: "rotary offset", default: 0, in: 0...1 << 13),
                columnFirst: try positions.flag("column_first", default: false))
        }
        return encoder
    }

    /// A network of convolutions, in the words of `.clip` files.
    private mutating func convolutions() throws(CLIPError) -> ImageTowerKind {
        guard let name = try text("tower") else { return .transformer }
        record("tower", name)
        let depths = try numbers("depths", in: 1...1 << 10)
        func widths() throws(CLIPError) -> [Int] {
            let widths = try numbers("widths", in: 1...1 << 14)
            guard widths.count == depths.count else {
                throw fault("widths", .array(widths.map { .number(Double($0)) }), expected: "\(depths.count) numbers")
            }
            return widths
        }
        switch name {
        case "resnet" where depths.count == 4:
            return .resNet(
                ResNetConfiguration(
                    depths: depths, width: try int("tower_width", named: "first width", default: 64, in: 2...1 << 10)))
        case "convnext": return .convNeXt(ConvNeXtConfiguration(depths: depths, widths: try widths()))
        case "fastvit":
            let widths = try widths()
            for (index, width) in widths.enumerated()
            where index > 0 && width != 2 * widths[index - 1]
                || !width.isMultiple(of: FastViTConfiguration.headWidth) && index == widths.count - 1
            {
                throw fault(
                    "widths", .number(Double(width)),
                    expected: "twice as many channels in each stage, the last a multiple of the width of a head")
            }
            return .fastViT(
                FastViTConfiguration(
                    depths: depths, widths: widths,
                    mlpRatio: try int("mlp_ratio", named: "MLP ratio", default: 4, in: 1...64),
                    squeezedStages: present("squeezed_stages") == nil ? [] : try numbers("squeezed_stages", in: 0...8),
                    attentionStages: try int(
                        "attention_stages", named: "attention stages", default: 1, in: 0...depths.count),
                    hasLayerNorm: try flag("layer_norms", default: false)))
        case "efficientnet-lite" where depths.count == EfficientNetConfiguration.kernels.count:
            return .efficientNet(
                EfficientNetConfiguration(
                    depths: depths, widths: try widths(),
                    stemWidth: try int("tower_width", named: "first width", default: 32, in: 1...1 << 10),
                    features: try int("features", named: "features", default: 1280, in: 1...1 << 14)))
        default:
            throw fault(
                "tower", .string(name),
                expected: "\"resnet\" of four stages, \"convnext\", \"fastvit\" or \"efficientnet-lite\" of seven")
        }
    }

    /// A list of one to eight whole numbers.
    private func numbers(_ key: String, in range: ClosedRange<Int>) throws(CLIPError) -> [Int] {
        let value = present(key) ?? .null
        let numbers = (value.array ?? []).compactMap(\.int).filter(range.contains)
        guard (1...8).contains(numbers.count), numbers.count == value.array?.count else {
            throw fault(key, value, expected: "one to eight numbers from \(range.lowerBound) to \(range.upperBound)")
        }
        return numbers
    }

    /// The convolutions in front of a ViTamin's transformer, in the words of `.clip` files.
    private func vitamin(_ encoder: VisionConfiguration) throws(CLIPError) -> ViTaminConfiguration? {
        guard let value = present("vitamin") else { return nil }
        guard let fields = value.object else { throw fault("vitamin", value, expected: "an object") }
        let section = ConfigSection(path: path, source: "\(source) vitamin", fields: fields)
        let shape = ViTaminConfiguration(
            depths: try section.numbers("depths", in: 1...1 << 10),
            widths: try section.numbers("widths", in: 1...1 << 14))
        guard shape.depths.count == shape.widths.count, encoder.patchSize == shape.patchSize, encoder.stem.isEmpty,
            encoder.imageSize.isMultiple(of: encoder.patchSize), !encoder.hasClassToken
        else {
            throw fault(
                "vitamin", value,
                expected: "as many depths as widths, a patch_size of \(shape.patchSize), of which image_size is a "
                    + "multiple, no class_token and no stem")
        }
        return shape
    }

    private func stem(patchSize: Int) throws(CLIPError) -> [StemStage] {
        guard let value = present("stem") else { return [] }
        let stages = (value.array ?? []).compactMap { stage -> StemStage? in
            guard let numbers = stage.array?.compactMap(\.int), numbers.count == 2 else { return nil }
            return StemStage(side: numbers[0], width: numbers[1])
        }
        let isValid = stages.allSatisfy { (1...64).contains($0.side) && (1...1 << 15).contains($0.width) }
        guard let list = value.array, list.count == stages.count, stages.count <= 8, isValid,
            patchSize.isMultiple(of: stages.reduce(1) { $0 * $1.side })
        else { throw fault("stem", value, expected: "pairs of a side, together a part of patch_size, and a width") }
        return stages
    }

    /// `layers` with what sets them apart from CLIP's, in the words of `.clip` files.
    mutating func layerVariant(of layers: TransformerConfiguration) throws(CLIPError) -> TransformerConfiguration {
        var layers = layers
        layers.normPlacement = try choice("norm_placement", default: .before)
        layers.hasKeyBias = try flag("key_bias", default: true)
        layers.hasAttentionNorm = try flag("attention_norm", default: false)
        layers.hasBiases = try flag("biases", default: true)
        layers.hasRootMeanSquareNorms = try flag("rms_norm", default: false)
        if try flag("gated_mlp", default: false) {
            layers.gatedMLPNorm = try choice("gated_mlp_norm", default: .product)
            layers.hasFactorBiases = try flag("gated_mlp_bias", default: true)
        }
        return layers
    }

    private func relativePositions(of encoder: TextConfiguration) throws(CLIPError) -> RelativePositions? {
        guard let value = present("relative_positions") else { return nil }
        let heads = encoder.transformer.headCount
        guard !encoder.isCausal, encoder.contextLength <= 1 << 13, heads * encoder.contextLength <= 1 << 20 else {
            throw fault(
                "relative_positions", value,
                expected:
                    "none beside a causal mask, a context of more than \(1 << 13), or more than \(1 << 20) numbers "
                    + "for its places and heads")
        }
        if value["slopes"]?.bool == true { return .slopes }
        if let base = value["rotary_base"]?.double, (1...1e9).contains(base) { return .rotary(base: Float(base)) }
        guard let buckets = value["buckets"]?.int, let farthest = value["farthest"]?.int,
            (4...1 << 12).contains(buckets), buckets.isMultiple(of: 2), (buckets / 4 + 1...1 << 16).contains(farthest)
        else {
            throw fault(
                "relative_positions", value,
                expected:
                    "an even number of buckets from 4 to \(1 << 12), a farthest of more than a quarter of it, or slopes, "
                    + "or a rotary_base of 1 or more")
        }
        return .buckets(count: buckets, farthest: farthest)
    }

    /// What turns a pooled state into an embedding.
    private mutating func projection() throws(CLIPError) -> Projection {
        let hasBias = try flag("proj_bias", default: false)
        switch try text("proj_type") {
        case nil, "linear": return hasBias ? .affine : .linear
        case "none": return .none
        case "two_layers":
            let activation: Activation? = present("proj_act") == nil ? nil : try choice("proj_act", default: .gelu)
            return .twoLayers(
                Projection.TwoLayers(
                    width: try int("proj_width", named: "projection width", default: 512, in: 1...1 << 15),
                    hasBias: hasBias, activation: activation))
        case let name?:
            throw fault("proj_type", .string(name), expected: "\"linear\", \"none\" or \"two_layers\"")
        }
    }

    /// `encoder` with what open_clip's `text_cfg` says of mask, padding, pooling and projection, and with what sets other
    /// encoders apart in the words of `.clip` files.
    mutating func textVariant(of encoder: TextConfiguration) throws(CLIPError) -> TextConfiguration {
        var encoder = encoder
        encoder.transformer = try layerVariant(of: encoder.transformer)
        encoder.isCausal = !(try flag("no_causal_mask", default: false))
        if !encoder.isCausal { record("mask", "none: every token sees all") }
        encoder.transformer.relativePositions = try relativePositions(of: encoder)
        switch try text("pool_type") {
        case nil, "argmax", "eos": break
        case "first":
            encoder.pooling = .firstPosition
            record("pooling", "first position")
        case "last":
            encoder.pooling = .lastPosition
            record("pooling", "last position")
        case "mean":
            encoder.pooling = .meanOfTokens
            record("pooling", "mean of tokens")
        case let name?:
            throw fault("pool_type", .string(name), expected: "\"argmax\", \"eos\", \"first\", \"last\" or \"mean\"")
        }
        if try flag("embed_cls", default: false) {
            guard encoder.isCausal else {
                throw fault("embed_cls", .bool(true), expected: "false beside no_causal_mask: both are not known")
            }
            encoder.pooling = .classToken(
                padding: try int("pad_id", named: "padding", default: 0, in: 0...encoder.vocabularySize - 1))
            record("pooling", "a token of its own behind the text")
        }
        let isPadded = try flag("padded", default: !encoder.isCausal || encoder.pooling == .lastPosition)
        if isPadded {
            encoder.paddingToken = try int("pad_id", named: "padding", default: 0, in: 0...encoder.vocabularySize - 1)
        }
        if case .rotary = encoder.transformer.relativePositions {
            guard encoder.pooling == .meanOfTokens || encoder.pooling == .firstPosition,
                encoder.transformer.width.isMultiple(of: 2 * encoder.transformer.headCount)
            else {
                throw fault(
                    "relative_positions", present("relative_positions") ?? .null,
                    expected: "a rotary_base only beside the pool_type \"mean\" or \"first\" and heads of an even width"
                )
            }
        }
        encoder.projection = try projection()
        if encoder.projection != .linear { record("projection", encoder.projection.name) }
        if present("token_types") != nil {
            encoder.embeddings.typeCount = try int("token_types", named: "token types", default: 0, in: 0...1 << 10)
        }
        encoder.embeddings.hasNorm = try flag("embedding_norm", default: false)
        encoder.embeddings.isSinusoidal = try flag("sinusoidal_positions", default: false)
        encoder.embeddings.isScaled = try flag("scaled_embeddings", default: false)
        encoder.hasOutputNorm = !(try flag("no_final_norm", default: false))
        encoder.hasPooler = try flag("pooler", default: false)
        if present("ignored_token") != nil {
            encoder.embeddings.ignoredToken = try int(
                "ignored_token", named: "ignored token", default: 0, in: 0...encoder.vocabularySize - 1)
        }
        if present("position_count") != nil {
            let count = try int("position_count", named: "positions", default: 0, in: 1...1 << 17)
            let offset = try int("position_offset", named: "first position", default: 0, in: 0...1 << 16)
            guard offset + encoder.contextLength <= count else {
                throw fault(
                    "position_count", .number(Double(count)), expected: "\(offset + encoder.contextLength) or more")
            }
            (encoder.embeddings.positionCount, encoder.embeddings.positionOffset) = (count, offset)
        }
        return encoder
    }
}

extension Projection {
    fileprivate var name: String {
        switch self {
        case .none: "none"
        case .linear: "linear"
        case .affine: "affine"
        case .twoLayers: "two layers"
        }
    }
}

extension ConfigSection {
    /// `encoder` as all of SigLIP's are: no class token, no norm in front, a head or the mean of the patches.
    mutating func siglipVariant(of encoder: VisionConfiguration) throws(CLIPError) -> VisionConfiguration {
        var encoder = encoder
        encoder.hasClassToken = false
        encoder.hasPatchBias = true
        encoder.hasInputNorm = false
        encoder.projection = .none
        let hasHead = try flag("vision_use_head", default: true)
        encoder.pooling = hasHead ? .attention : .meanOfNormalizedPatches
        record(
            "pooling", hasHead ? "attention head" : "mean of normalised patches",
            isDefault: present("vision_use_head") == nil,
            warning: hasHead
                ? nil : "vision_use_head is false: the patches are averaged, transformers gives no embedding")
        return encoder
    }

    /// `encoder` as all of SigLIP's are: every token sees all, padding included, and the last one counts.
    mutating func siglipVariant(of encoder: TextConfiguration) throws(CLIPError) -> TextConfiguration {
        var encoder = encoder
        encoder.isCausal = false
        encoder.pooling = .lastPosition
        encoder.projection = .affine
        record("pooling", "last position", source: "SigLIP")
        // Our own files say it; others leave it to the tokenizer's.
        encoder.paddingToken = try int("pad_id", named: "padding", default: 1, in: 0...encoder.vocabularySize - 1)
        return encoder
    }
}
