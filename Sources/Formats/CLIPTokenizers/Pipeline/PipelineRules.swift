internal import CLIPSystem

/// How a text becomes tokens: everything but the large tables.
struct PipelineRules: Equatable {
    enum Algorithm: UInt32 {
        /// The pieces whose scores add up to the most (Kudo, 2018).
        case unigram = 0
        /// Characters, merged pair by pair (Sennrich, Haddow, Birch, 2016).
        case bytePair = 1
        /// The longest piece from the start on, then the longest that goes on with it (Wu et al., 2016).
        case wordPiece = 2
        /// A word is a piece, or unknown.
        case wordLevel = 3
    }

    var algorithm = Algorithm.unigram
    /// Longer words, in scalars, are unknown to WordPiece.
    var longestWord = 100
    /// Whether sums of scores are rounded to 32 bits, as in SentencePiece itself; the tokenizers library adds doubles.
    var roundsScores = false
    /// Whether neighbours that have no piece become one unknown token.
    var fusesUnknown = true
    /// The token of what has no piece; nil drops it.
    var unknown: UInt32?
    var padding: UInt32?
    /// The scores of all plain pieces lie between these.
    var lowestScore = 0.0
    var highestScore = 0.0
    var startTokens: [UInt32] = []
    var endTokens: [UInt32] = []
    /// Whether a text that spells its last end token itself gets no second one.
    var endsOnce = false
    /// Whether the tokens of an empty part are taken away from the start of each: a prefix hides it from
    /// SentencePiece that a space stands at the start.
    var hidesPrefix = false
    /// Done to the whole text, before added tokens are looked for.
    var textSteps: [NormalizationStep] = []
    /// Done to each part between added tokens.
    var partSteps: [NormalizationStep] = []
    /// Done after that, and after normalized added tokens are found.
    var splitting: [SplittingStep] = []
    /// In the order of `AddedToken.isBefore`.
    var addedTokens: [AddedToken] = []
    /// What the vocabulary writes before a piece that goes on with a word, and behind one that ends it.
    var continuingPrefix: [UInt8] = []
    var endOfWordSuffix: [UInt8] = []
    /// Whether a word that is a piece is taken as it is, whatever the merges make of it.
    var takesWholeWords = false

    /// The first version of the compiled form that says all of this: files that need no more stay what they were.
    var version: UInt32 {
        let prefix = algorithm == .wordPiece ? PipelineRules.wordPiecePrefix : []
        return continuingPrefix == prefix && endOfWordSuffix.isEmpty && !takesWholeWords ? 1 : 2
    }

    /// Whether words are looked up among the pieces.
    var searchesPieces: Bool { algorithm != .bytePair || takesWholeWords }

    static let wordPiecePrefix = Array("##".utf8)
}

/// One step of cutting a part of a text into words that are encoded alone (a pre-tokenizer).
enum SplittingStep: Equatable {
    /// A mark in place of each space, and in front; then a word begins at each mark.
    case metaspace(mark: UInt32, prefix: MetaspacePrefix, splits: Bool)
    /// White space ends words, and is dropped.
    case whiteSpace
    /// Each occurrence of a text ends a word.
    case delimiter([UInt32], DelimiterPlace)
    /// Each sign is a word, as BERT's tokenizers see it.
    case punctuation
    /// Each match of an expression ends a word, or what lies between the matches does.
    case matches(ScalarPattern, DelimiterPlace, isInverted: Bool)
    /// Each scalar of a kind ends a word.
    case scalars(ScalarKind, DelimiterPlace)
    /// Word characters in a row are a word, so are others; white space is dropped.
    case words
    /// A space is put in front of each word that begins with none.
    case spaceInFront
    /// Each byte becomes the character that stands for it in a byte-level vocabulary.
    case bytes
    /// Words are cut into parts of so many scalars.
    case length(Int)
}

enum ScalarKind: UInt32 { case numeral, punctuation }

enum MetaspacePrefix: UInt32 { case always, first, never }

/// Where a delimiter goes.
enum DelimiterPlace: UInt32 { case dropped, alone, withPrevious, withNext, inRuns }

