import CLIP
import CLIPSystem
import CLIPJSON

extension PathBytes {
    /// The picture there, as the library reads it.
    var imageInput: PictureInput { isText ? .file(text) : .filePath(bytes) }
}

/// A picture, a caption of it, and what people wrote of it.
struct CaptionPair {
    let image: PathBytes
    let text: String
    var references: [String] = []
}

/// Rows of a caption file, one after another. Each keeps its text as it was, so that it can be written again with one
/// more column.
final class CaptionTable {
    enum Format: String, CaseIterable {
        /// JSON objects, or path, caption and references between tabs, one a line; both may come in one file.
        case lines
        /// With a header.
        case csv, tsv

        /// What the names of files with such rows end in.
        var endings: [String] {
            switch self {
            case .lines: ["jsonl", "ndjson", "txt", "tsv"]
            case .csv: ["csv", "txt"]
            case .tsv: ["tsv", "txt"]
            }
        }

        /// What a file's name says, `lines` for one that ends in neither .csv nor .tsv.
        init(path: String) {
            self = path.split(separator: ".").last.flatMap { Format(rawValue: $0.lowercased()) } ?? .lines
        }
    }

    struct Row {
        /// As it stands in the file, without its end.
        let text: [UInt8]
        let pair: CaptionPair
    }

    /// Why a row is none, and where.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// Where pictures, captions and references stand in the lines of a table.
    private struct Columns {
        var image = 0
        var caption = 1
        var references: [Int]?
        /// How many the header names; nil without one.
        var count: Int?
    }

    private static let imageNames = [
        "image", "image_path", "path", "file", "filename", "filepath", "file_name", "input",
    ]
    private static let captionNames = ["caption", "text", "title", "label"]

    let format: Format
    /// The header of a CSV or TSV file, as it stands there.
    private(set) var header: [UInt8]?
    private let reader: EntryReader
    private let imageNames: [String]
    private let captionNames: [String]
    private var columns = Columns()

    /// - Parameters:
    ///   - path: `-` for standard input.
    ///   - imageColumn: the name of the column or key with the pictures' paths; nil is the first usual one.
    ///   - captionColumn: the same of the captions.
    init(path: String, format: Format, imageColumn: String?, captionColumn: String?) throws(InputError) {
        reader = try EntryReader(path: path, isNULSeparated: false)
        self.format = format
        imageNames = imageColumn.map { [$0] } ?? CaptionTable.imageNames
        captionNames = captionColumn.map { [$0] } ?? CaptionTable.captionNames
        guard self.format != .lines else { return }
        guard let header = try record() else { throw InputError("\(reader.name): is empty, expected a header") }
        if let fault = header.fault { throw InputError(fault) }
        self.header = header.text
        let names = fields(header)
        columns.count = names.count
        columns.image = try column(imageNames, of: names, "image")
        columns.caption = try column(captionNames, of: names, "caption")
        columns.references = names.indices.filter { names[$0].hasPrefix("reference") }
    }

    /// What the file is called in messages.
    var name: String { reader.name }

