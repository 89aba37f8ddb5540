/// Labels and templates as they are written on a command line or in a file.
enum LabelList {
    /// The labels of several such texts, in order.
    static func parse(_ texts: [String]) throws(UsageError) -> [String] {
        var labels: [String] = []
        for text in texts { labels += try parse(text) }
        return labels
    }

    /// The lines of several files, in order, blank ones left out.
    static func read(paths: [String]) throws(InputError) -> [String] {
        var labels: [String] = []
        for path in paths { labels += try read(path: path) }
        return labels
    }

    /// Labels separated by commas. One that holds a comma stands in double quotes, a quote inside them is doubled.
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
