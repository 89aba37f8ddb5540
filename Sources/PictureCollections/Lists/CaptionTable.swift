import CLIPJSON
import CLIPPictures
import CLIPSystem

/// Rows of a caption file, one after another. Each keeps its text as it was, so that it can be written again with one
/// more column.
package final class CaptionTable {
    package enum Format: String, CaseIterable, Sendable {
        /// JSON objects, or path, caption and references between tabs, one a line; both may come in one file.
        case lines
        /// With a header.
        case csv, tsv

        /// What the names of files with such rows end in.
        package var endings: [String] {
            switch self {
            case .lines: ["jsonl", "ndjson", "txt", "tsv"]
            case .csv: ["csv", "txt"]
            case .tsv: ["tsv", "txt"]
            }
        }

        /// What a file's name says, `lines` for one that ends in neither .csv nor .tsv.
        package init(path: String) {
            self = path.split(separator: ".").last.flatMap { Format(rawValue: $0.lowercased()) } ?? .lines
        }
    }

    package struct Row {
        /// As it stands in the file, without its end.
        package let text: [UInt8]
        package let pair: CaptionPair
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
    package private(set) var header: [UInt8]?
    private let reader: any CaptionLines
    private let imageNames: [String]
    private let captionNames: [String]
    private let howToName: (_ what: String, _ isColumn: Bool) -> String
    private var columns = Columns()

    /// - Parameters:
    ///   - path: `-` for standard input; of a tar or zip archive the pictures inside, each with the text of the same name.
    ///   - imageColumn: the name of the column or key with the pictures' paths; nil is the first usual one.
    ///   - captionColumn: the same of the captions.
    ///   - howToName: what follows an error about a column, or else a key, that isn't found: how its name is given.
    package init(
        path: String, format: Format, imageColumn: String?, captionColumn: String?,
        howToName: @escaping (_ what: String, _ isColumn: Bool) -> String
    ) throws(CLIPError) {
        self.format = format
        let imageNames = imageColumn.map { [$0] } ?? CaptionTable.imageNames
        let captionNames = captionColumn.map { [$0] } ?? CaptionTable.captionNames
        (self.imageNames, self.captionNames, self.howToName) = (imageNames, captionNames, howToName)
        if format == .lines, ArchiveDirectory.isArchive(PathBytes(path)) {
            reader = try ShardCaptions(PathBytes(path), imageName: imageNames[0], captionNames: captionNames)
        } else {
            reader = try EntryReader(path: path, isNULSeparated: false)
        }
        guard self.format != .lines else { return }
        guard let header = try record() else {
            throw CLIPError(.storage, path: reader.name, "is empty, expected a header")
        }
        if let fault = header.fault { throw fault }
        self.header = header.text
        let names = fields(header)
        columns.count = names.count
        columns.image = try column(imageNames, of: names, "image")
        columns.caption = try column(captionNames, of: names, "caption")
        columns.references = names.indices.filter { names[$0].hasPrefix("reference") }
    }

    /// What the file is called in messages.
    package var name: String { reader.name }

    /// Up to `count` rows, or why one is none; fewer at the end, or when more would have to be waited for. Blank lines are
    /// passed over. Empty after the last.
    package func batch(_ count: Int) throws(CLIPError) -> [Result<Row, CLIPError>] {
        var rows: [Result<Row, CLIPError>] = []
        while rows.count < count, rows.isEmpty || reader.isReady, let entry = try record() {
            let text = entry.text
            guard !text.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) else { continue }
            let place = "\(reader.name): line \(entry.line)"
            do throws(CLIPError) {
                if let fault = entry.fault { throw fault }
                guard String(validating: text, as: UTF8.self) != nil else {
                    throw CLIPError.notUTF8(place)
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
    package func appending(_ name: String, _ value: String, to row: [UInt8]) -> [UInt8] {
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
    private func record() throws(CLIPError) -> CSVEntry? {
        if format == .csv, let reader = reader as? EntryReader { return try reader.nextCSV() }
        return try reader.next().map { CSVEntry(text: $0, line: reader.number) }
    }

    private func jsonPair(_ text: [UInt8], _ place: String) throws(CLIPError) -> CaptionPair {
        let object = try JSONValue(parsing: text, at: JSONPlace(place, .storage, part: "is no JSON object: "))
        func field(_ names: [String], _ what: String) throws(CLIPError) -> String {
            guard let found = names.lazy.compactMap({ object[$0]?.string }).first else {
                throw CLIPError(
                    .storage, path: place,
                    "expected a text under \(names.map { "\"\($0)\"" }.joined(separator: ", "))\(howToName(what, false))"
                )
            }
            return found
        }
        let references = object["references"]?.array ?? []
        let texts = references.compactMap(\.string)
        guard texts.count == references.count, object["references"]?.array != nil || object["references"] == nil else {
            throw CLIPError(.storage, path: place, "expected \"references\" to be a list of texts")
        }
        return CaptionPair(
            picture: PathBytes(try field(imageNames, "image")), caption: try field(captionNames, "caption"),
            references: texts)
    }

    private func tablePair(_ entry: CSVEntry, _ place: String) throws(CLIPError) -> CaptionPair {
        let fields = fields(entry)
        if let count = columns.count, fields.count != count {
            throw CLIPError(
                .storage, path: place,
                "has \(fields.count) columns, the header \(count)"
                    + (format == .csv && fields.count > count
                        ? ": a value that holds a comma stands in double quotes" : ""))
        }
        let needed = max(columns.image, columns.caption) + 1
        guard fields.count >= needed, !fields[columns.image].isEmpty else {
            throw CLIPError(
                .storage, path: place,
                format == .lines
                    ? "expected {\"image\": ..., \"text\": ...}, or a picture's path, a tab and a caption"
                    : "names no picture")
        }
        let references =
            columns.references?.filter { $0 < fields.count && !fields[$0].isEmpty } ?? Array(2..<fields.count)
        return CaptionPair(
            picture: PathBytes(fields[columns.image]), caption: fields[columns.caption],
            references: references.map { fields[$0] })
    }

    /// The values of a line of CSV (RFC 4180) or between tabs.
    private func fields(_ entry: CSVEntry) -> [String] {
        guard format != .csv else { return entry.row.fields }
        return entry.text.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    private func column(_ wanted: [String], of names: [String], _ what: String) throws(CLIPError) -> Int {
        guard let index = wanted.lazy.compactMap({ names.firstIndex(of: $0) }).first else {
            throw CLIPError(
                .storage, path: name,
                "has no column \(wanted.joined(separator: ", ")) but \(names.joined(separator: ", "))"
                    + howToName(what, true))
        }
        let count = names.count { $0 == names[index] }
        guard count == 1 else {
            throw CLIPError(
                .storage, path: name, "has \(count) columns named \(names[index]): which holds the \(what)s is not said"
            )
        }
        return index
    }
}
