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

/// Writes records one after another. Each format is one file.
protocol RecordWriter: AnyObject {
    func write(_ record: some Record) throws(OutputError)
    /// Ends what the records began. Nothing is handed on before the caller finishes the output.
    func finish() throws(OutputError)
}

/// One result in whatever form a format wants it.
protocol Record {
    /// For JSON: names and values in the order of reading.
    var fields: [(name: String, value: FieldValue)] { get }
    /// For CSV: the header, the same for every record of a command line.
    var columns: [String] { get }
    /// For CSV: the lines, each with a value per column.
    var rows: [[FieldValue]] { get }
    /// For people: whole lines.
    var text: String { get }
    /// For NumPy: what a row of the array belongs to, and the values of one row or several.
    var vectors: (name: RecordName, values: [Float])? { get }
}

extension Record {
    var columns: [String] { fields.map(\.name) }
    var rows: [[FieldValue]] { [fields.map(\.value)] }
    var vectors: (name: RecordName, values: [Float])? { nil }
}

/// A value in a record.
enum FieldValue {
    case null
    case truth(Bool)
    case integer(Int)
    case number(Float)
    case text(String)
    case integers([Int])
    case numbers([Float])
    /// What a name's text can't say: in base64 where the name is not UTF-8, else nothing in JSON, and an empty cell.
    case nameBytes([UInt8])
    case list([FieldValue])
    case object([(name: String, value: FieldValue)])

    /// The text, or null.
    static func optional(_ text: String?) -> FieldValue { text.map { .text($0) } ?? .null }
    /// The bytes of a name, in base64; nil where its text says it all.
    static func base64OfName(_ bytes: [UInt8]) -> String? {
        String(validating: bytes, as: UTF8.self) == nil ? base64(bytes) : nil
    }
    static func texts(_ texts: [String]) -> FieldValue { .list(texts.map { .text($0) }) }
}
