/// A SentencePiece model as its file gives it (`sentencepiece_model.proto`).
struct SentencePieceModel {
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
    init(_ bytes: [UInt8]) throws(TokenizerError) {
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
            throw TokenizerError(
                file: SentencePieceModel.file, problem: "holds no piece: it is no SentencePiece model, fetch it again")
        }
        guard algorithm == 1 else {
            throw TokenizerError(
                file: SentencePieceModel.file,
                problem: "is a model of type \(algorithm), expected 1 (unigram): fetch the model's tokenizer.json")
        }
    }

    private static func piece(_ message: ArraySlice<UInt8>) throws(TokenizerError) -> Piece {
        var piece = Piece()
        var reader = ProtobufReader(message)
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .bytes(let bytes)): piece.bytes = bytes
            case (2, .bits32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .integer(let number)):
                guard let kind = Kind(rawValue: number) else {
                    throw TokenizerError(
                        file: file,
                        problem: "byte \(message.startIndex): a piece of unknown type \(number): it is damaged, "
                            + "fetch it again")
                }
                piece.kind = kind
            default: break
            }
        }
        guard !piece.bytes.isEmpty, piece.score.isFinite,
            String(validating: piece.bytes, as: UTF8.self) != nil
        else {
            throw TokenizerError(
                file: file,
                problem: "byte \(message.startIndex): a piece without a text or a score: it is damaged, fetch it again")
        }
        return piece
    }

    private mutating func readTrainer(_ message: ArraySlice<UInt8>) throws(TokenizerError) {
        var reader = ProtobufReader(message)
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (3, .integer(let type)): algorithm = type
            case (35, .integer(let flag)): hasByteFallback = flag != 0
            case (24, .integer(let flag)) where flag != 0:
                throw TokenizerError(
                    file: SentencePieceModel.file,
                    problem: "writes spaces at the ends of words (treat_whitespace_as_suffix): not supported")
            default: break
            }
        }
    }

    private mutating func readNormalizer(_ message: ArraySlice<UInt8>) throws(TokenizerError) {
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
    func builder() throws(TokenizerError) -> SentencePieceTableBuilder {
        func fault(_ problem: String) -> TokenizerError {
            TokenizerError(file: SentencePieceModel.file, problem: "\(problem): it is damaged, fetch it again")
        }
        var builder = SentencePieceTableBuilder()
        builder.pieces = pieces.map(\.bytes)
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
        var tokens = [UInt32](repeating: SentencePieceTable.noToken, count: 256)
        for id in pieces.indices where isByte(id) {
            if let byte = BytePiece.byte(pieces[id].bytes) { tokens[Int(byte)] = UInt32(id) }
        }
        return tokens
    }
}

/// Pieces such as `<0x0A>`, which stand for a byte.
enum BytePiece {
    static func byte(_ piece: ArraySlice<UInt8>) -> UInt8? {
        guard piece.count == 6, piece.starts(with: Array("<0x".utf8)), piece.last == UInt8(ascii: ">") else {
            return nil
        }
        let digits = String(decoding: piece.dropFirst(3).dropLast(), as: UTF8.self)
        return digits.uppercased() == digits ? UInt8(digits, radix: 16) : nil
    }
}
