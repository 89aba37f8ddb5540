internal import CLIPJSON
internal import CLIPSystem

/// Reads the normalizer and the pre-tokenizer of a tokenizer.json.
struct TokenizerSteps {
    /// The character map of a "Precompiled" step.
    private(set) var characterMap: (units: ArraySlice<UInt8>, texts: ArraySlice<UInt8>)?

    /// What transformers' CLIPTokenizer does.
    static let clipNormalisation: [NormalizationStep] = [
        .compose, .replaceRuns(ScalarRun(members: .space), with: [0x20]), .lowercase,
    ]
    static let clipSplitting: [SplittingStep] =
        [clipPattern, byteLevelPattern].compactMap { ScalarPattern($0) }
        .enumerated().map { .matches($1, $0 == 0 ? .dropped : .alone, isInverted: $0 == 0) } + [.bytes]
    private static let clipPattern =
        #"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"#

    /// The parts of a "Sequence", or the one thing that it is.
    static func list(_ value: JSONValue?, _ key: String) -> [JSONValue] {
        guard let value, !value.isNull else { return [] }
        guard value["type"]?.string == "Sequence" else { return [value] }
        return (value[key]?.array ?? []).flatMap { list($0, key) }
    }

    static func fault(_ problem: String) -> CLIPError {
        CLIPError(.model, path: TokenizerJSON.file, problem)
    }

    private static func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

    mutating func normalisation(_ value: JSONValue?) throws(CLIPError) -> [NormalizationStep] {
        var steps: [NormalizationStep] = []
        for step in TokenizerSteps.list(value, "normalizers") {
            switch step["type"]?.string ?? "" {
            case "Lowercase": steps.append(.lowercase)
            case "NFC": steps.append(.compose)
            case "NFD": steps.append(.decompose)
            case "NFKC": steps.append(.composeCompatibly)
            case "NFKD": steps.append(.decomposeCompatibly)
            case "StripAccents": steps.append(.stripMarks)
            case "Nmt": steps.append(.plainSpaces)
            case "ByteLevel": steps.append(.bytes)
            case "Strip":
                steps.append(
                    .strip(
                        left: step["strip_left"]?.bool ?? true, right: step["strip_right"]?.bool ?? true,
                        isPython: false))
            case "BertNormalizer":
                let isLowercased = step["lowercase"]?.bool ?? true
                var cleaning: BERTCleaning = []
                if step["clean_text"]?.bool ?? true { cleaning.insert(.plainSpaces) }
                if step["handle_chinese_chars"]?.bool ?? true { cleaning.insert(.splitIdeographs) }
                if step["strip_accents"]?.bool ?? isLowercased { cleaning.insert(.plainLetters) }
                steps.append(.bert(cleaning))
                if isLowercased { steps.append(.lowercase) }
            case "Prepend": steps.append(.prepend(TokenizerSteps.scalars(step["prepend"]?.string ?? "")))
            case "Replace": steps.append(try TokenizerSteps.replacement(step))
            case "Precompiled":
                try readCharacterMap(step["precompiled_charsmap"]?.string)
                if characterMap != nil { steps.append(.mapGraphemes) }
            case let type:
                throw TokenizerSteps.fault(
                    "normalizer \(quoted(type)) is not supported, expected NFC, NFD, NFKC, NFKD, Lowercase, Strip, "
                        + "StripAccents, Prepend, Replace, Nmt, ByteLevel, Precompiled, BertNormalizer or Sequence")
            }
        }
        return steps
    }

    private static func replacement(_ step: JSONValue) throws(CLIPError) -> NormalizationStep {
        let content = scalars(step["content"]?.string ?? "")
        if let text = step["pattern"]?["String"]?.string, !text.isEmpty {
            return .replaceText(scalars(text), with: content)
        }
        let source = step["pattern"]?["Regex"]?.string ?? ""
        if let run = ScalarRun(pattern: source) { return .replaceRuns(run, with: content) }
        guard let pattern = ScalarPattern(source) else {
            throw fault(
                "normalizer Replace has the pattern \(quoted(source)), expected a text, a run of characters such as "
                    + "\\s+, or one that known tokenizers have")
        }
        return .replaceMatches(pattern, with: content)
    }

    private mutating func readCharacterMap(_ text: String?) throws(CLIPError) {
        guard let text, !text.isEmpty else { return }
        guard let bytes = bytesOfBase64(text.utf8), let map = CharacterMap.split(bytes[...]) else {
            throw TokenizerSteps.fault("\"precompiled_charsmap\" is no character map: it is damaged, fetch it again")
        }
        characterMap = map
    }