extension PipelineRules {
    func write(to bytes: inout FlatWriter) {
        bytes.put(algorithm.rawValue)
        if algorithm == .wordPiece { bytes.put(UInt32(longestWord)) }
        bytes.put([roundsScores, fusesUnknown, endsOnce, hidesPrefix])
        bytes.put(unknown.map { [$0] } ?? [])
        bytes.put(padding.map { [$0] } ?? [])
        for score in [lowestScore, highestScore] { bytes.put(score.bitPattern) }
        bytes.put(startTokens)
        bytes.put(endTokens)
        for steps in [textSteps, partSteps] {
            bytes.put(UInt32(steps.count))
            for step in steps { step.write(to: &bytes) }
        }
        bytes.put(UInt32(splitting.count))
        for step in splitting { step.write(to: &bytes) }
        bytes.put(UInt32(addedTokens.count))
        for token in addedTokens {
            bytes.put(token.id)
            bytes.put(token.content)
            bytes.put(token.options.rawValue)
        }
        guard version > 1 else { return }
        bytes.put(continuingPrefix)
        bytes.put(endOfWordSuffix)
        bytes.put([takesWholeWords])
    }

    init(reading bytes: inout FlatReader, version: UInt32) throws(CLIPError) {
        guard let algorithm = Algorithm(rawValue: try bytes.word()) else { throw bytes.fault("an unknown algorithm") }
        self.algorithm = algorithm
        if algorithm == .wordPiece { longestWord = Int(try bytes.word()) }
        let flags = try bytes.flags(4)
        (roundsScores, fusesUnknown, endsOnce, hidesPrefix) = (flags[0], flags[1], flags[2], flags[3])
        unknown = try bytes.words().first
        padding = try bytes.words().first
        lowestScore = Double(bitPattern: try bytes.long())
        highestScore = Double(bitPattern: try bytes.long())
        startTokens = try bytes.words()
        endTokens = try bytes.words()
        textSteps = try bytes.list { bytes throws(CLIPError) in try NormalizationStep(reading: &bytes) }
        partSteps = try bytes.list { bytes throws(CLIPError) in try NormalizationStep(reading: &bytes) }
        splitting = try bytes.list { bytes throws(CLIPError) in try SplittingStep(reading: &bytes) }
        addedTokens = try bytes.list { bytes throws(CLIPError) in
            AddedToken(
                id: try bytes.word(), content: try bytes.bytes(), options: .init(rawValue: try bytes.word()))
        }
        if algorithm == .wordPiece { continuingPrefix = PipelineRules.wordPiecePrefix }
        guard version > 1 else { return }
        continuingPrefix = try bytes.bytes()
        endOfWordSuffix = try bytes.bytes()
        takesWholeWords = try bytes.flags(1)[0]
    }
}

extension NormalizationStep {
    fileprivate func write(to bytes: inout FlatWriter) {
        switch self {
        case .lowercase: bytes.put(UInt32(0))
        case .pythonLowercase: bytes.put(UInt32(1))
        case .replaceText(let pattern, let content):
            bytes.put(UInt32(2))
            bytes.put(pattern)
            bytes.put(content)
        case .replaceRuns(let run, let content):
            bytes.put(UInt32(3))
            switch run.members {
            case .scalars(let scalars):
                bytes.put(UInt32(0))
                bytes.put(scalars)
            case .space: bytes.put(UInt32(1))
            case .pythonSpace: bytes.put(UInt32(2))
            }
            bytes.put(UInt32(run.shortest))
            bytes.put([run.isGreedy])
            bytes.put(content)
        case .strip(let left, let right, let isPython):
            bytes.put(UInt32(4))
            bytes.put([left, right, isPython])
        case .compose: bytes.put(UInt32(5))
        case .prepend(let content):
            bytes.put(UInt32(6))
            bytes.put(content)
        case .mapGraphemes: bytes.put(UInt32(7))
        case .sentencePiece(let spaces):
            bytes.put(UInt32(8))
            bytes.put(spaces.rawValue)
        case .bert(let cleaning):
            bytes.put(UInt32(9))
            bytes.put(cleaning.rawValue)
        case .repair: bytes.put(UInt32(10))
        case .replaceMatches(let pattern, let content):
            bytes.put(UInt32(11))
            bytes.put(Array(pattern.source.utf8))
            bytes.put(content)
        case .decompose: bytes.put(UInt32(12))
        case .decomposeCompatibly: bytes.put(UInt32(13))
        case .composeCompatibly: bytes.put(UInt32(14))
        case .stripMarks: bytes.put(UInt32(15))
        case .plainSpaces: bytes.put(UInt32(16))
        case .bytes: bytes.put(UInt32(17))
        }
    }

