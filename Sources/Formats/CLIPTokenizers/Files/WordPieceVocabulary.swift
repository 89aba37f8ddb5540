internal import CLIPJSON
package import CLIPSystem

extension PipelineTokenizer {
    /// BERT's tokenizer from its vocabulary, a piece a line (vocab.txt): small letters without accents, words and signs,
    /// each cut into the longest pieces there are.
    /// - Parameter wrapping: what open_clip does around it, if the model is one of its.
    /// - Throws: when a special token is not in the vocabulary.
    package init(wordPiece files: TokenizerFiles, wrapping: OpenCLIPWrapping? = nil) throws(CLIPError) {
        guard let text = files.wordPieces else {
            throw CLIPError(.model, path: WordPieces.file, "is missing, fetch it")
        }
        let vocabulary = WordPieces(text)
        let named = try BERTTokens(configuration: files.configuration)
        var builder = PipelineTableBuilder()
        builder.rules.algorithm = .wordPiece
        builder.rules.partSteps = [.bert(named.cleaning)] + (named.isLowercased ? [.lowercase] : [])
        builder.rules.splitting = [.whiteSpace, .punctuation]
        func id(_ token: String) throws(CLIPError) -> UInt32 {
            guard let id = vocabulary.ids[token.utf8] else {
                throw CLIPError(
                    .model, path: WordPieces.file,
                    "has no token \(quoted(token)): it is not of this model, fetch both again")
            }
            return id
        }
        builder.rules.unknown = try id(named.unknown)
        builder.rules.startTokens = [try id(named.start)]
        builder.rules.endTokens = [try id(named.end)]
        builder.rules.padding = try id(named.padding)
        var contents: Set<[UInt8]> = []
        for token in [named.padding, named.unknown, named.start, named.end, named.mask] {
            let bytes = Array(token.utf8)
            guard let id = vocabulary.ids[bytes], contents.insert(bytes).inserted else { continue }
            builder.rules.addedTokens.append(AddedToken(id: id, content: bytes, options: []))
        }
        wrapping?.wrap(&builder.rules, separator: builder.rules.endTokens.last)
        builder.setWordPieces(vocabulary.ids)
        self.init(try builder.build(file: WordPieces.file))
    }
}

extension PipelineTableBuilder {
    /// Pieces that texts are cut into by the longest.
    mutating func setWordPieces(_ ids: PieceIndex) {
        rules.continuingPrefix = PipelineRules.wordPiecePrefix
        pieces = PieceList(ids, count: ids.end)
        searchAllPieces()
    }

    mutating func searchAllPieces() {
        searched = (0..<pieces.count).filter { pieces.range($0)?.isEmpty == false }.map { ($0, false) }
    }
}

/// vocab.txt: a piece a line, its id the number of the line.
private struct WordPieces {
    static let file = "vocab.txt"

    /// Of a piece that is there twice the last line counts.
    var ids = PieceIndex()

    init(_ text: [UInt8]) {
        let text = text.last == 0x0A ? text.dropLast() : text[...]
        for (id, line) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            ids.insert(line.last == 0x0D ? line.dropLast() : line, id: UInt32(truncatingIfNeeded: id))
        }
    }
}

/// What BertTokenizer takes for special tokens, and how it cleans.
private struct BERTTokens {
    var start = "[CLS]"
    var end = "[SEP]"
    var padding = "[PAD]"
    var unknown = "[UNK]"
    var mask = "[MASK]"
    var isLowercased = true
    var cleaning = BERTCleaning.all

    init(configuration json: [UInt8]?) throws(CLIPError) {
        guard let json else { return }
        let fields = try JSONValue(parsing: json, at: JSONPlace("tokenizer_config.json"))
        func name(_ key: String) -> String? { fields[key]?.string ?? fields[key]?["content"]?.string }
        start = name("cls_token") ?? start
        end = name("sep_token") ?? end
        padding = name("pad_token") ?? padding
        unknown = name("unk_token") ?? unknown
        mask = name("mask_token") ?? mask
        isLowercased = fields["do_lower_case"]?.bool ?? true
        if !(fields["strip_accents"]?.bool ?? isLowercased) { cleaning.remove(.plainLetters) }
        if !(fields["tokenize_chinese_chars"]?.bool ?? true) { cleaning.remove(.splitIdeographs) }
    }
}
