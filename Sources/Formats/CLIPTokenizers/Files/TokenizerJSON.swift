internal import CLIPJSON
package import CLIPSystem

extension PipelineTokenizer {
    /// A tokenizer from tokenizer.json: a unigram model, a byte-pair model of characters, or WordPiece.
    ///
    /// - Parameters:
    ///   - isLowercased: whether small letters are made first, whatever the file says: SigLIP 2 was trained so.
    ///   - wrapping: what open_clip does around it, if the model is one of its.
    /// - Throws: when the file is damaged, or describes steps that this can't do.
    package init(
        tokenizerJSON files: TokenizerFiles, isLowercased: Bool = false, wrapping: OpenCLIPWrapping? = nil
    ) throws(CLIPError) {
        guard let json = files.tokenizerJSON else {
            throw CLIPError(.model, path: TokenizerJSON.file, "is missing, fetch it")
        }
        let kind = try TokenizerClass(files, isByteLevel: TokenizerJSON.isByteLevel(json))
        try self.init(
            try TokenizerJSON(json, files, kind), isLowercased: isLowercased, wrapping: wrapping)
    }

    init(
        _ json: TokenizerJSON, isLowercased: Bool = false, wrapping: OpenCLIPWrapping? = nil
    ) throws(CLIPError) {
        var builder = try json.builder()
        if isLowercased, !builder.rules.partSteps.contains(.lowercase) {
            builder.rules.partSteps.insert(.lowercase, at: 0)
        }
        wrapping?.wrap(&builder.rules, separator: builder.separator)
        var table = try builder.build(file: TokenizerJSON.file)
        if builder.rules.addedTokens.contains(where: { $0.options.contains(.normalized) }) {
            builder.rules.addedTokens = table.normalizedAddedTokens()
            table = try builder.build(file: TokenizerJSON.file)
        }
        self.init(table)
    }
}

extension PipelineTable {
    /// The added tokens, those that are looked for in normalised text as they look there. Of two that look alike the first
    /// counts.
    fileprivate func normalizedAddedTokens() -> [AddedToken] {
        var contents: Set<[UInt8]> = []
        var tokens: [AddedToken] = []
        for var token in rules.addedTokens {
            if token.options.contains(.normalized) {
                var text = String(decoding: token.content, as: UTF8.self).unicodeScalars.map {
                    Element(scalar: $0.value, offset: 0)
                }
                for step in rules.partSteps { apply(step, to: &text) }
                var bytes = CleanedText()
                bytes.reset(source: 0)
                for element in text { bytes.append(element.scalar, source: 0) }
                token.content = bytes.bytes
                guard !token.content.isEmpty, contents.insert(token.content).inserted else { continue }
            }
            tokens.append(token)
        }
        return tokens
    }
}

/// The whole of a tokenizer.json, as the tokenizers library writes it.
struct TokenizerJSON {
    static let file = "tokenizer.json"

    /// Vocabulary and merges of a byte-pair model, or the vocabulary of a unigram one.
    var model = BytePairModel()
    /// Of a unigram model, by id.
    var scores: [Double] = []
    /// Everything of the model but vocabulary and merges.
    var modelFields: [String: JSONValue] = [:]
    var fields: [String: JSONValue] = [:]
    /// Added tokens, and those that a name stands for, by all of the tokenizer's files.
    private(set) var added = AddedTokenList(PieceIndex())
    private var names: SpecialTokens?

    /// Everything that the files say, by the rules of a class.
    init(_ json: [UInt8], _ files: TokenizerFiles, _ kind: TokenizerClass) throws(CLIPError) {
        try self.init(json)
        try files.refuseOtherSides()
        for (key, problem) in [("truncation", "cuts texts"), ("padding", "fills texts up")]
        where fields[key]?["direction"]?.string == "Left" {
            throw fault("\(key) \(problem) at the left (direction): not supported")
        }
        let special = try SpecialTokens(files, defaults: kind.defaults)
        kind.replaceSteps(of: &self, configuration: try files.configurationFields(), names: special.named)
        added = AddedTokenList(model.vocabulary)
        if kind == .file { added.add(try statedTokens()) }
        added.add(special.added)
        names = special
    }

    /// What the file itself says, no other beside it.
    init(_ json: [UInt8]) throws(CLIPError) {
        model.vocabularyFile = TokenizerJSON.file
        model.mergesFile = TokenizerJSON.file
        var scanner = JSONScanner(json, at: JSONPlace(TokenizerJSON.file))
        var isFirst = true
        try scanner.openObject()
        while let key = try scanner.nextKey(&isFirst) {
            if key.utf8.elementsEqual("model".utf8) {
                try readModel(&scanner)
            } else {
                fields[key] = try scanner.value()
            }
        }
        try scanner.end()
    }

