import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

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
        case .paths: writer = PathWriter(output, isNULSeparated: choice.isNULSeparated)
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
