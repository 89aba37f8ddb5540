import PictureCollections

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
            try output.write(line(record.columns.map { .text($0) }))
        }
        for row in record.rows { try output.write(line(row)) }
    }

    func finish() {}

    private func line(_ row: [FieldValue]) -> String {
        let isTerminal = output.isTerminal
        return row.map { CSVWriter.cell($0, isTerminal: isTerminal) }.joined(separator: ",") + "\r\n"
    }

    /// - Parameter isTerminal: whether control characters are escaped. Everywhere else a cell is the exact text.
    static func cell(_ value: FieldValue, isTerminal: Bool = false) -> String {
        switch value {
        case .null: ""
        case .truth(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): value.description
        case .text(let text): quoted(text, isTerminal: isTerminal)
        case .nameBytes(let bytes): base64OfName(bytes, isTerminal: isTerminal)
        case .integers(let values): values.map { "\($0)" }.joined(separator: " ")
        case .numbers(let values): values.map(\.description).joined(separator: " ")
        case .list, .object: quoted(json(value), isTerminal: isTerminal)
        }
    }

    /// The bytes of a name whose cell can't say it.
    private static func base64OfName(_ bytes: [UInt8], isTerminal: Bool) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return isTerminal && displayed(text) != text ? base64(bytes) : FieldValue.base64OfName(bytes) ?? ""
    }

    private static func json(_ value: FieldValue) -> String {
        var text = ""
        value.appendJSON(to: &text)
        return text
    }

    /// Line ends and tabs stay as they are, in quotes; at a terminal other control characters are escaped.
    private static func quoted(_ text: String, isTerminal: Bool) -> String {
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
            case _ where isTerminal: result += displayed(String(scalar))
            default:
                result.unicodeScalars.append(scalar)
                if scalar.value < 0x20 { needsQuotes = true }
            }
        }
        return needsQuotes ? "\"\(result)\"" : result
    }
}
