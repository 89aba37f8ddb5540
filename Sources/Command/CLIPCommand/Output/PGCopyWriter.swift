/// Text for PostgreSQL's COPY: a line per row, columns separated by tabs, `\N` for null. Lists of numbers are written as
/// pgvector reads them, `[1,2,3]`.
final class PGCopyWriter: RecordWriter {
    private let output: Output

    init(_ output: Output) {
        self.output = output
    }

    func write(_ record: some Record) throws(OutputError) {
        // A column of text holds no such name, and a table has the columns that it has.
        let values = record.fields.map(\.value).filter { if case .nameBytes = $0 { false } else { true } }
        try output.write(values.map { PGCopyWriter.column($0) }.joined(separator: "\t") + "\n")
    }

    func finish() {}

    static func column(_ value: FieldValue) -> String {
        switch value {
        case .null: return #"\N"#
        case .truth(let value): return value ? "t" : "f"
        case .text(let text): return escaped(text)
        default:
            var json = ""
            value.appendJSON(to: &json)
            return escaped(json)
        }
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += #"\\"#
            case "\t": result += #"\t"#
            case "\n": result += #"\n"#
            case "\r": result += #"\r"#
            // PostgreSQL's text holds no NUL.
            case "\0": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
