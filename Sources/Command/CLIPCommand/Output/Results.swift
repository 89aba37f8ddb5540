import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// How results are written.
enum OutputFormat: String, CaseIterable, Sendable {
    /// For people.
    case text
    /// One JSON object a line.
    case jsonl
    /// One JSON array.
    case json
    /// Comma-separated values with a header (RFC 4180).
    case csv
    /// A NumPy array of 32-bit floats.
    case npy
    /// Text for PostgreSQL's COPY.
    case pgcopy

    /// What the names of such files end in, without the dot.
    var endings: [String] {
        switch self {
        case .text: ["txt"]
        case .jsonl: ["jsonl", "ndjson"]
        default: [rawValue]
        }
    }
}

/// The options that say where the results of a command go and how, of those formats that it has.
struct ResultOptions: Sendable {
    static let output = Option(
        "output", short: "o", .target("file"), group: .output,
        help: "Write to a file, which appears complete or not at all. (default: standard output)")
    static let quiet = Option(
        "quiet", short: "q", off: "progress", default: false, group: .output,
        help: "Leave out progress bar and warnings; errors are always shown. (default: --progress, at a terminal)")

    let formats: [OutputFormat]
    let format: Option<OutputFormat?>

    init(_ formats: OutputFormat...) {
        self.formats = formats
        var help = "How results are written: \(formats.map(\.rawValue).joined(separator: ", "))."
        if formats.contains(.npy) { help += " npy is for files and pipes." }
        let fallback = formats.contains(.text) ? "text at a terminal, jsonl elsewhere" : "jsonl"
        help += " (default: by the name after -o, else \(fallback))"
        format = Option("format", .choice("format", of: formats), group: .output, help: help)
    }

    /// All of them.
    var all: [any AnyOption] { [format, ResultOptions.output, OutputFiles.overwrite, ResultOptions.quiet] }
}

/// Where the results of a command line go and how.
struct ResultChoice {
    /// nil: text at a terminal, else JSON lines.
    var format: OutputFormat?
    /// nil: standard output.
    let path: String?

    init(format: OutputFormat?, path: String?) {
        self.format = format
        self.path = path
    }

    /// Takes `--format` and `-o`, whose name may promise a format.
    init(_ arguments: inout Arguments, _ options: ResultOptions) throws(UsageError) {
        path = arguments.take(ResultOptions.output)
        format = arguments.take(options.format)
        if format == nil, let path, let ending = OutputName(path).ending {
            format = options.formats.first { $0.endings.contains(ending) }
            try OutputName(path).check(options.formats.flatMap(\.endings), of: options.format)
        }
        if format == .npy { try checkBinary() }
    }

    /// Takes `--format` alone, of results that go to standard output.
    init(formatOf arguments: inout Arguments, _ options: ResultOptions) {
        self.init(format: arguments.take(options.format), path: nil)
    }

    /// Whether results are for programs rather than for people.
    var isData: Bool { format.map { $0 != .text } ?? (!isStandardOutput || isatty(STDOUT_FILENO) != 1) }

    var isStandardOutput: Bool { path == nil || path == "-" }

    /// Numbers as bytes are nothing to look at.
    func checkBinary() throws(UsageError) {
        if isStandardOutput, isatty(STDOUT_FILENO) == 1 {
            throw UsageError("Binary data is not for terminals: name a file with '-o <file>', or use a pipe.")
        }
    }
}

/// What the name of a file that is written promises.
struct OutputName {
    private let name: String
    /// What stands behind its last dot, lower-case; nil without one.
    let ending: String?

    init(_ path: String) {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let dot = name.lastIndex(of: ".")
        ending = dot.map { name[name.index(after: $0)...].lowercased() }.flatMap { $0.isEmpty ? nil : $0 }
        self.name = name
    }

