import CLIP

struct Bench: Command {
    private static let what = Option(
        "what", .choice("what", BenchSubject.allCases.map(\.rawValue)),
        help: "What to encode: pictures that are fitted already, or short texts that all differ. (default: image)")
    private static let batch = Option(
        "batch", .integer("count", 1...4096), help: "How many are encoded at once. (default: 1)")
    private static let seconds = Option(
        "seconds", .text("seconds"), help: "How long to measure, after one run that doesn't count. (default: 3)")
    private static let json = Option("json", help: "Print one JSON object. (default: at a terminal a line of text)")

    static let table = CommandTable(
        "bench",
        abstract: "Measure how fast a model encodes on this machine.",
        discussion: [
            """
            Prints {"what", "batch", "threads", "items_per_second", "gflops", "isa", "dtype"}. gflops counts the \
            operations of the whole encoder; a part of them is never done, since nobody reads their result.
            """
        ],
        positionals: [],
        options: [what, batch, seconds, json, .model, .threads],
        examples: [
            .init("clip bench", "Pictures, one at a time, with the embedded model."),
            .init(
                "clip bench --what text --batch 32 --threads 1 --model b32.clip --json",
                "Texts, 32 at a time, on one core, for a script."),
        ])

    private let subject: BenchSubject
    private let batch: Int
    private let seconds: Double
    private let isJSON: Bool
    private let choice: ModelChoice

    init(_ arguments: Arguments) throws(UsageError) {
        subject = arguments.choice(Bench.what, as: BenchSubject.self) ?? .image
        batch = arguments.integer(Bench.batch) ?? 1
        isJSON = arguments.has(Bench.json)
        choice = ModelChoice(arguments)
        let text = arguments.text(Bench.seconds) ?? "3"
        guard let seconds = Double(text), seconds > 0, seconds <= 3600 else {
            throw UsageError("The value '\(displayed(text))' is invalid for '--seconds <seconds>': 0 to 3600.")
        }
        self.seconds = seconds
    }

    func run() throws -> Bool {
        let model = try choice.load()
        let run = try subject.work(of: model, batch: batch)
        try run.body()
        let clock = ContinuousClock()
        let start = clock.now
        var count = 0
        var elapsed = 0.0
        while elapsed < seconds {
            try run.body()
            count += batch
            elapsed = (clock.now - start) / .seconds(1)
        }
        let record = BenchRecord(
            what: subject.rawValue, batch: batch, threads: model.threads,
            itemsPerSecond: Float(Double(count) / elapsed),
            gflops: Float(Double(count) * run.operationsPerItem / elapsed / 1e9), instructionSet: model.instructionSet,
            weightType: model.weightTypes.joined(separator: "+"))
        let output = try Output(path: nil)
        let isText = output.isTerminal && !isJSON
        let writer: any RecordWriter =
            isText ? TextWriter(output, heading: nil, note: nil) : JSONWriter(output, isArray: false)
        try writer.write(record)
        try writer.finish()
        try output.finish()
        return true
    }
}

/// What is measured.
private enum BenchSubject: String, CaseIterable {
    case image, text

    /// What is repeated, and the operations that the reference would spend on one of its items.
    func work(of model: CLIPModel, batch: Int) throws(CLIPError) -> (body: () throws -> Void, operationsPerItem: Double)
    {
        switch self {
        case .image:
            let side = model.preprocessing.cropSize
            let values = (0..<batch * 3 * side * side).map { Float($0 * 7919 % 1009) / 504.5 - 1 }
            let pixels = PixelTensor(shape: [batch, 3, side, side], values: values)
            return ({ _ = try model.embed(pixels) }, model.configuration.operationsPerImage)
        case .text:
            let texts = (0..<batch).map(BenchSubject.prompt)
            let tokens = try model.tokenize(texts[0]).tokens.count
            return ({ _ = try model.embed(texts) }, model.configuration.operationsPerText(tokens: tokens))
        }
    }

    /// "a photo of a dog", the article and the noun changed for letters: 26³ texts of as many tokens.
    private static func prompt(_ index: Int) -> String {
        func letter(_ place: Int) -> Character {
            Character(UnicodeScalar(UInt8(ascii: "a") + UInt8(index / place % 26)))
        }
        return "\(letter(676)) photo of \(letter(26)) \(letter(1))"
    }
}

/// One measurement.
private struct BenchRecord: Record {
    let what: String
    let batch: Int
    let threads: Int
    let itemsPerSecond: Float
    let gflops: Float
    let instructionSet: String
    let weightType: String

    var fields: [(name: String, value: FieldValue)] {
        [
            ("what", .text(what)), ("batch", .integer(batch)), ("threads", .integer(threads)),
            ("items_per_second", .number(itemsPerSecond)), ("gflops", .number(gflops)), ("isa", .text(instructionSet)),
            ("dtype", .text(weightType)),
        ]
    }

    var text: String {
        "\(decimal(Double(itemsPerSecond), places: 1)) \(what)s/s, \(decimal(Double(gflops), places: 0)) GFLOPS"
            + " (batch \(batch), \(threads) \(threads == 1 ? "thread" : "threads"), \(instructionSet), \(weightType))\n"
    }
}
