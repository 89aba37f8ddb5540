import CLIP

struct Tokenize: Command {
    private static let formats: [OutputFormat] = [.text, .jsonl, .json, .csv]
    private static let pieces = Option("pieces", help: "Show what each token stands for.")

    static let table = CommandTable(
        "tokenize",
        abstract: "Show the tokens that a model makes of texts.",
        discussion: [
            """
            One record per text: {"input", "tokens", "model"}, from the start token to the end token, without padding. \
            A text that is longer than the model's context is cut as --long-text says; chunk gives "chunks", a list of \
            token lists, in place of "tokens".
            """
        ],
        positionals: [.texts],
        options: [.model, pieces, .textsFrom, .nulSeparated, .longText] + Option.outputOptions(formats),
        examples: [
            .init(#"clip tokenize "a photo of a dog" --pieces"#, "How is a text taken apart?"),
            .init(
                "clip tokenize --file captions.txt --long-text error > tokens.jsonl",
                "Find captions that are too long."),
        ])

    private let output: OutputOptions
    private let model: ModelChoice
    private let texts: TextChoice
    private let showsPieces: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        output = try OutputOptions(arguments, formats: Tokenize.formats)
        model = ModelChoice(arguments)
        texts = TextChoice(arguments)
        showsPieces = arguments.flag(Tokenize.pieces)
    }

    func run() throws -> Bool {
        let console = Console(isQuiet: output.isQuiet)
        let model = try model.load(console, answers: false)
        let results = try ResultStream(output, console: console)
        let longText = texts.longText
        var batches = try TextBatches(texts, console: console, results: results)
        try batches.forEach(of: model) { batch throws(CLIPError) in
            var lists: [[TokenizedText]] = []
            for text in batch { lists.append(try model.tokenWindows(of: text, longText: longText)) }
            return lists
        } _: { text, windows in
            try results.write(
                TokenRecord(
                    input: text, windows: windows, isChunked: longText == .chunk, showsPieces: showsPieces,
                    fingerprint: model.fingerprint))
        }
        try results.finish()
        return !console.hasFailed
    }
}

/// The tokens of a text.
private struct TokenRecord: Record {
    let input: String
    /// One, unless the text was cut into chunks.
    let windows: [TokenizedText]
    let isChunked: Bool
    let showsPieces: Bool
    let fingerprint: String

    var fields: [(name: String, value: FieldValue)] {
        var fields: [(name: String, value: FieldValue)] = [("input", .text(input))]
        if isChunked {
            fields.append(("chunks", .list(windows.map { .integers($0.tokens) })))
            if showsPieces { fields.append(("pieces", .list(windows.map { .texts($0.pieces) }))) }
        } else {
            fields += windows.map { ("tokens", .integers($0.tokens)) }
            if showsPieces { fields += windows.map { ("pieces", .texts($0.pieces)) } }
        }
        return fields + [("model", .text(fingerprint))]
    }

    var columns: [String] { ["input", "tokens"] + (showsPieces ? ["pieces"] : []) + ["model"] }

    /// A line per chunk.
    var rows: [[FieldValue]] {
        windows.map { window in
            let pieces = showsPieces ? [FieldValue.text(window.pieces.joined(separator: " "))] : []
            return [.text(input), .integers(window.tokens)] + pieces + [.text(fingerprint)]
        }
    }

    var text: String {
        var text = quoted(displayed(input)) + "\n"
        for window in windows {
            let tokens = window.tokens.map { "\($0)" }
            text += "  \(tokens.count) tokens\n"
            if showsPieces {
                let width = tokens.map(\.utf8.count).max() ?? 0
                for (token, piece) in zip(tokens, window.pieces) {
                    text += "  \(token.rightAligned(to: width))  \(displayed(piece))\n"
                }
            } else {
                let lines = HelpText.wrapped(tokens.joined(separator: " "), width: HelpText.width - 2)
                text += lines.map { "  \($0)\n" }.joined()
            }
        }
        return text
    }
}
