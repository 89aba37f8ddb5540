internal import JSON

extension SentencePieceTokenizer {
    /// A tokenizer from tokenizer.json: a unigram model, a byte-pair model of characters, or WordPiece.
    ///
    /// - Parameters:
    ///   - isLowercased: whether small letters are made first, whatever the file says: SigLIP 2 was trained so.
    ///   - wrapping: what open_clip does around it, if the model is one of its.
    /// - Throws: when the file is damaged, or describes steps that this can't do.
    package init(
        tokenizerJSON files: TokenizerFiles, isLowercased: Bool = false, wrapping: OpenCLIPWrapping? = nil
    ) throws(TokenizerError) {
        guard let json = files.tokenizerJSON else {
            throw TokenizerError(file: TokenizerJSON.file, problem: "is missing, fetch it")
        }
        var builder = try TokenizerJSON(json).builder(configuration: files.configuration)
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

extension SentencePieceTable {
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

    init(_ json: [UInt8]) throws(TokenizerError) {
        model.vocabularyFile = TokenizerJSON.file
        model.mergesFile = TokenizerJSON.file
        var scanner = JSONScanner(json)
        do throws(JSONFault) {
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
        } catch {
            throw TokenizerError(file: TokenizerJSON.file, problem: "byte \(error.offset): \(error.problem)")
        }
    }

    /// Whether the file holds words that end in `</w>`: CLIP's byte-level vocabulary, which `BytePairTokenizer` reads.
    ///
    /// Looks no further than it must: such a file may have 34 MB.
    static func isByteLevel(_ json: [UInt8]) -> Bool {
        var scanner = JSONScanner(json)
        var isFirst = true
        do throws(JSONFault) {
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

    private mutating func readModel(_ scanner: inout JSONScanner) throws(JSONFault) {
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
    private mutating func readScoredVocabulary(_ scanner: inout JSONScanner) throws(JSONFault) {
        var isFirst = true
        try scanner.openArray()
        while try scanner.nextElement(&isFirst) {
            let place = scanner.position
            var isFirstPart = true
            try scanner.openArray()
            guard try scanner.nextElement(&isFirstPart), case let piece = try scanner.stringBytes(),
                try scanner.nextElement(&isFirstPart), let score = try scanner.value().double,
                try !scanner.nextElement(&isFirstPart), scores.count < FlatLayout.largestVocabulary
            else { throw scanner.fault("expected a piece and its score", at: place) }
            model.vocabulary.insert(piece, id: UInt32(scores.count))
            scores.append(score)
        }
    }
}

extension TokenizerJSON {
    private func fault(_ problem: String) -> TokenizerError {
        TokenizerError(file: TokenizerJSON.file, problem: problem)
    }

    /// - Parameter configuration: tokenizer_config.json, which may say how texts begin and end.
    func builder(configuration json: [UInt8]?) throws(TokenizerError) -> SentencePieceTableBuilder {
        var builder = SentencePieceTableBuilder()
        switch modelFields["type"]?.string ?? "BPE" {
        case "Unigram": try readUnigram(into: &builder)
        case "BPE": try readBytePair(into: &builder)
        case "WordPiece": try readWordPiece(into: &builder)
        case let type:
            throw fault("the model is \(quoted(type)), expected \"Unigram\", \"BPE\" or \"WordPiece\"")
        }
        var steps = TokenizerSteps()
        builder.rules.partSteps = try steps.normalisation(fields["normalizer"])
        builder.characterMap = steps.characterMap
        builder.rules.splitting = try TokenizerSteps.splitting(fields["pre_tokenizer"])
        let added = try readAddedTokens(into: &builder)
        try readEnds(into: &builder, added: added, configuration: json)
        return builder
    }

    private func readUnigram(into builder: inout SentencePieceTableBuilder) throws(TokenizerError) {
        builder.rules.algorithm = .unigram
        let unknown = modelFields["unk_id"]?.int
        guard let unknown, scores.indices.contains(unknown) else {
            throw fault("\"unk_id\" of the model names no piece, expected 0 to \(scores.count - 1)")
        }
        builder.rules.unknown = UInt32(unknown)
        builder.rules.lowestScore = scores.min() ?? 0
        builder.pieces = pieces(count: scores.count)
        builder.scores = scores
        builder.searched = builder.pieces.indices.filter { builder.pieces[$0]?.isEmpty == false }.map { ($0, false) }
        if modelFields["byte_fallback"]?.bool ?? false { builder.byteTokens = byteTokens() }
    }

    private func readBytePair(into builder: inout SentencePieceTableBuilder) throws(TokenizerError) {
        builder.rules.algorithm = .bytePair
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
            guard modelFields[key]?.string ?? "" == "" else {
                throw fault("the model has a \(key), expected none in a vocabulary of characters")
            }
        }
        guard !(modelFields["ignore_merges"]?.bool ?? false) else {
            throw fault("the model ignores merges for whole words (ignore_merges): not supported")
        }
        if let unknown = modelFields["unk_token"]?.string {
            guard let id = model.vocabulary[unknown.utf8] else {
                throw fault("\"unk_token\" of the model, \(quoted(unknown)), is not in its vocabulary")
            }
            builder.rules.unknown = id
        }
        builder.rules.fusesUnknown = modelFields["fuse_unk"]?.bool ?? false
        builder.merges = try model.resolvedMerges()
        builder.pieces = pieces(count: model.vocabulary.end)
        if modelFields["byte_fallback"]?.bool ?? false { builder.byteTokens = byteTokens() }
    }

    private func readWordPiece(into builder: inout SentencePieceTableBuilder) throws(TokenizerError) {
        builder.rules.algorithm = .wordPiece
        guard modelFields["continuing_subword_prefix"]?.string ?? "##" == "##" else {
            throw fault("the model's continuing_subword_prefix is not \"##\": not supported")
        }
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
    }

    private func pieces(count: Int) -> [ArraySlice<UInt8>?] {
        var pieces = [ArraySlice<UInt8>?](repeating: nil, count: count)
        model.vocabulary.forEach { piece, id in pieces[Int(id)] = piece }
        return pieces
    }

    private func byteTokens() -> [UInt32] {
        (0..<256).map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return model.vocabulary["<0x\(byte < 16 ? "0" : "")\(digits)>".utf8] ?? SentencePieceTable.noToken
        }
    }

    /// - Returns: the added tokens that the vocabulary doesn't have.
    private func readAddedTokens(
        into builder: inout SentencePieceTableBuilder
    ) throws(TokenizerError) -> [String: UInt32] {
        var ids: [String: UInt32] = [:]
        var contents: Set<[UInt8]> = []
        for value in fields["added_tokens"]?.array ?? [] {
            guard let token = SpecialTokens.Token(value), let stated = value["id"]?.int,
                (0..<FlatLayout.largestVocabulary).contains(stated)
            else { throw fault("an added token has no whole number as its id or no \"content\", fetch it again") }
            let id = model.vocabulary[token.content.utf8] ?? UInt32(stated)
            ids[token.content] = id
            if Int(id) >= builder.pieces.count {
                builder.pieces += Array(repeating: nil, count: Int(id) + 1 - builder.pieces.count)
                if builder.rules.algorithm == .unigram {
                    builder.scores += Array(repeating: 0, count: builder.pieces.count - builder.scores.count)
                }
            }
            if builder.pieces[Int(id)] == nil { builder.pieces[Int(id)] = ArraySlice(token.content.utf8) }
            let kind: UInt8 = token.options.contains(.normalized) ? 1 : 0
            guard !token.content.isEmpty, contents.insert([kind] + token.content.utf8).inserted else { continue }
            builder.rules.addedTokens.append(
                AddedToken(id: id, content: Array(token.content.utf8), options: token.options))
        }
        return ids
    }

    /// What stands before and after every text: as the post-processor says, unless tokenizer_config.json says it.
    private func readEnds(
        into builder: inout SentencePieceTableBuilder, added: [String: UInt32], configuration json: [UInt8]?
    ) throws(TokenizerError) {
        let configuration: JSONValue
        do throws(JSONFault) {
            configuration = try json.map { bytes throws(JSONFault) in try JSONValue(parsing: bytes) } ?? .null
        } catch {
            throw TokenizerError(file: "tokenizer_config.json", problem: "byte \(error.offset): \(error.problem)")
        }
        func id(_ name: String) throws(TokenizerError) -> UInt32 {
            guard let id = added[name] ?? model.vocabulary[name.utf8] else {
                throw fault("has no token \(quoted(name)), which every text begins or ends with")
            }
            return id
        }
        func named(_ key: String) -> String? {
            configuration[key]?.string ?? configuration[key]?["content"]?.string
        }
        if let padding = named("pad_token") ?? fields["padding"]?["pad_token"]?.string {
            builder.rules.padding = try id(padding)
        }
        builder.separator = try? id(named("sep_token") ?? "[SEP]")
        let flags = (start: configuration["add_bos_token"]?.bool, end: configuration["add_eos_token"]?.bool)
        if flags.start != nil || flags.end != nil {
            if flags.start ?? false, let token = named("bos_token") { builder.rules.startTokens = [try id(token)] }
            if flags.end ?? false, let token = named("eos_token") { builder.rules.endTokens = [try id(token)] }
            return
        }
        for processor in TokenizerSteps.list(fields["post_processor"], "processors") {
            if processor["type"]?.string == "BertProcessing", let start = processor["cls"]?.array?.first?.string,
                let end = processor["sep"]?.array?.first?.string
            {
                builder.rules.startTokens.append(try id(start))
                builder.rules.endTokens.append(try id(end))
            }
            guard processor["type"]?.string == "TemplateProcessing" else { continue }
            var isBefore = true
            for part in processor["single"]?.array ?? [] {
                if part["Sequence"] != nil {
                    isBefore = false
                } else if let name = part["SpecialToken"]?["id"]?.string {
                    let token = try id(name)
                    if isBefore {
                        builder.rules.startTokens.append(token)
                    } else {
                        builder.rules.endTokens.append(token)
                    }
                }
            }
        }
    }
}