    /// Whether the file holds words that end in `</w>`: CLIP's byte-level vocabulary, which `BytePairTokenizer` reads.
    ///
    /// Looks no further than it must: such a file may have 34 MB.
    static func isByteLevel(_ json: [UInt8]) -> Bool {
        var scanner = JSONScanner(json, at: JSONPlace(TokenizerJSON.file))
        var isFirst = true
        do throws(CLIPError) {
            try scanner.openObject()
            while let key = try scanner.nextKey(&isFirst) {
                guard key == "model" else {
                    try scanner.skipValue()
                    continue
                }
                var isFirstField = true
                try scanner.openObject()
                while let field = try scanner.nextKey(&isFirstField) {
                    switch field {
                    case "end_of_word_suffix": return try scanner.value().string == "</w>"
                    case "byte_fallback": if try scanner.value().bool == true { return false }
                    case "type": if try scanner.value().string != "BPE" { return false }
                    default: try scanner.skipValue()
                    }
                }
                return true
            }
        } catch {
            return true
        }
        return true
    }

    private mutating func readModel(_ scanner: inout JSONScanner) throws(CLIPError) {
        var isFirst = true
        try scanner.openObject()
        while let key = try scanner.nextKey(&isFirst) {
            switch key {
            case "vocab":
                guard model.vocabulary.count == 0 else { throw scanner.fault("\"vocab\" is there twice") }
                if try scanner.peek() == UInt8(ascii: "[") {
                    try readScoredVocabulary(&scanner)
                } else {
                    try model.readVocabulary(&scanner)
                }
            case "merges":
                guard model.merges.isEmpty else { throw scanner.fault("\"merges\" is there twice") }
                try model.readMerges(&scanner)
            default: modelFields[key] = try scanner.value()
            }
        }
    }

    /// A unigram vocabulary: lists of a piece and its score, in order of the ids.
    private mutating func readScoredVocabulary(_ scanner: inout JSONScanner) throws(CLIPError) {
        var isFirst = true
        try scanner.openArray()
        // A piece and its score take some forty bytes.
        model.vocabulary.reserve(scanner.remainingCount / 40)
        scores.reserveCapacity(scanner.remainingCount / 40)
        while try scanner.nextElement(&isFirst) {
            let place = scanner.position
            var isFirstPart = true
            try scanner.openArray()
            guard try scanner.nextElement(&isFirstPart), case let piece = try scanner.stringBytes(),
                try scanner.nextElement(&isFirstPart), let score = try scanner.number(),
                try !scanner.nextElement(&isFirstPart), scores.count < MergeTable.largestVocabulary
            else { throw scanner.fault("expected a piece and its score", at: place) }
            model.vocabulary.append(piece, id: UInt32(scores.count))
            scores.append(score)
        }
    }
}

extension TokenizerJSON {
    private func fault(_ problem: String) -> CLIPError {
        CLIPError(.model, path: TokenizerJSON.file, problem)
    }

    func builder() throws(CLIPError) -> PipelineTableBuilder {
        var builder = PipelineTableBuilder()
        switch modelFields["type"]?.string ?? "BPE" {
        case "Unigram": try readUnigram(into: &builder)
        case "BPE": try readBytePair(into: &builder)
        case "WordPiece": try readWordPiece(into: &builder)
        case "WordLevel": try readWordLevel(into: &builder)
        case let type:
            throw fault("the model is \(quoted(type)), expected \"Unigram\", \"BPE\", \"WordPiece\" or \"WordLevel\"")
        }
        var steps = TokenizerSteps()
        builder.rules.partSteps = try steps.normalisation(fields["normalizer"])
        builder.characterMap = steps.characterMap
        builder.rules.splitting = try TokenizerSteps.splitting(fields["pre_tokenizer"])
        putAddedTokens(into: &builder)
        let ends = try ends()
        (builder.rules.startTokens, builder.rules.endTokens) = (ends.start, ends.end)
        let padding = names?.named("pad_token") ?? fields["padding"]?["pad_token"]?.string
        builder.rules.padding = padding.flatMap(added.id)
        builder.separator = added.id(names?.named("sep_token") ?? "[SEP]")
        return builder
    }

    func ends() throws(CLIPError) -> (start: [UInt32], end: [UInt32]) {
        try TokenizerSteps.ends(fields["post_processor"], id: added.id)
    }