    static func splitting(_ value: JSONValue?) throws(CLIPError) -> [SplittingStep] {
        var steps: [SplittingStep] = []
        for step in list(value, "pretokenizers") {
            switch step["type"]?.string ?? "" {
            case "WhitespaceSplit": steps.append(.whiteSpace)
            case "BertPreTokenizer": steps += [.whiteSpace, .punctuation]
            case "Metaspace":
                let mark = scalars(step["replacement"]?.string ?? "▁")
                let scheme = step["prepend_scheme"]?.string ?? "always"
                let prefixes: [String: MetaspacePrefix] = ["always": .always, "first": .first, "never": .never]
                guard mark.count == 1, let prefix = prefixes[scheme] else {
                    throw fault(
                        "pre-tokenizer Metaspace has the scheme \(quoted(scheme)), expected always, first or never")
                }
                let addsPrefix = step["add_prefix_space"]?.bool ?? true
                steps.append(
                    .metaspace(
                        mark: mark[0], prefix: addsPrefix ? prefix : .never, splits: step["split"]?.bool ?? true))
            case "Split": steps.append(try split(step))
            case "CharDelimiterSplit":
                let delimiter = scalars(step["delimiter"]?.string ?? "")
                guard delimiter.count == 1 else {
                    throw fault("pre-tokenizer CharDelimiterSplit has a delimiter that is not one character")
                }
                steps.append(.delimiter(delimiter, .dropped))
            case "ByteLevel":
                if step["add_prefix_space"]?.bool ?? true { steps.append(.spaceInFront) }
                if step["use_regex"]?.bool ?? true, let pattern = ScalarPattern(byteLevelPattern) {
                    steps.append(.matches(pattern, .alone, isInverted: false))
                }
                steps.append(.bytes)
            case "Whitespace": steps.append(.words)
            case "Digits":
                let areAlone = step["individual_digits"]?.bool ?? false
                steps.append(.scalars(.numeral, areAlone ? .alone : .inRuns))
            case "Punctuation": steps.append(.scalars(.punctuation, try place(step, default: "Isolated")))
            case "FixedLength":
                guard let length = step["length"].map(\.int) ?? 5, (1...1 << 30).contains(length) else {
                    throw fault("pre-tokenizer FixedLength has a length that is no whole number above 0")
                }
                steps.append(.length(length))
            case let type:
                throw fault(
                    "pre-tokenizer \(quoted(type)) is not supported, expected ByteLevel, Split, Whitespace, "
                        + "WhitespaceSplit, BertPreTokenizer, Metaspace, Digits, Punctuation, CharDelimiterSplit, "
                        + "FixedLength or Sequence")
            }
        }
        return steps
    }

    /// What ByteLevel splits by (Radford et al., GPT-2, 2019).
    private static let byteLevelPattern =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    private static func place(
        _ step: JSONValue, default name: String? = nil
    ) throws(CLIPError) -> DelimiterPlace {
        let places: [String: DelimiterPlace] = [
            "Removed": .dropped, "Isolated": .alone, "MergedWithPrevious": .withPrevious,
            "MergedWithNext": .withNext, "Contiguous": .inRuns,
        ]
        let stated = step["behavior"]?.string ?? name ?? ""
        guard let place = places[stated] else {
            let type = step["type"]?.string ?? ""
            throw fault("pre-tokenizer \(type) has the behavior \(quoted(stated)): not supported")
        }
        return place
    }

    private static func split(_ step: JSONValue) throws(CLIPError) -> SplittingStep {
        let place = try place(step)
        let isInverted = step["invert"]?.bool ?? false
        if let text = step["pattern"]?["String"]?.string, !text.isEmpty {
            if !isInverted, place != .inRuns { return .delimiter(scalars(text), place) }
            return .matches(ScalarPattern(text: scalars(text)), place, isInverted: isInverted)
        }
        let source = step["pattern"]?["Regex"]?.string ?? ""
        guard let pattern = ScalarPattern(source) else {
            throw fault(
                "pre-tokenizer Split has the pattern \(quoted(source)), expected a text, or one that known tokenizers "
                    + "have")
        }
        return .matches(pattern, place, isInverted: isInverted)
    }
}

