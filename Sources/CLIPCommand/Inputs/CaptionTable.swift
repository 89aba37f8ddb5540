import JSON

/// Rows of a caption file, one after another: JSON lines, or CSV or TSV with a header. Each keeps its text as it was, so
/// that it can be written again with one more column.
final class CaptionTable {
    enum Format: String, CaseIterable {
        case jsonl, csv, tsv
    }

    /// A picture and its caption.
    struct Row {
        /// As it stands in the file, without its end.
        let text: [UInt8]
        /// Its number in the file, from 1; that of its first line.
        let line: Int
        let image: String
        let caption: String
    }

    /// A row that is none, and where.
    struct Fault: Error {
        let description: String
    }

    static let imageColumns = ["image", "image_path", "path", "file", "filename", "filepath", "file_name", "input"]
    static let captionColumns = ["caption", "text", "title", "label"]

    let format: Format
    /// The header of a CSV or TSV file, as it stands there.
    private(set) var header: [UInt8]?
    private let reader: EntryReader
    private let imageColumn: String?
    private let captionColumn: String?
    private var imageIndex = 0
    private var captionIndex = 0

    /// - Parameters:
    ///   - path: `-` for standard input.
    ///   - format: nil is what the name says, JSON lines for a name that says nothing.
    ///   - imageColumn: the name of the column with the pictures' paths; nil is the first usual one.
    ///   - captionColumn: the same of the captions.
    init(path: String, format: Format?, imageColumn: String?, captionColumn: String?) throws(InputError) {
        reader = try EntryReader(path: path, isNULSeparated: false)
        let suffix = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
        self.format = format ?? Format(rawValue: suffix) ?? .jsonl
        self.imageColumn = imageColumn
        self.captionColumn = captionColumn
        guard self.format != .jsonl else { return }
        guard let header = try record() else { throw InputError("\(reader.name): is empty, expected a header") }
        self.header = header.text
        let names = fields(header.text)
        imageIndex = try CaptionTable.column(imageColumn, CaptionTable.imageColumns, names, "image", reader.name)
        captionIndex = try CaptionTable.column(
            captionColumn, CaptionTable.captionColumns, names, "caption", reader.name)
    }

    /// Whether `next` would return at once.
    var isReady: Bool { reader.isReady }

    /// The next row, or why it is none; nil after the last. Blank lines are passed over.
    func next() throws(InputError) -> Result<Row, Fault>? {
        while let (text, line) = try record() {
            guard text.contains(where: { $0 != UInt8(ascii: " ") }) else { continue }
            do throws(Fault) {
                let (image, caption) = try format == .jsonl ? jsonFields(text) : tableFields(text)
                return .success(Row(text: text, line: line, image: image, caption: caption))
            } catch {
                return .failure(Fault(description: "\(reader.name): line \(line): \(error.description)"))
            }
        }
        return nil
    }

    /// The text of a row with one more column.
    func appending(_ name: String, _ value: String, to row: [UInt8]) -> [UInt8] {
        switch format {
        case .jsonl:
            let end = row.lastIndex(of: UInt8(ascii: "}")) ?? row.endIndex
            return row[..<end] + Array(",\(jsonString(name)):\(value)}".utf8)
        case .csv: return row + Array(",\(value)".utf8)
        case .tsv: return row + Array("\t\(value)".utf8)
        }
    }

    /// A line, or in CSV several: a quoted value may hold line ends.
    private func record() throws(InputError) -> (text: [UInt8], line: Int)? {
        guard var text = try reader.next() else { return nil }
        let line = reader.number
        guard format == .csv else { return (text, line) }
        while text.count(where: { $0 == UInt8(ascii: "\"") }) % 2 == 1, text.count < EntryReader.longestEntry,
            let more = try reader.next()
        {
            text += [UInt8(ascii: "\n")] + more
        }
        return (text, line)
    }

    private func jsonFields(_ text: [UInt8]) throws(Fault) -> (String, String) {
        guard let value = try? JSONValue(parsing: text), let object = value.object else {
            throw Fault(description: "is not a JSON object")
        }
        func field(_ asked: String?, _ usual: [String], _ what: String) throws(Fault) -> String {
            let names = asked.map { [$0] } ?? usual
            guard let found = names.compactMap({ object[$0]?.string }).first else {
                throw Fault(
                    description: "has no text under \(names.map { "\"\($0)\"" }.joined(separator: ", ")): name the "
                        + "\(what)s' key with --\(what)-column")
            }
            return found
        }
        return (
            try field(imageColumn, CaptionTable.imageColumns, "image"),
            try field(captionColumn, CaptionTable.captionColumns, "caption")
        )
    }

    private func tableFields(_ text: [UInt8]) throws(Fault) -> (String, String) {
        let fields = fields(text)
        guard fields.count > max(imageIndex, captionIndex) else {
            throw Fault(
                description: "has \(fields.count) columns, expected at least \(max(imageIndex, captionIndex) + 1)")
        }
        return (fields[imageIndex], fields[captionIndex])
    }

    /// The values of a line of CSV (RFC 4180) or TSV.
    private func fields(_ text: [UInt8]) -> [String] {
        guard format == .csv else {
            return text.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        return csvFields(text)
    }

    private static func column(
        _ asked: String?, _ usual: [String], _ names: [String], _ what: String, _ file: String
    ) throws(InputError) -> Int {
        let wanted = asked.map { [$0] } ?? usual
        guard let index = wanted.compactMap({ names.firstIndex(of: $0) }).first else {
            throw InputError(
                "\(file): has no column \(wanted.joined(separator: ", ")) but \(names.joined(separator: ", ")): name the "
                    + "\(what)s' with --\(what)-column")
        }
        return index
    }
}
