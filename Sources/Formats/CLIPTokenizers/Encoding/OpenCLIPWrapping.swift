/// What open_clip's wrapper does around a tokenizer of transformers (`tokenizer_kwargs`).
package struct OpenCLIPWrapping: Sendable, Equatable {
    /// What happens to a text first. Raw values are open_clip's names.
    package enum Cleaning: String, Sendable, CaseIterable {
        /// Characters are repaired, HTML is un-escaped, white space collapses.
        case whitespace
        /// The same, then small letters.
        case lower
        /// The same without ASCII punctuation, low lines as spaces.
        case canonicalize
    }

    package var cleaning: Cleaning
    /// Whether token 0 stands in for the separator, the end token of BERT's (`strip_sep_token`).
    package var stripsSeparator: Bool

    package init(cleaning: Cleaning = .whitespace, stripsSeparator: Bool = false) {
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
    func wrap(_ rules: inout SentencePieceRules, separator: UInt32?) {
        rules.textSteps = steps + rules.textSteps
        guard stripsSeparator, let separator else { return }
        rules.startTokens = rules.startTokens.map { $0 == separator ? 0 : $0 }
        rules.endTokens = rules.endTokens.map { $0 == separator ? 0 : $0 }
        for index in rules.addedTokens.indices where rules.addedTokens[index].id == separator {
            rules.addedTokens[index].id = 0
        }
    }
}