    /// Refuses a name that promises what will not be in the file.
    /// - Parameters:
    ///   - known: the endings that are right.
    ///   - option: by which to say what is wanted, where the name is not to say it.
    func check(_ known: [String], of option: any AnyOption) throws(UsageError) {
        guard let ending, !known.contains(ending) else { return }
        let endings = known.map { "." + $0 }.joined(separator: ", ")
        let isChoice = option.form.placeholder == "format"
        throw UsageError(
            "'\(displayed(name))' is named like \(displayed(ending)), which is not written here: the name may end in \(endings)."
                + (isChoice
                    ? " Choose with '--\(option.form.name) <format>', or another name." : " Choose another name."))
    }
}

/// From records to their file: chooses the format, writes them in order, finishes or leaves no trace.
final class ResultStream {
    let format: OutputFormat
    private let output: Output
    private let writer: any RecordWriter
    private let sidecar: Sidecar?
    private let console: Console
    private var recordCount = 0

    /// - Parameters:
    ///   - model: the fingerprint that every record carries.
    ///   - heading: what stands once over results for people.
    ///   - note: what stands once under them.
    ///   - isSingle: whether there is one record and no more: JSON is then no array.
    ///   - columns: for CSV: the header where there is no record.
    ///   - row: for NumPy: the shape of a row, and what the file beside the array says of the model.
    init(
        _ choice: ResultChoice, _ console: Console, model: String? = nil, heading: String? = nil, note: String? = nil,
        isSingle: Bool = false, columns: [String] = [], row: (shape: [Int], fields: Fields)? = nil
    ) throws {
        let output = try Output(path: choice.path)
        let format = choice.format ?? (output.isTerminal ? .text : .jsonl)
        var sidecar: Sidecar?
        switch format {
        case .text: writer = TextWriter(output, heading: heading, note: note)
        case .jsonl: writer = JSONWriter(output, model: model)
        case .json: writer = JSONWriter(output, model: model, isArray: !isSingle)
        case .csv: writer = CSVWriter(output, model: model, columns: columns)
        case .pgcopy: writer = PGCopyWriter(output, model: model)
        case .npy:
            guard let row else { preconditionFailure("this command has no rows for NumPy") }
            if let path = choice.path, output.isPatchable { sidecar = try Sidecar(beside: path, fields: row.fields) }
            writer = try NPYWriter(output, rowShape: row.shape, sidecar: sidecar)
        }
        self.output = output
        self.format = format
        self.sidecar = sidecar
        self.console = console
    }

    /// Writes the one result of a command line.
    static func write(
        _ record: some Record, _ choice: ResultChoice, _ console: Console, model: String? = nil, note: String? = nil
    ) throws {
        let stream = try ResultStream(choice, console, model: model, note: note, isSingle: true)
        try stream.write(record)
        try stream.finish()
    }

    /// What stands once under results for people, where only the run itself can tell.
    func setNote(_ note: String?) { (writer as? TextWriter)?.note = note }

    /// Writes one result.
    func write(_ record: some Record) throws(CLIPError) {
        console.resultsBegin()
        if output.isTerminal { console.progress?.clear() }
        try writer.write(record)
        if output.isTerminal { try output.flush() }
        recordCount += 1
        console.progress?.advance()
    }

    /// Says why there are no results, which is an answer too: in place of them to people, else beside the data.
    func tell(_ answer: String) throws(CLIPError) {
        if format == .text { try output.write(displayed(answer) + "\n") } else { console.note(answer) }
    }

    /// Notes an input that has no result. What is wrong goes to standard error.
    /// - Parameter isTold: false where it was told of another input already.
    func fail(_ input: RecordName, _ message: String, isTold: Bool = true) throws(CLIPError) {
        if isTold { console.fail(message) }
        try sidecar?.addFailure(input, message)
        console.progress?.advance()
    }

    /// What was left out of folders, for the file beside an array.
    func setSkipped(_ files: [SkippedFiles]) { sidecar?.skipped = files }

    /// Hands on what waits in memory, when more may be long in coming.
    func flush() throws(CLIPError) { try output.flush() }

    /// Ends the stream; a file appears now. Where every input failed nothing replaces what stood there.
    func finish() throws(CLIPError) {
        console.progress?.clear()
        if recordCount == 0, output.isPatchable, console.hasFailed { return }
        try writer.finish()
        try sidecar?.commit()
        try output.finish()
    }
}
