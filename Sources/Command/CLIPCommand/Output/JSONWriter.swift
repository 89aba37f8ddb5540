/// One JSON object a line, alone or as the elements of one array.
final class JSONWriter: RecordWriter {
    private let output: Output
    private let isArray: Bool
    private var isEmpty = true

    init(_ output: Output, isArray: Bool) {
        self.output = output
        self.isArray = isArray
    }

    func write(_ record: some Record) throws(OutputError) {
        var line = ""
        if isArray { line += isEmpty ? "[\n" : ",\n" }
        FieldValue.object(record.fields).appendJSON(to: &line)
        if !isArray { line += "\n" }
        isEmpty = false
        try output.write(line)
    }

    func finish() throws(OutputError) {
        if isArray { try output.write(isEmpty ? "[]\n" : "\n]\n") }
    }
}
