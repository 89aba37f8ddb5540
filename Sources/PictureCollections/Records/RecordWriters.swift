import CLIP
import CLIPJSON
import CLIPPictures
import CLIPSystem

/// Writes records one after another, each format in its own way.
package protocol RecordWriter: AnyObject {
    func write(_ record: some Record) throws(CLIPError)
    /// Ends what the records began. Nothing is handed on before the caller finishes the output.
    func finish() throws(CLIPError)
}

/// For people: what each record says of itself, and a heading before the first, a note after the last.
package final class TextWriter: RecordWriter {
    private let output: Output
    private let heading: String?
    /// What stands under the last record.
    package var note: String?
    private var isEmpty = true

    package init(_ output: Output, heading: String? = nil, note: String? = nil) {
        self.output = output
        self.heading = heading
        self.note = note
    }

    package func write(_ record: some Record) throws(CLIPError) {
        if let heading, isEmpty { try output.write(heading + "\n") }
        isEmpty = false
        try output.write(record.text)
    }

    package func finish() throws(CLIPError) {
        if let note, !isEmpty { try output.write(note + "\n") }
    }
}

/// One JSON object a line, alone or as the elements of one array.
package final class JSONWriter: RecordWriter {
    private let output: Output
    private let model: String?
    private let isArray: Bool
    private var isEmpty = true

    package init(_ output: Output, model: String? = nil, isArray: Bool = false) {
        self.output = output
        self.model = model
        self.isArray = isArray
    }

    package func write(_ record: some Record) throws(CLIPError) {
        var line = ""
        if isArray { line += isEmpty ? "[\n" : ",\n" }
        var fields = record.fields.completed(model: model)
        // Of what the preview inside a camera's raw file says it is told.
        if fields.contains(where: { $0.value.isNameOfRawFile }) { fields.append(("preview", .truth(true))) }
        FieldValue.appendObject(fields, to: &line)
        if !isArray { line += "\n" }
        isEmpty = false
        try output.write(line)
    }

    package func finish() throws(CLIPError) {
        if isArray { try output.write(isEmpty ? "[]\n" : "\n]\n") }
    }
}

extension FieldValue {
    fileprivate var isNameOfRawFile: Bool {
        if case .name(let name) = self { PictureFormats.isRawName(name.bytes) } else { false }
    }
}

/// Comma-separated values with a header line (RFC 4180).
package final class CSVWriter: RecordWriter {
    private let output: Output
    private let model: String?
    private let columns: [String]
    private var hasHeader = false

    /// - Parameter columns: the header of a table without lines.
    package init(_ output: Output, model: String?, columns: [String]) {
        self.output = output
        self.model = model
        self.columns = columns
    }

    package func write(_ record: some Record) throws(CLIPError) {
        for row in record.rows {
            let row = row.completed(model: model)
            if !hasHeader { try output.write(line(row.map { .text($0.name) })) }
            hasHeader = true
            try output.write(line(row.map(\.value)))
        }
    }

    package func finish() throws(CLIPError) {
        if !hasHeader, !columns.isEmpty { try output.write(line(columns.map { .text($0) })) }
    }

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
        case .name(let name): quoted(name.text, isTerminal: isTerminal)
        case .nameBytes(let bytes): base64OfName(bytes, isTerminal: isTerminal)
        case .integers(let values): values.map { "\($0)" }.joined(separator: " ")
        case .numbers(let values): values.map(\.description).joined(separator: " ")
        case .names, .list, .object: quoted(value.json, isTerminal: isTerminal)
        }
    }

    /// The bytes of a name whose cell can't say it.
    private static func base64OfName(_ bytes: [UInt8], isTerminal: Bool) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return isTerminal && displayed(text) != text ? base64OfBytes(bytes) : RecordName(bytes: bytes).base64 ?? ""
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

/// The bytes of paths, one a line or each ended by a NUL byte.
package final class PathWriter: RecordWriter {
    private let output: Output
    private let isNULSeparated: Bool

    package init(_ output: Output, isNULSeparated: Bool) {
        self.output = output
        self.isNULSeparated = isNULSeparated
    }

    package func write(_ record: some Record) throws(CLIPError) {
        for path in record.paths {
            let bytes = output.isTerminal ? Array(displayed(path.text).utf8) : path.bytes
            try output.write(bytes + [isNULSeparated ? 0 : UInt8(ascii: "\n")])
        }
    }

    package func finish() {}
}