    private func readUnigram(into builder: inout PipelineTableBuilder) throws(CLIPError) {
        builder.rules.algorithm = .unigram
        let unknown = modelFields["unk_id"]?.int
        guard let unknown, scores.indices.contains(unknown) else {
            throw fault("\"unk_id\" of the model names no piece, expected 0 to \(scores.count - 1)")
        }
        builder.rules.unknown = UInt32(unknown)
        builder.rules.lowestScore = scores.min() ?? 0
        builder.pieces = PieceList(model.vocabulary, count: scores.count)
        builder.scores = scores
        builder.searchAllPieces()
        if modelFields["byte_fallback"]?.bool ?? false { builder.byteTokens = byteTokens() }
    }

    private func readBytePair(into builder: inout PipelineTableBuilder) throws(CLIPError) {
        builder.rules.algorithm = .bytePair
        if let dropout = modelFields["dropout"]?.double, dropout > 0 {
            throw fault("the model leaves out merges at random (dropout \(dropout)): not supported")
        }
        builder.rules.continuingPrefix = Array((modelFields["continuing_subword_prefix"]?.string ?? "").utf8)
        builder.rules.endOfWordSuffix = Array((modelFields["end_of_word_suffix"]?.string ?? "").utf8)
        builder.rules.takesWholeWords = modelFields["ignore_merges"]?.bool ?? false
        if let unknown = modelFields["unk_token"]?.string {
            guard let id = model.vocabulary[unknown.utf8] else {
                throw fault("\"unk_token\" of the model, \(quoted(unknown)), is not in its vocabulary")
            }
            builder.rules.unknown = id
        }
        builder.rules.fusesUnknown = modelFields["fuse_unk"]?.bool ?? false
        builder.merges = try model.resolvedMerges(prefix: builder.rules.continuingPrefix)
        builder.pieces = PieceList(model.vocabulary, count: model.vocabulary.end)
        if builder.rules.takesWholeWords { builder.searchAllPieces() }
        if modelFields["byte_fallback"]?.bool ?? false { builder.byteTokens = byteTokens() }
    }

    private func readWordPiece(into builder: inout PipelineTableBuilder) throws(CLIPError) {
        builder.rules.algorithm = .wordPiece
        guard let unknown = model.vocabulary[(modelFields["unk_token"]?.string ?? "[UNK]").utf8] else {
            throw fault("\"unk_token\" of the model is not in its vocabulary")
        }
        builder.rules.unknown = unknown
        let longest = modelFields["max_input_chars_per_word"] ?? .number(100)
        guard let longest = longest.int, (0...1 << 30).contains(longest) else {
            throw fault("\"max_input_chars_per_word\" of the model is no whole number")
        }
        builder.rules.longestWord = longest
        builder.setWordPieces(model.vocabulary)
        if let prefix = modelFields["continuing_subword_prefix"]?.string {
            builder.rules.continuingPrefix = Array(prefix.utf8)
        }
    }

    private func readWordLevel(into builder: inout PipelineTableBuilder) throws(CLIPError) {
        builder.rules.algorithm = .wordLevel
        guard let unknown = model.vocabulary[(modelFields["unk_token"]?.string ?? "<unk>").utf8] else {
            throw fault("\"unk_token\" of the model is not in its vocabulary")
        }
        builder.rules.unknown = unknown
        builder.pieces = PieceList(model.vocabulary, count: model.vocabulary.end)
        builder.searchAllPieces()
    }

    private func byteTokens() -> [UInt32] {
        (0..<256).map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return model.vocabulary["<0x\(byte < 16 ? "0" : "")\(digits)>".utf8] ?? PipelineTable.noToken
        }
    }

    /// The file's list "added_tokens", in its order.
    private func statedTokens() throws(CLIPError) -> [SpecialTokens.Token] {
        var tokens: [SpecialTokens.Token] = []
        for value in fields["added_tokens"]?.array ?? [] {
            guard let token = SpecialTokens.Token(value), value["id"]?.int != nil else {
                throw fault("an added token has no whole number as its id or no \"content\", fetch it again")
            }
            tokens.append(token)
        }
        return tokens
    }

    private func putAddedTokens(into builder: inout PipelineTableBuilder) {
        var contents: Set<[UInt8]> = []
        for token in added.tokens.values.sorted(by: { $0.id < $1.id }) {
            let id = Int(token.id)
            if id >= builder.pieces.count {
                builder.pieces.grow(to: id + 1)
                if builder.rules.algorithm == .unigram {
                    builder.scores += Array(repeating: 0, count: builder.pieces.count - builder.scores.count)
                }
            }
            if builder.pieces.range(id) == nil { builder.pieces.set(id, token.content) }
            let kind: UInt8 = token.options.contains(.normalized) ? 1 : 0
            if contents.insert([kind] + token.content).inserted { builder.rules.addedTokens.append(token) }
        }
    }
}

