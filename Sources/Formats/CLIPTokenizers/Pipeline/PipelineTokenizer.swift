package import CLIPSystem

/// A tokenizer by the steps that its files name: those of a text, those that cut it into words, and what makes tokens of a
/// word, which is a unigram model (Kudo, 2018), byte pairs, WordPiece or whole words.
///
/// Immutable, so one serves many tasks. Whatever it was made from, it encodes with the same flat tables.
package struct PipelineTokenizer: Tokenizer {
    let table: PipelineTable
    private let cutter: PipelineEncoder.Cutter
    /// The language's token that texts begin with, in place of the table's.
    private var language: Int32?

    /// A tokenizer from its compiled form, used where it lies.
    ///
    /// - Parameters:
    ///   - compiled: what `compiled()` gave; valid and unchanged for as long as `owner` lives, at any alignment.
    ///   - owner: kept as long as this tokenizer.
    package init(
        compiled: UnsafeRawBufferPointer, owner: any AnyObject & Sendable
    ) throws(CLIPError) {
        self.init(try PipelineTable(compiled, owner: owner))
    }

    init(_ table: PipelineTable) {
        self.table = table
        cutter = PipelineEncoder.Cutter(table)
    }

    package func compiled() -> [UInt8] { Array(table.bytes) }

    package var startTokens: [Int32] { language.map { [$0] } ?? table.rules.startTokens.map { Int32($0) } }
    package var endTokens: [Int32] { table.rules.endTokens.map { Int32($0) } }
    package var paddingToken: Int32? { table.rules.padding.map { Int32($0) } }
    package var vocabularySize: Int { table.pieceCount }

    /// Of a text that begins with a language's token, the added tokens that look like one.
    package var languages: [String] {
        guard table.rules.startTokens.count == 1, let own = table.rules.startTokens.first,
            PipelineTokenizer.isLanguage(table.piece(Int(own)))
        else { return [] }
        return languageTokens.map(\.code).sorted()
    }

    package func reading(_ language: String) -> (any Tokenizer)? {
        guard !languages.isEmpty, let token = languageTokens.first(where: { $0.code == language }) else { return nil }
        var other = self
        other.language = Int32(token.id)
        return other
    }

    private var languageTokens: [(code: String, id: UInt32)] {
        table.rules.addedTokens.filter { PipelineTokenizer.isLanguage($0.content) }.map {
            (String(decoding: $0.content, as: UTF8.self), $0.id)
        }
    }

    /// Whether a token is spelt as FLORES spells languages: `deu_Latn`.
    private static func isLanguage(_ token: some Sequence<UInt8>) -> Bool {
        let letters = Array(token)
        let small = UInt8(ascii: "a")...UInt8(ascii: "z")
        guard letters.count == 8, letters[3] == UInt8(ascii: "_") else { return false }
        return (letters[..<3] + letters[5...]).allSatisfy(small.contains)
            && (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(letters[4])
    }

    /// The token as the vocabulary spells it: `▁` for a space, `<0x0A>` for a byte.
    package func piece(_ id: Int32) -> String { String(decoding: table.piece(Int(id)), as: UTF8.self) }

    package func tokenize(_ text: String) -> Tokenization {
        var text = text
        let (ids, offsets) = text.withUTF8 { bytes in
            var encoder = PipelineEncoder(cutter, bytes)
            encoder.encode()
            return (encoder.ids, encoder.wordOffsets)
        }
        return Tokenization(
            text: text, ids: startTokens + ids + endTokens, wordOffsets: offsets, tokenizer: self)
    }
}

/// What open_clip's wrapper does around a tokenizer of transformers (`tokenizer_kwargs`).
package struct OpenCLIPWrapping: Sendable, Equatable {
    /// What happens to a text first.
    package var cleaning: OpenCLIPCleaning
    /// Whether token 0 stands in for the separator, the end token of BERT's (`strip_sep_token`).
    package var stripsSeparator: Bool

    package init(cleaning: OpenCLIPCleaning = .whitespace, stripsSeparator: Bool = false) {
        self.cleaning = cleaning
        self.stripsSeparator = stripsSeparator
    }

    private var steps: [NormalizationStep] {
        let collapse: [NormalizationStep] = [
            .replaceRuns(ScalarRun(members: .pythonSpace), with: [0x20]),
            .strip(left: true, right: true, isPython: true),
        ]
        switch cleaning {
        case .whitespace: return [.repair] + collapse
        case .lower: return [.repair] + collapse + [.pythonLowercase]
        case .canonicalize:
            return [
                .repair, .replaceText([0x5F], with: [0x20]), .replaceRuns(.punctuation, with: []), .pythonLowercase,
            ] + collapse
        }
    }

    /// - Parameter separator: the token that `stripsSeparator` is about.
    func wrap(_ rules: inout PipelineRules, separator: UInt32?) {
        rules.textSteps = steps + rules.textSteps
        guard stripsSeparator, let separator else { return }
        rules.startTokens = rules.startTokens.map { $0 == separator ? 0 : $0 }
        rules.endTokens = rules.endTokens.map { $0 == separator ? 0 : $0 }
        for index in rules.addedTokens.indices where rules.addedTokens[index].id == separator {
            rules.addedTokens[index].id = 0
        }
    }
}
