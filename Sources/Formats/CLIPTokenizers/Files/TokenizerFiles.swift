internal import CLIPJSON
internal import CLIPSystem

/// The files of a tokenizer in the Hugging Face layout, as bytes. Either `tokenizerJSON`, or vocabulary and merges.
package struct TokenizerFiles {
    /// tokenizer.json: counts before vocab.json and merges.txt, as in transformers.
    package var tokenizerJSON: [UInt8]?
    /// vocab.json: an object, piece to id.
    package var vocabulary: [UInt8]?
    /// merges.txt: a pair of pieces a line, the first to be made first.
    package var merges: [UInt8]?
    /// tokenizer_config.json: names the special tokens, may bring added ones.
    package var configuration: [UInt8]?
    /// special_tokens_map.json: the same of older models.
    package var specialTokensMap: [UInt8]?
    /// added_tokens.json: the same of older models, an object, content to id.
    package var addedTokens: [UInt8]?

    /// spiece.model: a SentencePiece model, in place of all but `configuration`.
    package var sentencePiece: [UInt8]?
    /// sentencepiece.bpe.model: XLM-RoBERTa's SentencePiece model, in place of tokenizer.json.
    package var fairseqModel: [UInt8]?
    /// vocab.txt: BERT's vocabulary, in place of all but `configuration`.
    package var wordPieces: [UInt8]?

    /// `model_type` and `tokenizer_class` of config.json, which say whose rules count where tokenizer_config.json doesn't.
    package var modelType: String?
    package var modelConfigurationClass: String?

    package init(
        tokenizerJSON: [UInt8]? = nil, vocabulary: [UInt8]? = nil, merges: [UInt8]? = nil,
        configuration: [UInt8]? = nil, specialTokensMap: [UInt8]? = nil, addedTokens: [UInt8]? = nil,
        sentencePiece: [UInt8]? = nil, wordPieces: [UInt8]? = nil
    ) {
        self.tokenizerJSON = tokenizerJSON
        self.vocabulary = vocabulary
        self.merges = merges
        self.configuration = configuration
        self.specialTokensMap = specialTokensMap
        self.addedTokens = addedTokens
        self.sentencePiece = sentencePiece
        self.wordPieces = wordPieces
    }
}

/// Which tokens are special or added, gathered from a model's files by the rules of transformers.
struct SpecialTokens {
    struct Token: Equatable {
        var content: String
        var options: AddedToken.Options

        /// One that a file names by its text alone.
        init(special content: String) {
            self.content = content
            options = []
        }

        /// One that a file describes; nil if it has no content.
        init?(_ value: JSONValue, normalizedByDefault: Bool = true) {
            guard let content = value["content"]?.string else { return nil }
            self.content = content
            options = value["normalized"]?.bool ?? normalizedByDefault ? .normalized : []
            for (key, option) in [
                ("lstrip", AddedToken.Options.stripsLeft), ("rstrip", .stripsRight), ("single_word", .singleWord),
            ] where value[key]?.bool ?? false { options.insert(option) }
        }

        func spells(_ text: String) -> Bool { content.utf8.elementsEqual(text.utf8) }

        static func == (left: Token, right: Token) -> Bool {
            left.spells(right.content) && left.options == right.options
        }
    }

    private static let names = [
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
    ]
    /// In the order in which they get ids, if the vocabulary has none for them. Of two with one content the latter counts.
    private(set) var added: [Token] = []
    private var named: [String: Token] = [:]

    var start: String { named["bos_token"]?.content ?? "" }
    var end: String { named["eos_token"]?.content ?? "" }
    var unknown: String { named["unk_token"]?.content ?? "" }

    /// The token that is named so, such as "bos_token".
    func named(_ name: String) -> String? { named[name]?.content }

    /// - Parameter defaults: the names that no file needs to mention.
    init(_ files: TokenizerFiles, defaults: [String: String]) throws(CLIPError) {
        var fields = try object(files.configuration, "tokenizer_config.json") ?? [:]
        let extraKey = "extra_special_tokens"
        if fields[extraKey]?.array?.isEmpty ?? true { fields[extraKey] = fields["additional_special_tokens"] }
        // Only a name whose value is a plain string in tokenizer_config.json counts beyond the standard ones.
        let others = fields.keys.filter { $0.hasSuffix("_token") && fields[$0]?.string != nil }
            .filter { !SpecialTokens.names.contains($0) }.sorted()

        let described = try describedTokens(files, &fields)
        added = described
        for name in SpecialTokens.names {
            var token = fields[name].flatMap { Token($0) ?? $0.string.map(Token.init(special:)) }
            if token == nil { token = defaults[name].map(Token.init(special:)) }
            guard let token else { continue }
            named[name] = described.last { $0.spells(token.content) } ?? token
        }
        let extra = fields[extraKey]?.array ?? fields["additional_special_tokens"]?.array ?? []
        let candidates =
            SpecialTokens.names.compactMap { named[$0] }
            + others.compactMap { fields[$0]?.string.map(Token.init(special:)) }
            + extra.compactMap { Token($0) ?? $0.string.map(Token.init(special:)) }
        for token in candidates where !described.contains(where: { $0.spells(token.content) }) { added.append(token) }
        added.removeAll { $0.content.isEmpty }
    }