extension ScalarRun {
    /// Of a regular expression that says no more than which characters and how many: `\s+`, ` {2,}`, `[!"#]`.
    init?(pattern: String) {
        var rest = pattern.unicodeScalars[...]
        var scalars: [UInt32] = []
        var isSpace = false
        func escaped() -> Unicode.Scalar? {
            guard let scalar = rest.popFirst() else { return nil }
            return scalar == "\\" ? rest.popFirst() : scalar
        }
        switch rest.first {
        case "[":
            rest.removeFirst()
            guard rest.first != "^" else { return nil }
            while let first = rest.first, first != "]" {
                // A range, a class or another class inside.
                if first == "[" || first == "-" && !scalars.isEmpty { return nil }
                guard let scalar = escaped() else { return nil }
                if first == "\\", scalar.properties.isAlphabetic || scalar.properties.numericType != nil { return nil }
                scalars.append(scalar.value)
            }
            guard rest.popFirst() == "]", !scalars.isEmpty else { return nil }
        case "\\":
            guard let scalar = escaped() else { return nil }
            isSpace = scalar == "s"
            if !isSpace, scalar.properties.isAlphabetic || scalar.properties.numericType != nil { return nil }
            scalars = [scalar.value]
        case let scalar? where !".^$|?*+(){}".unicodeScalars.contains(scalar):
            scalars = [scalar.value]
            rest.removeFirst()
        default: return nil
        }
        members = isSpace ? .space : .scalars(scalars)
        switch String(rest) {
        case "": isGreedy = false
        case "+": break
        case let text where text.hasPrefix("{") && text.hasSuffix(",}"):
            guard let least = Int(text.dropFirst().dropLast(2)), (1...1 << 16).contains(least) else { return nil }
            shortest = least
        default: return nil
        }
    }
}

extension TokenizerSteps {
    /// What a post-processor puts before and after every text.
    /// - Parameter id: finds a token that the step names without its id.
    static func ends(
        _ value: JSONValue?, id: (String) -> UInt32?
    ) throws(CLIPError) -> (start: [UInt32], end: [UInt32]) {
        var ends: (start: [UInt32], end: [UInt32]) = ([], [])
        for step in list(value, "processors") {
            let type = step["type"]?.string ?? ""
            switch type {
            // It changes where tokens are said to be, not which there are.
            case "ByteLevel": break
            case "BertProcessing", "RobertaProcessing":
                guard let start = token(step["cls"]), let end = token(step["sep"]) else {
                    throw fault("post-processor \(type) has no \"cls\" or \"sep\" with a text and an id")
                }
                ends = ([start] + ends.start, ends.end + [end])
            case "TemplateProcessing":
                let parts = try templateEnds(step, id: id)
                ends = (parts.start + ends.start, ends.end + parts.end)
            default:
                throw fault(
                    "post-processor \(quoted(type)) is not supported, expected TemplateProcessing, RobertaProcessing, "
                        + "BertProcessing, ByteLevel or Sequence")
            }
        }
        return ends
    }

    private static func templateEnds(
        _ step: JSONValue, id: (String) -> UInt32?
    ) throws(CLIPError) -> (start: [UInt32], end: [UInt32]) {
        var ends: (start: [UInt32], end: [UInt32]) = ([], [])
        var texts: [String] = []
        for part in step["single"]?.array ?? [] {
            if let sequence = part["Sequence"] {
                texts.append(sequence["id"]?.string ?? "")
                continue
            }
            let name = part["SpecialToken"]?["id"]?.string ?? ""
            let stated = step["special_tokens"]?[name]?["ids"]?.array
            let found = stated?.map { $0.int.flatMap(UInt32.init(exactly:)) } ?? [id(name)]
            let tokens = found.compactMap { $0 }.filter { $0 < MergeTable.largestVocabulary }
            guard !name.isEmpty, tokens.count == found.count else {
                throw fault("post-processor TemplateProcessing names the token \(quoted(name)), which has no id")
            }
            if texts.isEmpty { ends.start += tokens } else { ends.end += tokens }
        }
        guard texts == ["A"] else {
            throw fault("post-processor TemplateProcessing has not the text once in \"single\": not supported")
        }
        return ends
    }

    /// A token as a list of its text and its id.
    private static func token(_ value: JSONValue?) -> UInt32? {
        guard let id = value?.array?.last?.int, (0..<MergeTable.largestVocabulary).contains(id) else { return nil }
        return UInt32(id)
    }
}
