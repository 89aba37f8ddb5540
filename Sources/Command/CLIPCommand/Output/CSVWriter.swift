/// Comma-separated values with a header line (RFC 4180).
final class CSVWriter: RecordWriter {
    private let output: Output
    private var hasHeader = false

    init(_ output: Output) {
        self.output = output
    }

    func write(_ record: some Record) throws(OutputError) {
        if !hasHeader {
            hasHeader = true
            try output.write(CSVWriter.line(record.columns.map { .text($0) }))
        }
        for row in record.rows { try output.write(CSVWriter.line(row)) }
    }

    func finish() {}

    private static func line(_ row: [FieldValue]) -> String {
        row.map(cell).joined(separator: ",") + "\r\n"
    }

    static func cell(_ value: FieldValue) -> String {
        switch value {
        case .null: ""
        case .truth(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): value.description
        case .text(let text): quoted(text)
        case .nameBytes(let bytes): FieldValue.base64OfName(bytes) ?? ""
        case .integers(let values): values.map { "\($0)" }.joined(separator: " ")
        case .numbers(let values): values.map(\.description).joined(separator: " ")
        case .list, .object: quoted(json(value))
        }
    }

    private static func json(_ value: FieldValue) -> String {
        var text = ""
        value.appendJSON(to: &text)
        return text
    }

    /// Line ends and tabs stay as they are, in quotes; other control characters are escaped as everywhere.
    private static func quoted(_ text: String) -> String {
        var result = ""
        var needsQuotes = text.utf8.first == UInt8(ascii: " ") || text.utf8.last == UInt8(ascii: " ")
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"":
                result += "\"\""
                needsQuotes = true
            case ",", "\r", "\n", "\t":
                result.unicodeScalars.append(scalar)
                needsQuotes = true
            default: result += displayed(String(scalar))
            }
        }
        return needsQuotes ? "\"\(result)\"" : result
    }
}
