import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// The texts of a command line, and how they are taken.
struct TextChoice {
    let sources: TextSources
    let longText: LongText
    let batchSize: Int

    static let longText = Option(
        "long-text", .choice("rule"), default: LongText.truncate,
        help: """
            What happens to a text that is longer than the model's context: truncate drops its end with a warning, \
            error refuses it, chunk averages the embeddings of windows. (default: truncate)
            """)

    init(_ arguments: inout Arguments) {
        sources = TextSources(&arguments)
        longText = arguments.take(TextChoice.longText)
        batchSize = arguments.take(PictureChoice.batchSize) ?? 256
    }
}

/// Takes the texts of a command line in batches, and tells what a model will not see of them.
struct TextBatches {
    private var texts: TextList
    private let size: Int
    private let longText: LongText
    private let console: Console
    private let results: ResultStream

    init(_ choice: TextChoice, console: Console, results: ResultStream) throws(CLIPError) {
        texts = try choice.sources.list()
        size = choice.batchSize
        longText = choice.longText
        self.console = console
        self.results = results
        if console.showsProgress { console.progress = ProgressBar(total: nil, unit: "texts") }
    }

    /// Hands every batch to `encode`, then every text with its result to `body`, in order. One bad text does not spoil
    /// its batch.
    mutating func forEach<Encoded>(
        of model: CLIPModel, encode: ([String]) throws(CLIPError) -> [Result<Encoded, CLIPError>],
        _ body: (String, Encoded) throws -> Void
    ) throws {
        // Of a file in another encoding each line would be told.
        var unreadable = 0
        while case let batch = try texts.batch(size), !batch.isEmpty {
            console.progress?.refresh()
            let good = batch.compactMap { if case .text(let text) = $0 { text } else { nil } }
            var encoded = try encode(good)[...]
            for entry in batch {
                switch entry {
                case .notUTF8(let place):
                    try results.fail(RecordName(place), CLIPError.notUTF8(place).shown, isTold: unreadable == 0)
                    unreadable += 1
                case .text(let text):
                    let found = encoded.removeFirst()
                    let result = Result { () throws(CLIPError) in
                        try console.warnOfDroppedText(in: text, longText: longText, model: model)
                        return try found.get()
                    }
                    switch result {
                    case .success(let encoded): try body(text, encoded)
                    case .failure(let error) where error.kind == .model: throw error
                    case .failure(let error):
                        try results.fail(RecordName(text), described(error, name: excerpt(text)))
                    }
                }
            }
            try results.flush()
        }
        if unreadable > 1 { console.fail("\(unreadable - 1) more texts are not UTF-8") }
    }
}

extension Console {
    /// Quotes the words of labels in their templates that a model will not see.
    func warnOfDroppedText(
        inLabels labels: [String], templates: [String], longText: LongText, model: CLIPModel
    ) throws(CLIPError) {
        try warnOfDroppedText(
            in: LabelPrompts.texts(of: labels, templates: templates), longText: longText, model: model)
    }

    /// Quotes the words of texts that a model will not see.
    func warnOfDroppedText(in texts: [String], longText: LongText, model: CLIPModel) throws(CLIPError) {
        for text in texts { try warnOfDroppedText(in: text, longText: longText, model: model) }
    }

    /// Quotes the words that a model will not see.
    func warnOfDroppedText(in text: String, longText: LongText, model: CLIPModel) throws(CLIPError) {
        guard longText == .truncate, let dropped = try model.droppedText(of: text) else { return }
        warn(
            "\(excerpt(text, atMost: 40)): longer than the model's \(model.info.configuration.text.contextLength) tokens,"
                + " the end is dropped: \(excerpt(dropped, atMost: 400))")
    }
}

/// Where a command line says that texts are: arguments, then the lines of files.
struct TextSources {
    private let texts: [[UInt8]]
    let files: [String]
    private var isNULSeparated = false

    static let file = Option(
        each: "file", .file("file"), help: "Read texts from a file, one a line; - is standard input.")
    static let nulSeparated = Option(
        "null", short: "0", help: "Entries of such a list end with a NUL byte, not with a line's end.")
    static let positional = Positional("text", count: 1...Int.max, unless: [file], help: "Texts.")

    init(_ arguments: inout Arguments) {
        texts = arguments.positionals
        files = arguments.take(TextSources.file)
        // Of files alone.
        if !files.isEmpty { isNULSeparated = arguments.take(TextSources.nulSeparated) }
    }

    /// The texts themselves.
    func list() throws(CLIPError) -> TextList { try TextList(texts, lists: files, isNULSeparated: isNULSeparated) }
}
