import CLIP

/// The texts of a command line, and how they are taken.
struct TextChoice {
    let sources: TextSources
    let longText: LongText
    let batchSize: Int

    init(_ arguments: Arguments) {
        sources = TextSources(arguments)
        longText = arguments.longText
        batchSize = arguments.integer(.batchSize) ?? 256
    }
}

extension Arguments {
    /// What is to become of texts that are longer than the model's context.
    var longText: LongText { choice(.longText) ?? .truncate }
}

/// Takes the texts of a command line in batches, and tells what a model will not see of them.
struct TextBatches {
    private var texts: TextInputs
    private let size: Int
    private let longText: LongText
    private let console: Console
    private let results: ResultStream

    init(_ choice: TextChoice, console: Console, results: ResultStream) throws(InputError) {
        texts = try TextInputs(choice.sources)
        size = choice.batchSize
        longText = choice.longText
        self.console = console
        self.results = results
        if console.showsProgress { console.progress = ProgressBar(total: nil, unit: "texts") }
    }

    /// Hands every batch to `encode`, then every text with its result to `body`, in order. One bad text does not spoil
    /// its batch.
    mutating func forEach<Encoded>(
        of model: CLIPModel, encode: ([String]) throws(CLIPError) -> [Encoded],
        _ body: (String, Encoded) throws -> Void
    ) throws {
        while case let batch = try texts.batch(size), !batch.isEmpty {
            console.progress?.refresh()
            let good = batch.compactMap { if case .text(let text) = $0 { text } else { nil } }
            let together = try? encode(good)
            var next = 0
            for entry in batch {
                switch entry {
                case .notUTF8(let place): try results.fail(RecordName(place), InputError.notUTF8(place).description)
                case .text(let text):
                    do {
                        try console.warnOfDroppedText(in: text, longText: longText, model: model)
                        let encoded = if let together { together[next] } else { try encode([text])[0] }
                        try body(text, encoded)
                    } catch let error as CLIPError where error.kind != .model {
                        try results.fail(RecordName(text), described(error, name: quoted(text)))
                    }
                    next += 1
                }
            }
            try results.flush()
        }
    }
}

extension Console {
    /// Quotes the words of labels in their templates that a model will not see.
    func warnOfDroppedText(
        inLabels labels: [String], templates: [String], longText: LongText, model: CLIPModel
    ) throws(CLIPError) {
        for label in labels {
            for template in templates {
                try warnOfDroppedText(
                    in: ZeroShotClassifier.prompt(label, in: template), longText: longText, model: model)
            }
        }
    }

    /// Quotes the words that a model will not see.
    func warnOfDroppedText(in text: String, longText: LongText, model: CLIPModel) throws(CLIPError) {
        guard longText == .truncate, let dropped = try model.droppedText(of: text) else { return }
        warn(
            "\(quoted(text, atMost: 40)): longer than the model's \(model.configuration.text.contextLength) tokens,"
                + " the end is dropped: \(quoted(dropped, atMost: 400))")
    }
}

/// A text in quotes, shortened in its middle when it is long.
func quoted(_ text: String, atMost limit: Int = 60) -> String {
    guard text.count > limit else { return "\"\(text)\"" }
    return "\"\(text.prefix(limit * 2 / 3)) … \(text.suffix(limit / 3))\""
}
