import CLIP
import CLIPSystem

/// The labels that a command line gives or names files of.
struct LabelChoice {
    /// As `--labels` was written, and what it means.
    private let lists: [(text: String, labels: [String])]
    private let files: [String]

    init(_ arguments: Arguments, _ labels: Option, files: Option) throws(UsageError) {
        var lists: [(text: String, labels: [String])] = []
        for text in arguments.all(labels) { lists.append((text, try LabelList.parse(text))) }
        self.lists = lists
        self.files = arguments.all(files)
    }

    var isEmpty: Bool { lists.isEmpty && files.isEmpty }

    /// All of them, in order.
    func read(_ console: Console) throws(InputError) -> [String] {
        let labels = try lists.flatMap(\.labels) + LabelList.read(paths: files)
        if let label = labels.first(where: { $0.hasPrefix("-") && $0.count > 1 }) {
            console.warn(
                "the label \(quoted(label)) excludes nothing: to a model its dash is a word like any other; name what else the "
                    + "pictures may show as a label of its own")
        }
        return labels
    }

    /// Refuses words that were meant as labels and stand where pictures do: `--labels dog cat`.
    func checkCommas(_ paths: [[UInt8]]) throws(UsageError) {
        guard let list = lists.last(where: { $0.labels.count < 2 }) else { return }
        let words = paths.map { PathBytes($0) }.filter { path in
            guard case .missing = path.kind else { return false }
            return path.isText && !path.text.contains("/") && !Picture.isPictureName(path.text)
        }
        guard let word = words.first else { return }
        let meant = (list.labels + words.map(\.text)).map(displayed).joined(separator: ",")
        throw UsageError(
            "There is no file '\(displayed(word.text))'. Labels are one argument, separated by commas: --labels \"\(meant)\"."
        )
    }
}

/// Labels and templates as they are written on a command line or in a file.
enum LabelList {

    /// The lines of several files, in order, blank ones left out.
    static func read(paths: [String]) throws(InputError) -> [String] {
        var labels: [String] = []
        for path in paths { labels += try read(path: path) }
        return labels
    }

    /// Labels separated by commas, of which one may stand at the end. A label that holds a comma stands in double quotes, a
    /// quote inside them is doubled.
    static func parse(_ text: String) throws(UsageError) -> [String] {
        var labels: [String] = []
        var rest = Substring(text)
        while true {
            rest = rest.drop { $0 == " " }
            if rest.first == "\"" {
                labels.append(try quotedLabel(&rest, of: text))
                rest = rest.drop { $0 == " " }
                guard rest.isEmpty || rest.first == "," else {
                    throw UsageError("Expected a comma after \"\(displayed(labels[labels.count - 1]))\" in '--labels'.")
                }
            } else {
                let end = rest.firstIndex(of: ",") ?? rest.endIndex
                labels.append(trimmed(rest[..<end]))
                rest = rest[end...]
            }
            guard labels[labels.count - 1] != "" else {
                throw UsageError("Label \(labels.count) in '--labels \(displayed(text))' is empty.")
            }
            guard !rest.isEmpty else { return labels }
            rest.removeFirst()
            if rest.allSatisfy(\.isWhitespace) { return labels }
        }
    }

    private static func quotedLabel(_ rest: inout Substring, of text: String) throws(UsageError) -> String {
        var label = ""
        rest.removeFirst()
        while let character = rest.popFirst() {
            if character != "\"" {
                label.append(character)
            } else if rest.first == "\"" {
                label.append("\"")
                rest.removeFirst()
            } else {
                return label
            }
        }
        throw UsageError("A quote is never closed in '--labels \(displayed(text))'.")
    }

    /// The lines of a file, those that are blank left out.
    static func read(path: String) throws(InputError) -> [String] {
        let reader = try EntryReader(path: path, isNULSeparated: false)
        var labels: [String] = []
        while let line = try reader.next() {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw InputError.notUTF8("\(reader.name): line \(reader.number)")
            }
            let label = trimmed(text[...])
            if !label.isEmpty { labels.append(label) }
        }
        guard !labels.isEmpty else { throw InputError("\(reader.name): holds no labels, expected one a line") }
        return labels
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return String(text)
    }
}