    fileprivate init(reading bytes: inout FlatReader) throws(CLIPError) {
        switch try bytes.word() {
        case 0: self = .lowercase
        case 1: self = .pythonLowercase
        case 2: self = .replaceText(try bytes.scalars(), with: try bytes.scalars())
        case 3:
            let members: ScalarRun.Members
            switch try bytes.word() {
            case 0: members = .scalars(try bytes.scalars())
            case 1: members = .space
            case 2: members = .pythonSpace
            default: throw bytes.fault("an unknown set of characters")
            }
            let shortest = Int(try bytes.word())
            guard shortest > 0 else { throw bytes.fault("a run of no characters") }
            let isGreedy = try bytes.flags(1)[0]
            self = .replaceRuns(
                ScalarRun(members: members, shortest: shortest, isGreedy: isGreedy), with: try bytes.scalars())
        case 4:
            let flags = try bytes.flags(3)
            self = .strip(left: flags[0], right: flags[1], isPython: flags[2])
        case 5: self = .compose
        case 6: self = .prepend(try bytes.scalars())
        case 7: self = .mapGraphemes
        case 8: self = .sentencePiece(SentencePieceSpaces(rawValue: try bytes.word()))
        case 9: self = .bert(BERTCleaning(rawValue: try bytes.word()))
        case 10: self = .repair
        case 11: self = .replaceMatches(try bytes.pattern(), with: try bytes.scalars())
        case 12: self = .decompose
        case 13: self = .decomposeCompatibly
        case 14: self = .composeCompatibly
        case 15: self = .stripMarks
        case 16: self = .plainSpaces
        case 17: self = .bytes
        default: throw bytes.fault("an unknown step")
        }
    }
}

extension SplittingStep {
    fileprivate func write(to bytes: inout FlatWriter) {
        switch self {
        case .metaspace(let mark, let prefix, let splits):
            bytes.put(UInt32(0))
            bytes.put([mark])
            bytes.put(prefix.rawValue)
            bytes.put([splits])
        case .whiteSpace: bytes.put(UInt32(1))
        case .delimiter(let text, let place):
            bytes.put(UInt32(2))
            bytes.put(text)
            bytes.put(place.rawValue)
        case .punctuation: bytes.put(UInt32(3))
        case .matches(let pattern, let place, let isInverted):
            bytes.put(UInt32(4))
            bytes.put(Array(pattern.source.utf8))
            bytes.put(place.rawValue)
            bytes.put([isInverted])
        case .scalars(let kind, let place):
            bytes.put(UInt32(5))
            bytes.put(kind.rawValue)
            bytes.put(place.rawValue)
        case .words: bytes.put(UInt32(6))
        case .spaceInFront: bytes.put(UInt32(7))
        case .bytes: bytes.put(UInt32(8))
        case .length(let count):
            bytes.put(UInt32(9))
            bytes.put(UInt32(count))
        }
    }

    fileprivate init(reading bytes: inout FlatReader) throws(CLIPError) {
        switch try bytes.word() {
        case 0:
            guard let mark = try bytes.scalars().first, let prefix = MetaspacePrefix(rawValue: try bytes.word()) else {
                throw bytes.fault("an unknown mark of spaces")
            }
            self = .metaspace(mark: mark, prefix: prefix, splits: try bytes.flags(1)[0])
        case 1: self = .whiteSpace
        case 2:
            let text = try bytes.scalars()
            guard !text.isEmpty else { throw bytes.fault("a delimiter of no characters") }
            self = .delimiter(text, try bytes.place())
        case 3: self = .punctuation
        case 4:
            let pattern = try bytes.pattern()
            let place = try bytes.place()
            self = .matches(pattern, place, isInverted: try bytes.flags(1)[0])
        case 5:
            guard let kind = ScalarKind(rawValue: try bytes.word()) else { throw bytes.fault("an unknown kind") }
            self = .scalars(kind, try bytes.place())
        case 6: self = .words
        case 7: self = .spaceInFront
        case 8: self = .bytes
        case 9:
            let count = Int(try bytes.word())
            guard count > 0 else { throw bytes.fault("words of no characters") }
            self = .length(count)
        default: throw bytes.fault("an unknown way to split")
        }
    }
}

extension FlatReader {
    fileprivate mutating func pattern() throws(CLIPError) -> ScalarPattern {
        guard let pattern = ScalarPattern(String(decoding: try bytes(), as: UTF8.self)) else {
            throw fault("an expression that is none")
        }
        return pattern
    }

    fileprivate mutating func place() throws(CLIPError) -> DelimiterPlace {
        guard let place = DelimiterPlace(rawValue: try word()) else { throw fault("an unknown place") }
        return place
    }
}
