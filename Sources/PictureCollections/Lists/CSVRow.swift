import CLIPSystem

/// The values of a row of CSV (RFC 4180), which takes several lines where a quoted value holds line ends.
///
/// A quote opens a value as its first byte alone; elsewhere in a value without quotes it is text.
struct CSVRow {
    private enum State {
        case start, plain, quoted, closed
    }

    private var values: [[UInt8]] = [[]]
    private var state = State.start
    /// In which line the last quoted value begins.
    private(set) var openedLine = 0
    /// In which line text stands behind a closing quote, if there is such.
    private(set) var faultyLine: Int?

    /// Whether a quoted value goes on in the next line.
    var isOpen: Bool { state == .quoted }

    var fields: [String] { values.map { String(decoding: $0, as: UTF8.self) } }

    /// Takes another line, without its end.
    mutating func append(_ line: [UInt8], number: Int) {
        if isOpen { values[values.count - 1].append(UInt8(ascii: "\n")) }
        var position = 0
        while position < line.count {
            let byte = line[position]
            position += 1
            switch (state, byte) {
            case (.start, UInt8(ascii: "\"")):
                (state, openedLine) = (.quoted, number)
            case (.quoted, UInt8(ascii: "\"")):
                if position < line.count, line[position] == byte {
                    values[values.count - 1].append(byte)
                    position += 1
                } else {
                    state = .closed
                }
            case (.start, UInt8(ascii: ",")), (.plain, UInt8(ascii: ",")), (.closed, UInt8(ascii: ",")):
                values.append([])
                state = .start
            case (.closed, _):
                faultyLine = faultyLine ?? number
            default:
                values[values.count - 1].append(byte)
                if state == .start { state = .plain }
            }
        }
    }
}

/// A row of CSV as it stands in its file.
struct CSVEntry {
    /// Without its end.
    var text: [UInt8]
    /// The number of its first line.
    let line: Int
    var row = CSVRow()
    /// Why it is none.
    var fault: CLIPError?
}

extension EntryReader {
    /// The next row of a file of CSV; nil after the last.
    func nextCSV() throws(CLIPError) -> CSVEntry? {
        guard let text = try next() else { return nil }
        var entry = CSVEntry(text: text, line: number)
        entry.row.append(text, number: number)
        while entry.row.isOpen, let more = try next() {
            entry.row.append(more, number: number)
            entry.text += [UInt8(ascii: "\n")] + more
            guard entry.text.count <= EntryReader.longestEntry else {
                throw CLIPError(
                    .storage, path: "\(name): line \(entry.row.openedLine)",
                    "the quoted value that begins here is longer than "
                        + "\(EntryReader.longestEntry) bytes: is its closing quote missing?")
            }
        }
        if entry.row.isOpen {
            let count = number - entry.row.openedLine
            let lost = count == 0 ? "" : ", the \(count == 1 ? "line" : "\(count) lines") behind it with it"
            entry.fault = CLIPError(
                .storage, path: "\(name): line \(entry.row.openedLine)",
                "the quoted value that begins here has no closing quote, so this row is left out\(lost): close it (a quote "
                    + "that belongs to the value is doubled)")
        } else if let line = entry.row.faultyLine {
            entry.fault = CLIPError(
                .storage, path: "\(name): line \(line)",
                "expected a comma or the line's end behind a closing quote (a quote that belongs to the value is doubled)"
            )
        }
        return entry
    }
}
