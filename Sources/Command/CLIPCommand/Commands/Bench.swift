import CLIP
import CLIPSystem

struct Bench: Command {
    private static let what = Option(
        "what", .choice("what", BenchSubject.allCases.map(\.rawValue)),
        help: """
            image: pictures that are fitted already. text: short texts that all differ. decode: a picture file to \
            pixels. search: the ten nearest of 100,000 vectors. cold: whole processes that embed one picture. load: a \
            model until it is ready. (default: image)
            """)
    private static let batch = Option(
        "batch", .integer("count", 1...4096), help: "How many are taken at once. (default: 1)")
    private static let seconds = Option(
        "seconds", .text("seconds"), help: "How long to measure, after one run that doesn't count. (default: 3)")
    private static let json = Option("json", help: "Print one JSON object. (default: at a terminal a table)")

    static let table = CommandTable(
        "bench",
        abstract: "Measure how fast this machine encodes, decodes, searches and starts, and how far its limits are.",
        discussion: [
            """
            image and text print {"what", "batch", "threads", "items_per_second", "gflops", "isa", "dtype", ...}. gflops \
            counts the operations that are done. The roofs are measured in the same run with as many threads: multiply-\
            adds of 32-bit floats in registers, for int8 models products of 8-bit numbers, and reading memory; the shares \
            say how much of each the encoder reaches, taking every weight as read once per batch. region_microseconds is \
            what sharing work out among the threads takes, a few times per layer.
            """,
            """
            cold prints what a process takes that embeds one picture, and what decoding and encoding it take in a \
            process that runs already: the rest is the price of starting.
            """,
            """
            load prints what it takes until both encoders and the tokenizer stand ready: opening the files, then each. Only \
            what was read before is measured so: the first run, which doesn't count, brings the files into memory.
            """,
        ],
        positionals: [
            Positional(
                "picture", count: 0...1, isPath: true, help: "The file that decode and cold take. (default: made up)")
        ],
        options: [what, batch, seconds, json, .textsFrom, .model, .threads],
        examples: [
            .init("clip bench", "Pictures, one at a time, with the embedded model."),
            .init(
                "clip bench --what text --batch 32 --threads 1 --model b32.clip --json",
                "Texts, 32 at a time, on one core, for a script."),
            .init("clip bench --what decode photo.jpg", "How long decoding this picture takes."),
        ])

    private let subject: BenchSubject
    private let settings: BenchSettings
    private let isJSON: Bool

    init(_ arguments: Arguments) throws(UsageError) {
        subject = arguments.choice(Bench.what, as: BenchSubject.self) ?? .image
        isJSON = arguments.has(Bench.json)
        let text = arguments.text(Bench.seconds) ?? "3"
        guard let seconds = Double(text), seconds > 0, seconds <= 3600 else {
            throw UsageError(
                "The value '\(displayed(text))' is invalid for '--seconds <seconds>': expected more than 0, at most 3600."
            )
        }
        let picture = arguments.positionals.first.map { PathBytes($0) }
        guard picture == nil || subject == .decode || subject == .cold else {
            throw UsageError("A picture is for '--what decode' and '--what cold', not '--what \(subject.rawValue)'.")
        }
        let what = "with '--what \(subject.rawValue)'"
        if subject != .text { try arguments.refuse([.textsFrom], what) }
        if subject == .decode || subject == .search { try arguments.refuse([.model], what) }
        if subject == .cold || subject == .load { try arguments.refuse([Bench.batch], what) }
        settings = BenchSettings(
            model: ModelChoice(arguments), texts: TextSources(arguments), threads: arguments.integer(.threads),
            batch: arguments.integer(Bench.batch) ?? 1, seconds: seconds, picture: picture)
    }

    func run() throws -> Bool {
        let record = BenchRecord(what: subject.rawValue, measures: try subject.measure(settings))
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
enum BenchSubject: String, CaseIterable {
    case image, text, decode, search, cold, load

    fileprivate func measure(_ settings: BenchSettings) throws -> [Measure] {
        switch self {
        case .image: try EncodingBench(settings, ofImages: true).measure()
        case .text: try EncodingBench(settings, ofImages: false).measure()
        case .decode: try DecodingBench(settings).measure()
        case .search: try SearchBench(settings).measure()
        case .cold: try ColdStartBench(settings).measure()
        case .load: try LoadingBench(settings).measure()
        }
    }
}

/// How to measure.
struct BenchSettings {
    let model: ModelChoice
    let texts: TextSources
    let threads: Int?
    let batch: Int
    let seconds: Double
    let picture: PathBytes?

    /// The bytes of the picture file that was named, else of one that is made up.
    func pictureBytes() throws -> [UInt8] {
        guard let picture else { return try DecodingBench.exampleBytes() }
        return try picture.pictureBytes()
    }

    /// Calls `body`, which does `count` items, for as long as was asked for, after one call that doesn't count.
    /// - Returns: items a second.
    func rate(of count: Int, _ body: () throws -> Void) rethrows -> Double {
        try body()
        let start = monotonicSeconds()
        var done = 0
        var elapsed = 0.0
        repeat {
            try body()
            done += count
            elapsed = monotonicSeconds() - start
        } while elapsed < seconds
        return Double(done) / elapsed
    }
}