    /// Up to `count` rows, or why one is none; fewer at the end, or when more would have to be waited for. Blank lines are
    /// passed over. Empty after the last.
    func batch(_ count: Int) throws(InputError) -> [Result<Row, Fault>] {
        var rows: [Result<Row, Fault>] = []
        while rows.count < count, rows.isEmpty || reader.isReady, let entry = try record() {
            let text = entry.text
            guard !text.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) else { continue }
            let place = "\(reader.name): line \(entry.line)"
            do throws(Fault) {
                if let fault = entry.fault { throw Fault(description: fault) }
                guard String(validating: text, as: UTF8.self) != nil else {
                    throw Fault(description: InputError.notUTF8(place).description)
                }
                let pair = try isObject(text) ? jsonPair(text, place) : tablePair(entry, place)
                rows.append(.success(Row(text: text, pair: pair)))
            } catch {
                rows.append(.failure(error))
            }
        }
        return rows
    }

    /// The text of a row with one more column.
    func appending(_ name: String, _ value: String, to row: [UInt8]) -> [UInt8] {
        if isObject(row) {
            let end = row.lastIndex(of: UInt8(ascii: "}")) ?? row.endIndex
            return row[..<end] + Array(",\(jsonString(name)):\(value)}".utf8)
        }
        return row + Array("\(format == .csv ? "," : "\t")\(value)".utf8)
    }

    private func isObject(_ row: [UInt8]) -> Bool {
        format == .lines && row.first { $0 != UInt8(ascii: " ") } == UInt8(ascii: "{")
    }

    /// A line, or in CSV several: a quoted value may hold line ends.
    private func record() throws(InputError) -> CSVEntry? {
        if format == .csv { return try reader.nextCSV() }
        return try reader.next().map { CSVEntry(text: $0, line: reader.number) }
    }

    private func jsonPair(_ text: [UInt8], _ place: String) throws(Fault) -> CaptionPair {
        let object: JSONValue
        do throws(JSONFault) {
            object = try JSONValue(parsing: text)
        } catch {
            throw Fault(description: "\(place): is no JSON object: \(error)")
        }
        func field(_ names: [String], _ what: String) throws(Fault) -> String {
            guard let found = names.lazy.compactMap({ object[$0]?.string }).first else {
                throw Fault(
                    description:
                        "\(place): expected a text under \(names.map { "\"\($0)\"" }.joined(separator: ", ")): "
                        + "name the \(what)s' key with --\(what)-column")
            }
            return found
        }
        let references = object["references"]?.array ?? []
        let texts = references.compactMap(\.string)
        guard texts.count == references.count, object["references"]?.array != nil || object["references"] == nil else {
            throw Fault(description: "\(place): expected \"references\" to be a list of texts")
        }
        return CaptionPair(
            image: PathBytes(try field(imageNames, "image")), text: try field(captionNames, "caption"),
            references: texts)
    }

    private func tablePair(_ entry: CSVEntry, _ place: String) throws(Fault) -> CaptionPair {
        let fields = fields(entry)
        if let count = columns.count, fields.count != count {
            throw Fault(
                description: "\(place): has \(fields.count) columns, the header \(count)"
                    + (format == .csv && fields.count > count
                        ? ": a value that holds a comma stands in double quotes" : ""))
        }
        let needed = max(columns.image, columns.caption) + 1
        guard fields.count >= needed, !fields[columns.image].isEmpty else {
            throw Fault(
                description: format == .lines
                    ? "\(place): expected {\"image\": ..., \"text\": ...}, or a picture's path, a tab and a caption"
                    : "\(place): names no picture")
        }
        let references =
            columns.references?.filter { $0 < fields.count && !fields[$0].isEmpty } ?? Array(2..<fields.count)
        return CaptionPair(
            image: PathBytes(fields[columns.image]), text: fields[columns.caption],
            references: references.map { fields[$0] })
    }

    /// The values of a line of CSV (RFC 4180) or between tabs.
    private func fields(_ entry: CSVEntry) -> [String] {
        guard format != .csv else { return entry.row.fields }
        return entry.text.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private func column(_ wanted: [String], of names: [String], _ what: String) throws(InputError) -> Int {
        guard let index = wanted.lazy.compactMap({ names.firstIndex(of: $0) }).first else {
            throw InputError(
                "\(name): has no column \(wanted.joined(separator: ", ")) but \(names.joined(separator: ", ")): name the "
                    + "\(what)s' with --\(what)-column; lines of path, tab and caption without a header are --pairs-format "
                    + "lines")
        }
        let count = names.count { $0 == names[index] }
        guard count == 1 else {
            throw InputError(
                "\(name): has \(count) columns named \(names[index]): which holds the \(what)s is not said")
        }
        return index
    }
}
