import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

struct Tokenize: Command {
    private static let results = ResultOptions.table
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
        positionals: [TextSources.positional],
        options: [
            ModelChoice.model, pieces, TextSources.file, TextSources.nulSeparated, TextChoice.longText,
            ModelChoice.language,
        ],
        results.all,
        examples: [
            .init(#"clip tokenize "a photo of a dog" --pieces"#, "How is a text taken apart?"),
            .init(
                "clip tokenize --file captions.txt --long-text error > tokens.jsonl",
                "Find captions that are too long."),
        ])

    private let output: ResultChoice
    private let model: ModelChoice
    private let texts: TextChoice
    private let showsPieces: Bool

    init(_ arguments: inout Arguments) throws(UsageError) {
        output = try ResultChoice(&arguments, Self.results)
        model = ModelChoice(&arguments)
        texts = TextChoice(&arguments)
        showsPieces = arguments.take(Self.pieces)
    }

    func run(_ console: Console) throws {
        let model = try model.load(console, answers: false)
        model.beginTokenizer()
        let results = try ResultStream(
            output, console, model: model.fingerprint,
            columns: ["input", "tokens"] + (showsPieces ? ["pieces"] : []) + ["model"])
        let longText = texts.longText
        var batches = try TextBatches(texts, console: console, results: results)
        try batches.forEach(of: model) { batch in
            batch.map { text in
                Result { () throws(CLIPError) in try model.tokenWindows(of: text, longText: longText) }
            }
        } _: { text, windows in
            try results.write(
                TokenRecord(input: text, windows: windows, isChunked: longText == .chunk, showsPieces: showsPieces))
        }
        try results.finish()
    }
}

/// The tokens of a text.
private struct TokenRecord: Record {
    let input: String
    /// One, unless the text was cut into chunks.
    let windows: [TokenizedText]
    let isChunked: Bool
    let showsPieces: Bool

    var fields: Fields {
        var fields: Fields = ["input": input]
        if isChunked {
            fields.add("chunks", windows.map(\.tokens))
            if showsPieces { fields.add("pieces", windows.map(\.pieces)) }
        } else {
            for window in windows { fields.add("tokens", window.tokens) }
            if showsPieces { for window in windows { fields.add("pieces", window.pieces) } }
        }
        return fields
    }

    /// A line per chunk.
    var rows: [Fields] {
        windows.map { window in
            var row: Fields = ["input": input, "tokens": window.tokens]
            if showsPieces { row.add("pieces", window.pieces.joined(separator: " ")) }
            return row
        }
    }

    var text: String {
        var text = excerpt(displayed(input)) + "\n"
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
