import CLIPSystem

/// Help in the form that Swift's command line tools share.
package enum HelpText {
    /// As many columns as the terminal has on standard output, as far as lines of that length can be read; 80 where it goes elsewhere.
    package static var width: Int { min(100, max(40, Terminal.columns(STDOUT_FILENO) ?? 80)) }
    private static let column = 26

    /// The help of one command.
    package static func of(_ table: CommandTable) -> String {
        var text = paragraph("OVERVIEW: " + table.abstract)
        for part in table.discussion { text += "\n" + paragraph(part) }
        text += "\n\(heading("USAGE:")) \(table.usage)\n"
        if !table.positionals.isEmpty {
            text += "\n\(heading("ARGUMENTS:"))\n"
            for positional in table.positionals { text += entry("<\(positional.name)>", positional.help) }
        }
        for group in OptionGroup.allCases {
            let options = table.visibleForms.filter { $0.group == group }
            if options.isEmpty { continue }
            text += "\n\(heading(group.rawValue + ":"))\n"
            for option in options { text += entry(option.label, option.help) }
        }
        return text + examples(table.examples)
    }

    /// The help of the program itself.
    package static func of(_ root: CommandTable, _ tables: [CommandTable]) -> String {
        var text = paragraph("OVERVIEW: " + root.abstract)
        for part in root.discussion { text += "\n" + paragraph(part) }
        text += "\n\(heading("USAGE:")) clip <subcommand>\n\n\(heading("OPTIONS:"))\n"
        for option in root.visibleForms { text += entry(option.label, option.help) }
        text += "\n\(heading("SUBCOMMANDS:"))\n"
        for table in tables { text += entry(table.name, table.abstract) }
        text += examples(root.examples)
        return text + "\n  See 'clip help <subcommand>' for detailed help.\n"
            + "\n\(heading("COMPLETIONS:"))\n"
            + CompletionShell.allCases.map { "  \($0.rawValue): \($0.installation)\n" }.joined()
    }

    private static func examples(_ examples: [CommandTable.Example]) -> String {
        guard !examples.isEmpty else { return "" }
        return "\n\(heading("EXAMPLES:"))\n" + examples.map { "  \($0.line)\n      \($0.comment)\n" }.joined()
    }

    private static func entry(_ label: String, _ help: String) -> String {
        let lines = wrapped(help, width: width - column)
        let indent = String(repeating: " ", count: column)
        var text = "  " + label
        if text.utf8.count + 2 > column {
            text += "\n" + indent
        } else {
            text += String(repeating: " ", count: column - text.utf8.count)
        }
        return text + lines.joined(separator: "\n" + indent) + "\n"
    }

    private static func paragraph(_ text: String) -> String {
        let lines = wrapped(text, width: width).map { $0 + "\n" }.joined()
        let start = "OVERVIEW:"
        return lines.hasPrefix(start) ? heading(start) + lines.dropFirst(start.count) : lines
    }

    private static func heading(_ text: String) -> String {
        Terminal.emphasized(text, .heading, on: STDOUT_FILENO)
    }

    /// `text` in lines of at most `width` columns, broken at spaces. Line ends stay.
    package static func wrapped(_ text: String, width: Int) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line -> [String] in
            var lines: [String] = []
            var current = ""
            for word in line.split(separator: " ", omittingEmptySubsequences: false) {
                if !current.isEmpty, current.count + 1 + word.count > width {
                    lines.append(current)
                    current = ""
                }
                current += (current.isEmpty ? "" : " ") + word
            }
            return lines + [current]
        }
    }
}
