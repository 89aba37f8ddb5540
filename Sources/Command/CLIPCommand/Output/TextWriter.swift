/// For people: what each record says of itself, and a heading before the first, a note after the last.
final class TextWriter: RecordWriter {
    private let output: Output
    private let heading: String?
    /// What stands under the last record.
    var note: String?
    private var isEmpty = true

    init(_ output: Output, heading: String?, note: String?) {
        self.output = output
        self.heading = heading
        self.note = note
    }

    func write(_ record: some Record) throws(OutputError) {
        if let heading, isEmpty { try output.write(heading + "\n") }
        isEmpty = false
        try output.write(record.text)
    }

    func finish() throws(OutputError) {
        if let note, !isEmpty { try output.write(note + "\n") }
    }
}