/// Text for PostgreSQL's COPY: a line per row, columns separated by tabs, `\N` for null. Lists of numbers are written as
/// pgvector reads them, `[1,2,3]`.
package final class PGCopyWriter: RecordWriter {
    private let output: Output
    private let model: String?

    package init(_ output: Output, model: String?) {
        self.output = output
        self.model = model
    }

    package func write(_ record: some Record) throws(CLIPError) {
        // A column of text holds no such name, and a table has the columns that it has.
        let values = record.fields.list.map(\.value) + (model.map { [.text($0)] } ?? [])
        try output.write(values.map { PGCopyWriter.column($0) }.joined(separator: "\t") + "\n")
    }

    package func finish() {}

    static func column(_ value: FieldValue) -> String {
        switch value {
        case .null: return #"\N"#
        case .truth(let value): return value ? "t" : "f"
        case .text(let text): return escaped(text)
        case .name(let name): return escaped(name.text)
        default: return escaped(value.json)
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

/// A NumPy array of little-endian 32-bit floats in C order, a row per record.
///
/// The header says how many rows follow, which only the end knows: in a file it is written over at the end, for a pipe
/// the rows wait in a temporary file.
package final class NPYWriter: RecordWriter {
    private let output: Output
    private let rowShape: [Int]
    private let spool: Spool?
    private let sidecar: Sidecar?
    private var rowCount = 0

    /// - Parameters:
    ///   - rowShape: the shape of one row, `[dim]` or `[3, H, W]`.
    ///   - sidecar: says which row is which; nil when there is no file to put it beside.
    package init(_ output: Output, rowShape: [Int], sidecar: Sidecar?) throws(CLIPError) {
        self.output = output
        self.rowShape = rowShape
        self.sidecar = sidecar
        spool = output.isPatchable ? nil : try Spool()
        if output.isPatchable { try output.write(NPYWriter.header(shape: [0] + rowShape)) }
    }

    package func write(_ record: some Record) throws(CLIPError) {
        guard let (name, values) = record.vectors else { return }
        let rows = values.count / rowShape.reduce(1, *)
        rowCount += rows
        for _ in 0..<rows { try sidecar?.add(name) }
        let bytes = values.map(\.bitPattern.littleEndian).withUnsafeBytes { Array($0) }
        if let spool { try spool.write(bytes) } else { try output.write(bytes) }
    }

    package func finish() throws(CLIPError) {
        let header = NPYWriter.header(shape: [rowCount] + rowShape)
        if let spool {
            try output.write(header)
            try spool.replay { part throws(CLIPError) in try output.write(part) }
        } else {
            try output.patchStart(header)
        }
        try sidecar?.finish(shape: [rowCount] + rowShape)
    }

    /// A header of format version 1.0, always 192 bytes long, so that a later one fits in its place.
    static func header(shape: [Int]) -> [UInt8] {
        let length = 192
        let sizes = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(sizes)), }"
        let dictionaryLength = length - 10
        let padding = String(repeating: " ", count: dictionaryLength - 1 - text.utf8.count)
        let sizeField = [UInt8(dictionaryLength & 0xFF), UInt8(dictionaryLength >> 8)]
        return [0x93] + Array("NUMPY".utf8) + [1, 0] + sizeField + Array((text + padding + "\n").utf8)
    }
}

/// The file `x.npy.json` beside `x.npy`: which model made the rows, and which input is which.
package final class Sidecar {
    private let output: Output
    /// Failed inputs wait here, outside memory: a list of names can be long and all of it wrong.
    private let failures: Spool
    private var inputCount = 0
    /// Inputs whose names are no text, by their rows.
    private var nameBytes: Fields = [:]
    /// What was left out of folders.
    package var skipped: [SkippedFiles] = []

    /// - Parameters:
    ///   - path: of the array.
    ///   - fields: what is said of the model.
    package init(beside path: String, fields: Fields) throws(CLIPError) {
        output = try Output(path: path + ".json")
        failures = try Spool()
        var text = "{\n"
        for (name, value) in fields.list { text += "\(jsonString(name)):\(value.json),\n" }
        try output.write(text + "\"inputs\":[")
    }

    /// The input that the next row belongs to.
    func add(_ input: RecordName) throws(CLIPError) {
        try output.write((inputCount > 0 ? ",\n" : "\n") + jsonString(input.text))
        if input.base64 != nil { nameBytes.add("\(inputCount)", FieldValue.nameBytes(input.bytes)) }
        inputCount += 1
    }

    /// An input that has no row, and why.
    package func addFailure(_ input: RecordName, _ message: String) throws(CLIPError) {
        let text = (failures.byteCount > 0 ? ",\n" : "\n") + Fields.failure(input, message).fieldValue.json
        try failures.write(Array(text.utf8))
    }

    /// Writes the end; the file appears with `commit`.
    package func finish(shape: [Int]) throws(CLIPError) {
        try output.write("\n],\n\"failed\":[")
        try failures.replay { part throws(CLIPError) in try output.write(part) }
        var more = "\"skipped\":" + skipped.fieldValue.json
        if !nameBytes.list.isEmpty { more += ",\n\"input_bytes\":" + nameBytes.fieldValue.json }
        try output.write(
            "\n],\n\(more),\n\"shape\":[\(shape.map(String.init).joined(separator: ","))],\n\"dtype\":\"float32\"\n}\n"
        )
    }

    package func commit() throws(CLIPError) { try output.finish() }
}
