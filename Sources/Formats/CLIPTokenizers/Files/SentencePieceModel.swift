internal import CLIPJSON
package import CLIPSystem

extension PipelineTokenizer {
    /// SigLIP's tokenizer, as transformers' SiglipTokenizer: small letters, no ASCII punctuation, single spaces, then
    /// the unigram model of spiece.model.
    /// - Parameter wrapping: what open_clip does around it, if the model is one of its.
    /// - Throws: when the model is damaged, or has no end token.
    package init(siglip files: TokenizerFiles, wrapping: OpenCLIPWrapping? = nil) throws(CLIPError) {
        guard let bytes = files.sentencePiece else {
            throw CLIPError(.model, path: SentencePieceModel.file, "is missing, fetch it")
        }
        let model = try SentencePieceModel(bytes)
        var builder = try model.builder()
        let named = try SigLIPTokens(configuration: files.configuration)
        func id(_ token: String) throws(CLIPError) -> UInt32 {
            guard let id = model.pieces.lastIndex(where: { $0.bytes.elementsEqual(token.utf8) }) else {
                throw CLIPError(
                    .model, path: SentencePieceModel.file,
                    "has no token \(quoted(token)): it is not of this model, fetch both again")
            }
            return UInt32(id)
        }
        let (end, padding, unknown) = (try id(named.end), try id(named.padding), try id(named.unknown))
        builder.rules.endTokens = [end]
        builder.rules.endsOnce = true
        builder.rules.padding = padding
        // Each strips the white space at its sides.
        var contents: Set<[UInt8]> = []
        for (token, id) in [(named.end, end), (named.padding, padding), (named.unknown, unknown)]
        where contents.insert(Array(token.utf8)).inserted {
            builder.rules.addedTokens.append(
                AddedToken(id: id, content: Array(token.utf8), options: [.stripsLeft, .stripsRight]))
        }
        let mark = [PipelineTable.spaceMark]
        builder.rules.textSteps = [.replaceText(mark, with: [0x20]), .prepend(mark)]
        builder.rules.partSteps =
            (named.isLowercased ? [.pythonLowercase] : []) + [
                .replaceRuns(.punctuation, with: []),
                .replaceRuns(ScalarRun(members: .pythonSpace), with: [0x20]),
                .strip(left: true, right: true, isPython: true),
                // The unknown token is put in front, so that SentencePiece doesn't strip the mark of the first space.
                .prepend(named.unknown.unicodeScalars.map(\.value)),
                .sentencePiece(model.spaces),
            ]
        builder.rules.hidesPrefix = true
        wrapping?.wrap(&builder.rules, separator: nil)
        self.init(try builder.build(file: SentencePieceModel.file))
    }
}

extension TokenizerFiles {
    /// What sentencepiece.bpe.model becomes in XLMRobertaTokenizer, as a tokenizer.json: fairseq's four special tokens stand
    /// before the pieces, whose own three are left out, and <mask> behind them.
    /// - Throws: when it is damaged, or has other special tokens.
    static func tokenizerJSON(fairseq bytes: [UInt8]) throws(CLIPError) -> [UInt8] {
        do throws(CLIPError) {
            let model = try SentencePieceModel(bytes)
            let own = model.pieces.prefix(3).map { String(decoding: $0.bytes, as: UTF8.self) }
            let others = model.pieces.dropFirst(3)
            guard own == ["<unk>", "<s>", "</s>"], others.allSatisfy({ $0.kind == .normal }) else {
                throw CLIPError(
                    .model, path: SentencePieceModel.file,
                    "has other special tokens than <unk>, <s> and </s>, expected XLM-RoBERTa's model: fetch the model's "
                        + "tokenizer.json")
            }
            let special = ["<s>", "<pad>", "</s>", "<unk>"]
            let pieces =
                special.map { ($0, 0) }
                + others.map { (String(decoding: $0.bytes, as: UTF8.self), Double($0.score)) } + [("<mask>", 0)]
            let added = (special + ["<mask>"]).enumerated().map { index, token in
                let isMask = index == special.count
                return "{\"id\":\(isMask ? pieces.count - 1 : index),\"content\":\"\(token)\",\"special\":true,"
                    + "\"single_word\":false,\"lstrip\":\(isMask),\"rstrip\":false,\"normalized\":\(isMask)}"
            }
            let map =
                model.characterMap.isEmpty
                ? "null"
                : "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"\(base64OfBytes(Array(model.characterMap)))\"}"
            let vocabulary = pieces.map { "[\(jsonString($0.0)),\($0.1)]" }.joined(separator: ",")
            return Array(
                "{\"added_tokens\":[\(added.joined(separator: ","))],\"normalizer\":\(map),\"model\":{\"type\":\"Unigram\","
                    .utf8) + Array("\"unk_id\":3,\"vocab\":[\(vocabulary)]}}".utf8)
        } catch {
            throw error.at("sentencepiece.bpe.model")
        }
    }
}