extension TokenizerJSON {
    /// The tables for `BytePairTokenizer`, if the steps are CLIP's; nil if they are others.
    func bytePairBuilder() throws(CLIPError) -> BytePairTableBuilder? {
        guard modelFields["type"]?.string ?? "BPE" == "BPE", modelFields["end_of_word_suffix"]?.string == "</w>",
            modelFields["continuing_subword_prefix"]?.string ?? "" == "",
            modelFields["dropout"]?.double ?? 0 == 0,
            !["fuse_unk", "byte_fallback", "ignore_merges"].contains(where: { modelFields[$0]?.bool ?? false })
        else { return nil }
        var steps = TokenizerSteps()
        guard try steps.normalisation(fields["normalizer"]) == TokenizerSteps.clipNormalisation,
            try TokenizerSteps.splitting(fields["pre_tokenizer"]) == TokenizerSteps.clipSplitting,
            case let ends = try ends(), ends.start.count == 1, ends.end.count == 1,
            let symbols = model.byteSymbols(
                unknown: modelFields["unk_token"]?.string.flatMap { model.vocabulary[$0.utf8] })
        else { return nil }
        return try model.builder(symbols, added, start: ends.start[0], end: ends.end[0], cleaning: .transformers)
    }
}

/// Whose rules count: those of tokenizer.json, or those of a class of transformers that takes only the vocabulary from
/// it, and builds the rest anew.
package enum TokenizerClass: String {
    /// The file's own: this one's, TokenizersBackend's, and those of classes that aren't known here.
    case file = "PreTrainedTokenizerFast"
    case clip = "CLIPTokenizer"
    case bert = "BertTokenizer"
    case xlmRoberta = "XLMRobertaTokenizer"
    case t5 = "T5Tokenizer"
    case gemma = "GemmaTokenizer"
    case siglip2 = "Siglip2Tokenizer"
    /// Begins every text with its language's token.
    case nllb = "NllbTokenizer"

    /// What `tokenizer_class` names, without the ending of classes that are one with the others today.
    package static func name(_ stated: String) -> String {
        stated.hasSuffix("Fast") && stated != TokenizerClass.file.rawValue ? String(stated.dropLast(4)) : stated
    }

    /// As transformers' AutoTokenizer chooses.
    /// - Parameter isByteLevel: whether the file holds CLIP's kind of vocabulary, for folders that name no class.
    init(_ files: TokenizerFiles, isByteLevel: Bool) throws(CLIPError) {
        let configuration = try files.configurationFields()
        let stated = configuration["tokenizer_class"]?.string ?? files.modelConfigurationClass
        switch files.modelType {
        // The hub's models of this type name a wrong class, which transformers doesn't heed.
        case "siglip2": self = .siglip2
        case _ where stated != nil: self = stated.flatMap { Self(rawValue: Self.name($0)) } ?? .file
        case _ where isByteLevel: self = .clip
        case "metaclip_2": self = .xlmRoberta
        case "chinese_clip": self = .bert
        default: self = .file
        }
    }

    /// The special tokens that no file needs to name.
    var defaults: [String: String] {
        switch self {
        case .file: [:]
        case .clip:
            [
                "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
                "pad_token": "<|endoftext|>",
            ]
        case .bert:
            [
                "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
                "mask_token": "[MASK]",
            ]
        case .xlmRoberta, .nllb:
            [
                "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>",
                "pad_token": "<pad>", "mask_token": "<mask>",
            ]
        case .t5: ["eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"]
        case .gemma, .siglip2:
            [
                "unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>",
                "mask_token": "<mask>",
            ]
        }
    }

    /// Which kind of model the class makes of a vocabulary; nil when it takes the file's.
    private var modelType: String? {
        switch self {
        case .file: nil
        case .clip, .gemma, .siglip2, .nllb: "BPE"
        case .bert: "WordPiece"
        case .xlmRoberta, .t5: "Unigram"
        }
    }

    /// Puts the class's own steps in place of the file's. A file of another kind of model keeps its steps.
    /// - Parameter names: the special tokens by name.
    func replaceSteps(
        of json: inout TokenizerJSON, configuration: [String: JSONValue], names: (String) -> String?
    ) {
        guard let modelType, json.modelFields["type"]?.string == modelType else { return }
        func step(_ type: String, _ fields: [String: JSONValue] = [:]) -> JSONValue {
            .object(fields.merging(["type": .string(type)]) { $1 })
        }
        func setting(_ key: String, default value: JSONValue) -> JSONValue {
            configuration[key].map { $0.isNull ? value : $0 } ?? value
        }
        func template(_ start: String?, _ end: String?) -> JSONValue {
            func token(_ name: String?) -> [JSONValue] {
                name.map { [.object(["SpecialToken": .object(["id": .string($0)])])] } ?? []
            }
            return step(
                "TemplateProcessing",
                ["single": .array(token(start) + [.object(["Sequence": .object(["id": .string("A")])])] + token(end))])
        }
        let unknown = names("unk_token").map { JSONValue.string($0) } ?? .null
        switch self {
        case .file, .clip: return
        case .bert:
            json.modelFields["unk_token"] = unknown
            json.modelFields["continuing_subword_prefix"] = .string("##")
            json.modelFields["max_input_chars_per_word"] = .number(100)
            json.fields["normalizer"] = step(
                "BertNormalizer",
                [
                    "clean_text": .bool(true),
                    "handle_chinese_chars": setting("tokenize_chinese_chars", default: .bool(true)),
                    "strip_accents": setting("strip_accents", default: .null),
                    "lowercase": setting("do_lower_case", default: .bool(true)),
                ])
            json.fields["pre_tokenizer"] = step("BertPreTokenizer")
            json.fields["post_processor"] = template(names("cls_token"), names("sep_token"))
        case .nllb:
            json.modelFields["unk_token"] = unknown
            json.modelFields["fuse_unk"] = .bool(true)
            json.modelFields["byte_fallback"] = .bool(false)
            json.fields["pre_tokenizer"] = step("Metaspace", ["prepend_scheme": .string("always")])
            let language = configuration["src_lang"]?.string ?? "eng_Latn"
            json.fields["post_processor"] =
                configuration["legacy_behaviour"]?.bool ?? false
                ? step(
                    "TemplateProcessing",
                    [
                        "single": .array([
                            .object(["Sequence": .object(["id": .string("A")])]),
                            .object(["SpecialToken": .object(["id": .string(names("eos_token") ?? "</s>")])]),
                            .object(["SpecialToken": .object(["id": .string(language)])]),
                        ])
                    ]) : template(language, names("eos_token"))
        case .xlmRoberta, .t5:
            json.modelFields["unk_id"] = .number(self == .t5 ? 2 : 3)
            json.modelFields["byte_fallback"] = .bool(false)
            json.fields["normalizer"] = TokenizerSteps.list(json.fields["normalizer"], "normalizers").first {
                $0["type"]?.string == "Precompiled"
            }
            let addsPrefix = self == .t5 || setting("add_prefix_space", default: .bool(true)).bool ?? true
            json.fields["pre_tokenizer"] = step(
                "Sequence",
                [
                    "pretokenizers": .array([
                        step("WhitespaceSplit"),
                        step("Metaspace", ["prepend_scheme": .string(addsPrefix ? "always" : "never")]),
                    ])
                ])
            json.fields["post_processor"] = template(self == .t5 ? nil : names("bos_token"), names("eos_token"))
        case .gemma, .siglip2:
            json.modelFields = [
                "type": .string("BPE"), "unk_token": unknown, "fuse_unk": .bool(true), "byte_fallback": .bool(true),
            ]
            let mark = step(
                "Replace", ["pattern": .object(["String": .string(" ")]), "content": .string("\u{2581}")])
            json.fields["normalizer"] =
                self == .gemma ? mark : step("Sequence", ["normalizers": .array([step("Lowercase"), mark])])
            json.fields["pre_tokenizer"] = step(
                "Split",
                [
                    "pattern": .object(["String": .string(" ")]), "behavior": .string("MergedWithPrevious"),
                    "invert": .bool(false),
                ])
        }
    }
}

extension TokenizerFiles {
    /// The fields of tokenizer_config.json.
    func configurationFields() throws(CLIPError) -> [String: JSONValue] {
        guard let configuration else { return [:] }
        return try JSONValue(parsing: configuration, at: JSONPlace("tokenizer_config.json")).object ?? [:]
    }

    /// - Throws: when texts are cut or filled up at the left, or special tokens in a text are no tokens.
    func refuseOtherSides() throws(CLIPError) {
        let fields = try configurationFields()
        func fault(_ key: String, _ problem: String) -> CLIPError {
            CLIPError(.model, path: "tokenizer_config.json", "\(key) \(problem): not supported")
        }
        if fields["truncation_side"]?.string == "left" { throw fault("truncation_side", "is left") }
        if fields["split_special_tokens"]?.bool ?? false { throw fault("split_special_tokens", "is true") }
    }
}
