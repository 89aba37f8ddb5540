import CLIP
import CLIPOptions
import CLIPBench
import CLIPSystem
import PictureCollections

struct Bench: Command {
    private static let what = Option(
        "what", .choice("what"), default: BenchSubject.image,
        help: """
            image: pictures that are fitted already. text: short texts that all differ. decode: a picture file to \
            pixels. search: the ten nearest of 100,000 vectors. cold: whole processes that embed one picture. load: a \
            model until it is ready. (default: image)
            """)
    private static let batch = Option(
        "batch", .integer("count", 1...4096), default: 1, help: "How many are taken at once. (default: 1)")
    private static let seconds = Option(
        "seconds",
        ValueKind("seconds", expected: "more than 0, at most 3600") {
            Double($0).flatMap { $0 > 0 && $0 <= 3600 ? $0 : nil }
        }, default: 3, help: "How long to measure, after one run that doesn't count. (default: 3)")
    private static let results = ResultOptions.records

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
        options: [what, batch, seconds, TextSources.file, ModelChoice.model, ModelChoice.threads, results.format],
        examples: [
            .init("clip bench", "Pictures, one at a time, with the embedded model."),
            .init(
                "clip bench --what text --batch 32 --threads 1 --model b32.clip --json",
                "Texts, 32 at a time, on one core, for a script."),
            .init("clip bench --what decode photo.jpg", "How long decoding this picture takes."),
        ])

    private let subject: BenchSubject
    private let output: ResultChoice
    private let model: ModelChoice
    private let texts: TextSources
    private let batch: Int
    private let seconds: Double
    private let picture: PathBytes?

    init(_ arguments: inout Arguments) throws(UsageError) {
        subject = arguments.take(Self.what)
        output = ResultChoice(formatOf: &arguments, Self.results)
        seconds = arguments.take(Self.seconds)
        picture = arguments.positionals.first.map { PathBytes($0) }
        guard picture == nil || subject == .decode || subject == .cold else {
            throw UsageError("A picture is for '--what decode' and '--what cold', not '--what \(subject.rawValue)'.")
        }
        let what = "with '--what \(subject.rawValue)'"
        if subject != .text { try arguments.refuse([TextSources.file], what) }
        if subject == .decode || subject == .search { try arguments.refuse([ModelChoice.model], what) }
        if subject == .cold || subject == .load { try arguments.refuse([Self.batch], what) }
        model = ModelChoice(&arguments)
        texts = TextSources(&arguments)
        batch = arguments.take(Self.batch)
    }

    func run(_ console: Console) throws {
        let settings = BenchSettings(
            model: { try model.load(nil) }, texts: try readTexts(), picture: try picture?.pictureBytes(),
            threads: model.threads, batch: batch, seconds: seconds)
        let record = BenchRecord(what: subject.rawValue, measures: try subject.measure(settings))
        try ResultStream.write(record, output, console)
    }

    /// As many texts as a batch takes of the files that were named; none where none was.
    private func readTexts() throws -> [String] {
        guard !texts.files.isEmpty else { return [] }
        var inputs = try texts.list()
        var read: [String] = []
        while read.count < batch, let entry = try inputs.next() {
            switch entry {
            case .text(let text): read.append(text)
            case .notUTF8(let place): throw CLIPError.notUTF8(place)
            }
        }
        guard !read.isEmpty else { throw CLIPError(.argument, "the files hold no text to measure with") }
        return read
    }
}

/// What was measured.
private struct BenchRecord: Record {
    let what: String
    let measures: [Measure]

    var fields: Fields {
        var fields: Fields = ["what": what]
        for measure in measures {
            switch measure.value {
            case .count(let count): fields.add(measure.name, count)
            case .text(let text): fields.add(measure.name, text)
            case .number(let number, _, _), .share(let number): fields.add(measure.name, number)
            }
        }
        return fields
    }

    var text: String {
        let rows = [("what", what)] + measures.map { ($0.label, shown($0.value)) }
        let width = rows.map { columnCount($0.0) }.max() ?? 0
        return rows.map { "\($0.0.padded(to: width))  \($0.1)\n" }.joined()
    }

    private func shown(_ value: Measure.Value) -> String {
        switch value {
        case .count(let count): "\(count)"
        case .text(let text): displayed(text)
        case .number(let number, let unit, let places):
            decimal(number, places: places) + (unit.isEmpty ? "" : " " + unit)
        case .share(let share): decimal(100 * share, places: 0) + " %"
        }
    }
}