/// What SiglipTokenizer takes for special tokens.
private struct SigLIPTokens {
    var end = "</s>"
    var padding = "</s>"
    var unknown = "<unk>"
    var isLowercased = true

    init(configuration json: [UInt8]?) throws(CLIPError) {
        guard let json else { return }
        let fields = try JSONValue(parsing: json, at: JSONPlace("tokenizer_config.json"))
        func name(_ key: String) -> String? { fields[key]?.string ?? fields[key]?["content"]?.string }
        end = name("eos_token") ?? end
        padding = name("pad_token") ?? padding
        unknown = name("unk_token") ?? unknown
        isLowercased = fields["do_lower_case"]?.bool ?? true
    }
}

/// A SentencePiece model as its file gives it (`sentencepiece_model.proto`).
private struct SentencePieceModel {
    /// What a piece is for. Raw values are the file's.
    enum Kind: UInt64 {
        case normal = 1
        case unknown = 2
        case control = 3
        case userDefined = 4
        case unused = 5
        case byte = 6
    }

    struct Piece {
        var bytes: ArraySlice<UInt8> = []
        var score: Float = 0
        var kind = Kind.normal
    }

    private(set) var pieces: [Piece] = []
    private(set) var characterMap: ArraySlice<UInt8> = []
    private(set) var spaces: SentencePieceSpaces = [.addsPrefix, .removesExtra, .escapes]
    private(set) var hasByteFallback = false
    private var algorithm: UInt64 = 1

    static let file = "spiece.model"

    /// - Throws: when it is damaged, or no unigram model.
    init(_ bytes: [UInt8]) throws(CLIPError) {
        var reader = ProtobufReader(bytes[...])
        while let (number, value) = try reader.next() {
            guard case .bytes(let message) = value else { continue }
            switch number {
            case 1: pieces.append(try SentencePieceModel.piece(message))
            case 2: try readTrainer(message)
            case 3: try readNormalizer(message)
            default: break
            }
        }
        guard !pieces.isEmpty else {
            throw CLIPError(
                .model, path: SentencePieceModel.file, "holds no piece: it is no SentencePiece model, fetch it again")
        }
        guard algorithm == 1 else {
            throw CLIPError(
                .model, path: SentencePieceModel.file,
                "is a model of type \(algorithm), expected 1 (unigram): fetch the model's tokenizer.json")
        }
    }

    private static func piece(_ message: ArraySlice<UInt8>) throws(CLIPError) -> Piece {
        var piece = Piece()
        var reader = ProtobufReader(message)
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .bytes(let bytes)): piece.bytes = bytes
            case (2, .bits32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .integer(let number)):
                guard let kind = Kind(rawValue: number) else {
                    throw CLIPError(
                        .model, path: file,
                        "byte \(message.startIndex): a piece of unknown type \(number): it is damaged, "
                            + "fetch it again")
                }
                piece.kind = kind
            default: break
            }
        }
        guard !piece.bytes.isEmpty, piece.score.isFinite,
            String(validating: piece.bytes, as: UTF8.self) != nil
        else {
            throw CLIPError(
                .model, path: file,
                "byte \(message.startIndex): a piece without a text or a score: it is damaged, fetch it again")
        }
        return piece
    }

    private mutating func readTrainer(_ message: ArraySlice<UInt8>) throws(CLIPError) {
        var reader = ProtobufReader(message)
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (3, .integer(let type)): algorithm = type
            case (35, .integer(let flag)): hasByteFallback = flag != 0
            case (24, .integer(let flag)) where flag != 0:
                throw CLIPError(
                    .model, path: SentencePieceModel.file,
                    "writes spaces at the ends of words (treat_whitespace_as_suffix): not supported")
            default: break
            }
        }
    }

    private mutating func readNormalizer(_ message: ArraySlice<UInt8>) throws(CLIPError) {
        var reader = ProtobufReader(message)
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (2, .bytes(let bytes)): characterMap = bytes
            case (3, .integer(let flag)): set(.addsPrefix, flag != 0)
            case (4, .integer(let flag)): set(.removesExtra, flag != 0)
            case (5, .integer(let flag)): set(.escapes, flag != 0)
            default: break
            }
        }
    }

    private mutating func set(_ option: SentencePieceSpaces, _ isOn: Bool) {
        if isOn { spaces.insert(option) } else { spaces.remove(option) }
    }
}