    /// The tokens that a file lists with an id, in order of the ids. Takes the names of special_tokens_map.json into
    /// `fields`, if no later file makes it void.
    private func describedTokens(
        _ files: TokenizerFiles, _ fields: inout [String: JSONValue]
    ) throws(CLIPError) -> [Token] {
        var byID: [Int: Token] = [:]
        func add(_ id: Int?, _ token: Token?, _ file: String) throws(CLIPError) {
            guard let id, let token else {
                throw CLIPError(
                    .model, path: file, "an added token has no whole number as its id or no \"content\", fetch it again"
                )
            }
            byID[id] = token
        }

        if let decoder = fields["added_tokens_decoder"]?.object {
            for (id, value) in decoder {
                try add(
                    Int(id), Token(value, normalizedByDefault: !(value["special"]?.bool ?? false)),
                    "tokenizer_config.json")
            }
        } else {
            for (key, value) in try object(files.specialTokensMap, "special_tokens_map.json") ?? [:] {
                fields[key] = value
            }
            let special = SpecialTokens.names.compactMap { fields[$0]?["content"]?.string ?? fields[$0]?.string }
            for (content, id) in try object(files.addedTokens, "added_tokens.json") ?? [:] {
                var token = Token(special: content)
                if !special.contains(where: { token.spells($0) }) { token.options = .normalized }
                try add(id.int, token, "added_tokens.json")
            }
            for value in try addedTokens(ofTokenizerJSON: files.tokenizerJSON) {
                try add(value["id"]?.int, Token(value), "tokenizer.json")
            }
        }
        return byID.sorted { $0.key < $1.key }.map(\.value)
    }
}

private func object(_ json: [UInt8]?, _ file: String) throws(CLIPError) -> [String: JSONValue]? {
    guard let json else { return nil }
    let value = try JSONValue(parsing: json, at: JSONPlace(file))
    guard let object = value.object else {
        throw CLIPError(.model, path: file, "is \(value.kindName), expected an object, fetch it again")
    }
    return object
}

/// The list "added_tokens" alone: the rest of the file is a megabyte of vocabulary.
private func addedTokens(ofTokenizerJSON json: [UInt8]?) throws(CLIPError) -> [JSONValue] {
    guard let json else { return [] }
    var scanner = JSONScanner(json, at: JSONPlace("tokenizer.json"))
    var isFirst = true
    try scanner.openObject()
    while let key = try scanner.nextKey(&isFirst) {
        if key.utf8.elementsEqual("added_tokens".utf8) { return try scanner.value().array ?? [] }
        try scanner.skipValue()
    }
    return []
}

/// The tokens that are looked for in a text, with the ids that the tokenizers library gives them.
struct AddedTokenList {
    private var vocabulary: PieceIndex
    private var ids: [[UInt8]: UInt32] = [:]
    private(set) var tokens: [UInt32: AddedToken] = [:]

    init(_ vocabulary: PieceIndex) { self.vocabulary = vocabulary }

    /// The id of a token by its text, whether added or a piece of the vocabulary.
    func id(_ content: String) -> UInt32? { ids[Array(content.utf8)] ?? vocabulary[content.utf8] }

    /// Adds tokens: one that the vocabulary has keeps its id, another gets the next. Of two that are alike the last counts.
    mutating func add(_ added: [SpecialTokens.Token]) {
        // One by one is only for a few.
        if added.count > 64 { vocabulary.hashAll() }
        let size = UInt32(truncatingIfNeeded: vocabulary.count)
        var next = max(size, tokens.keys.max().map { $0 + 1 } ?? 0)
        for token in added where !token.content.isEmpty {
            let content = Array(token.content.utf8)
            let id = self.id(token.content) ?? next
            if id == next { next += 1 }
            ids[content] = id
            tokens[id] = AddedToken(id: id, content: content, options: token.options)
        }
    }
}
