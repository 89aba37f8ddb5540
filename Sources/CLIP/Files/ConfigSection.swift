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
    /// `encoder` with what open_clip's `vision_cfg` says of norms and pooling. `.clip` files keep it in the same words.
    mutating func imageVariant(of encoder: VisionConfiguration) throws(CLIPError) -> VisionConfiguration {
        var encoder = encoder
        encoder.hasInputNorm = !(try flag("no_ln_pre", default: false))
        if !encoder.hasInputNorm { record("input norm", "none") }
        switch try text("pool_type") {
        case nil, "tok": encoder.pooling = .classToken
        case "avg":
            let isAfter = try flag("final_ln_after_pool", default: false)
            encoder.pooling = isAfter ? .meanOfPatches : .meanOfNormalizedPatches
            record("pooling", isAfter ? "mean of patches" : "mean of normalised patches")
        case let name?: throw fault("pool_type", .string(name), expected: "\"tok\" or \"avg\"")
        }
        return encoder
    }

    /// `encoder` with what open_clip's `text_cfg` says of mask, padding, pooling and projection.
    mutating func textVariant(of encoder: TextConfiguration) throws(CLIPError) -> TextConfiguration {
        var encoder = encoder
        encoder.isCausal = !(try flag("no_causal_mask", default: false))
        if !encoder.isCausal { record("mask", "none: every token sees all") }
        switch try text("pool_type") {
        case nil, "argmax", "eos": break
        case "first":
            encoder.pooling = .firstPosition
            record("pooling", "first position")
        case "last":
            encoder.pooling = .lastPosition
            record("pooling", "last position")
        case let name?:
            throw fault("pool_type", .string(name), expected: "\"argmax\", \"eos\", \"first\" or \"last\"")
        }
        if !encoder.isCausal || encoder.pooling == .lastPosition {
            encoder.paddingToken = try int("pad_id", named: "padding", default: 0, in: 0...encoder.vocabularySize - 1)
        }
        switch try text("proj_type") {
        case nil, "linear": encoder.projection = try flag("proj_bias", default: false) ? .affine : .linear
        case "none": encoder.projection = .none
        case let name?: throw fault("proj_type", .string(name), expected: "\"linear\" or \"none\"")
        }
        if encoder.projection != .linear { record("projection", encoder.projection.rawValue) }
        return encoder
    }
}

extension ConfigSection {
    /// `encoder` as all of SigLIP's are: no class token, no norm in front, a head or the mean of the patches.
    mutating func siglipVariant(of encoder: VisionConfiguration) throws(CLIPError) -> VisionConfiguration {
        var encoder = encoder
        encoder.hasClassToken = false
        encoder.hasPatchBias = true
        encoder.hasInputNorm = false
        encoder.hasProjection = false
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