extension SentencePieceModel {
    /// The tables of this model, without special tokens, and without rules but the model's own.
    func builder() throws(CLIPError) -> PipelineTableBuilder {
        func fault(_ problem: String) -> CLIPError {
            CLIPError(.model, path: SentencePieceModel.file, "\(problem): it is damaged, fetch it again")
        }
        var builder = PipelineTableBuilder()
        for piece in pieces { builder.pieces.append(piece.bytes) }
        builder.scores = pieces.map { Double($0.score) }
        builder.rules.roundsScores = true
        let plain = pieces.filter { $0.kind == .normal }.map { Double($0.score) }
        // What C++ calls the largest and the smallest positive float, until a score is lower, or higher.
        builder.rules.lowestScore = min(plain.min() ?? .infinity, Double(Float.greatestFiniteMagnitude))
        builder.rules.highestScore = max(plain.max() ?? 0, Double(Float.leastNormalMagnitude))
        guard let unknown = pieces.firstIndex(where: { $0.kind == .unknown }) else {
            throw fault("has no unknown piece")
        }
        builder.rules.unknown = UInt32(unknown)
        for (id, piece) in pieces.enumerated() where piece.kind == .normal || piece.kind == .userDefined {
            builder.searched.append((id, piece.kind == .userDefined))
        }
        if hasByteFallback { builder.byteTokens = byteTokens { pieces[$0].kind == .byte } }
        if !characterMap.isEmpty {
            guard let map = CharacterMap.split(characterMap) else { throw fault("has a character map of no such form") }
            builder.characterMap = map
        }
        return builder
    }

    private func byteTokens(where isByte: (Int) -> Bool) -> [UInt32] {
        var tokens = [UInt32](repeating: PipelineTable.noToken, count: 256)
        for id in pieces.indices where isByte(id) {
            if let byte = BytePiece.byte(pieces[id].bytes) { tokens[Int(byte)] = UInt32(id) }
        }
        return tokens
    }
}

/// Pieces such as `<0x0A>`, which stand for a byte.
private enum BytePiece {
    static func byte(_ piece: ArraySlice<UInt8>) -> UInt8? {
        guard piece.count == 6, piece.starts(with: Array("<0x".utf8)), piece.last == UInt8(ascii: ">") else {
            return nil
        }
        let digits = String(decoding: piece.dropFirst(3).dropLast(), as: UTF8.self)
        return digits.uppercased() == digits ? UInt8(digits, radix: 16) : nil
    }
}

/// Reads the fields of one protocol-buffers message, and trusts no length.
private struct ProtobufReader {
    enum Value {
        case integer(UInt64)
        case bits32(UInt32)
        case bits64
        case bytes(ArraySlice<UInt8>)
    }

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next field; nil at the end.
    /// - Throws: with the byte where the message makes no sense.
    mutating func next() throws(CLIPError) -> (number: Int, value: Value)? {
        guard position < bytes.endIndex else { return nil }
        let start = position
        let key = try integer()
        guard case let number = key >> 3, number >= 1, number < 1 << 29 else {
            throw fault("a field of number \(key >> 3)", at: start)
        }
        switch key & 7 {
        case 0: return (Int(number), .integer(try integer()))
        case 1:
            _ = try take(8)
            return (Int(number), .bits64)
        case 2:
            let start = position
            guard let count = Int(exactly: try integer()) else { throw fault("a length beyond all files", at: start) }
            return (Int(number), .bytes(try take(count)))
        case 5: return (Int(number), .bits32(try take(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }))
        default: throw fault("a field of an unknown kind, \(key & 7)", at: start)
        }
    }

    private mutating func integer() throws(CLIPError) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < bytes.endIndex else { throw fault("its end inside a number", at: start) }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw fault("a number of more than ten bytes", at: start)
    }

    private mutating func take(_ count: Int) throws(CLIPError) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else {
            throw fault("a field of \(count) bytes, \(bytes.endIndex - position) are left", at: position)
        }
        position += count
        return bytes[position - count..<position]
    }

    private func fault(_ found: String, at offset: Int) -> CLIPError {
        CLIPError(.model, path: "spiece.model", "byte \(offset): found \(found): it is damaged, fetch it again")
    }
}
