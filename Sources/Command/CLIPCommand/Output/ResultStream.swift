import CLIP

/// From records to their file: chooses the format, writes them in order, finishes or leaves no trace.
final class ResultStream {
    let format: OutputFormat
    private let output: Output
    private let writer: any RecordWriter
    private let sidecar: Sidecar?
    private let console: Console
    private var recordCount = 0

    /// - Parameters:
    ///   - heading: what stands once over results for people.
    ///   - note: what stands once under them.
    ///   - isSingle: whether there is one record and no more: JSON is then no array.
    ///   - row: for NumPy: the shape of a row, and what the file beside the array says of the model.
    init(
        _ options: OutputOptions, console: Console, heading: String? = nil, note: String? = nil,
        isSingle: Bool = false,
        row: (shape: [Int], fields: [(name: String, value: FieldValue)])? = nil
    ) throws {
        let output = try Output(path: options.path)
        let format = options.format ?? (output.isTerminal ? .text : .jsonl)
        var sidecar: Sidecar?
        switch format {
        case .text: writer = TextWriter(output, heading: heading, note: note)
        case .jsonl: writer = JSONWriter(output, isArray: false)
        case .json: writer = JSONWriter(output, isArray: !isSingle)
        case .csv: writer = CSVWriter(output)
        case .pgcopy: writer = PGCopyWriter(output)
        case .npy:
            guard let row else { preconditionFailure("this command has no rows for NumPy") }
            if let path = options.path, output.isPatchable { sidecar = try Sidecar(beside: path, fields: row.fields) }
            writer = try NPYWriter(output, rowShape: row.shape, sidecar: sidecar)
        }
        self.output = output
        self.format = format
        self.sidecar = sidecar
        self.console = console
    }

    /// What stands once under results for people, where only the run itself can tell.
    func setNote(_ note: String?) { (writer as? TextWriter)?.note = note }

    /// Writes one result.
    func write(_ record: some Record) throws(OutputError) {
        console.resultsBegin()
        if output.isTerminal { console.progress?.clear() }
        try writer.write(record)
        if output.isTerminal { try output.flush() }
        recordCount += 1
        console.progress?.advance()
    }

    /// Says why there are no results, which is an answer too: in place of them to people, else beside the data.
    func tell(_ answer: String) throws(OutputError) {
        if format == .text { try output.write(displayed(answer) + "\n") } else { console.note(answer) }
    }

    /// Notes an input that has no result. What is wrong goes to standard error.
    func fail(_ input: RecordName, _ message: String) throws(OutputError) {
        console.fail(message)
        try sidecar?.addFailure(input, message)
        console.progress?.advance()
    }

    /// What was left out of folders, for the file beside an array.
    func setSkipped(_ files: [SkippedFiles]) { sidecar?.skipped = files }

    /// Hands on what waits in memory, when more may be long in coming.
    func flush() throws(OutputError) { try output.flush() }

    /// Ends the stream; a file appears now. Where every input failed nothing replaces what stood there.
    func finish() throws(OutputError) {
        console.progress?.clear()
        if recordCount == 0, output.isPatchable, console.hasFailed { return }
        try writer.finish()
        try sidecar?.commit()
        try output.finish()
    }
}
