import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// The labels that a command line gives or names files of.
struct LabelChoice {
    /// As `--labels` was written, and what it means.
    private let lists: [(text: String, labels: [String])]
    private let files: [String]

    init(_ arguments: inout Arguments, _ labels: Option<[String]>, files: Option<[String]>) throws(UsageError) {
        var lists: [(text: String, labels: [String])] = []
        for text in arguments.take(labels) { lists.append((text, try LabelList.parse(text))) }
        self.lists = lists
        self.files = arguments.take(files)
    }

    var isEmpty: Bool { lists.isEmpty && files.isEmpty }

    /// All of them, in order.
    func read(_ console: Console) throws(CLIPError) -> [String] {
        let labels = try lists.flatMap(\.labels) + lines(ofLists: files)
        if let label = labels.first(where: { $0.hasPrefix("-") && $0.count > 1 }) {
            console.warn(
                "the label \(excerpt(label)) excludes nothing: to a model its dash is a word like any other; name what else the "
                    + "pictures may show as a label of its own")
        }
        return labels
    }

    /// Refuses labels of which a wording between bars is empty: whether it was forgotten can't be told.
    static func checkWordings(_ labels: [String]) throws(CLIPError) {
        for label in labels {
            let wordings = label.split(separator: "|", omittingEmptySubsequences: false)
            guard wordings.contains(where: { $0.allSatisfy(\.isWhitespace) }) else { continue }
            throw CLIPError(
                .argument,
                "The label \(excerpt(displayed(label))) has an empty wording: leave out the bar, or name the wording.")
        }
    }

    /// Refuses a command line without labels, and words that were meant as labels and stand where pictures do:
    /// `--labels dog cat`.
    func checkAreGiven(beside paths: [[UInt8]]) throws(UsageError) {
        guard !isEmpty else {
            throw UsageError("Missing expected option '--labels <labels>' or '--labels-file <file>'.")
        }
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

/// Labels as they are written on a command line.
enum LabelList {
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
                labels.append(rest[..<end].trimmingSpaces)
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
}
