/// Help in the form that Swift's command line tools share.
package enum HelpText {
    package static let width = 80
    private static let column = 26

    /// The help of one command.
    package static func of(_ table: CommandTable) -> String {
        var text = paragraph("OVERVIEW: " + table.abstract)
        for part in table.discussion { text += "\n" + paragraph(part) }
        text += "\nUSAGE: \(table.usage)\n"
        if !table.positionals.isEmpty {
            text += "\nARGUMENTS:\n"
            for positional in table.positionals { text += entry("<\(positional.name)>", positional.help) }
        }
        for group in OptionGroup.allCases {
            let options = table.visibleForms.filter { $0.group == group }
            if options.isEmpty { continue }
            text += "\n\(group.rawValue):\n"
            for option in options { text += entry(option.label, option.help) }
        }
        return text + examples(table.examples)
    }

    /// The help of the program itself.
    package static func of(_ root: CommandTable, _ tables: [CommandTable]) -> String {
        var text = paragraph("OVERVIEW: " + root.abstract)
        for part in root.discussion { text += "\n" + paragraph(part) }
        text += "\nUSAGE: clip <subcommand>\n\nOPTIONS:\n"
        for option in root.visibleForms { text += entry(option.label, option.help) }
        text += "\nSUBCOMMANDS:\n"
        for table in tables { text += entry(table.name, table.abstract) }
        text += examples(root.examples)
        return text + "\n  See 'clip help <subcommand>' for detailed help.\n"
            + "  'clip --generate-completion-script bash' prints completions, for zsh and fish too.\n"
    }

    private static func examples(_ examples: [CommandTable.Example]) -> String {
        guard !examples.isEmpty else { return "" }
        return "\nEXAMPLES:\n" + examples.map { "  \($0.line)\n      \($0.comment)\n" }.joined()
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
        wrapped(text, width: width).map { $0 + "\n" }.joined()
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

/// The manual page, for `man -l` or a package.
package enum ManualPage {
    package static func text(_ root: CommandTable, _ tables: [CommandTable], version: String) -> String {
        var page = ".TH CLIP 1 \"\" \"\(version)\" \"User commands\"\n"
        page += ".SH NAME\nclip \\- \(escaped(root.abstract))\n"
        page += ".SH SYNOPSIS\n.B clip\n.I subcommand\n[options] [arguments]\n"
        page += ".SH DESCRIPTION\n" + root.discussion.map { escaped($0) + "\n" }.joined(separator: ".PP\n")
        page += entries(root)
        for table in tables {
            page += ".SH \(table.name.uppercased())\n\(escaped(table.abstract))\n"
            page += ".PP\n.nf\n\(escaped(table.usage))\n.fi\n"
            for part in table.discussion { page += ".PP\n\(escaped(part))\n" }
            page += entries(table) + examples(table)
        }
        page += ".SH EXIT STATUS\n"
        page += entry("0", "Everything succeeded.")
        page += entry("1", "Something failed; each failure is a line on standard error, and the rest was done.")
        page += entry("64", "The command line makes no sense.")
        page += ".SH ENVIRONMENT\n"
        page += entry("CLIP_MODEL", "The model to use where --model is not given.")
        page += entry("CLIP_THREADS", "How many threads compute where --threads is not given.")
        page += entry(
            "CLIP_ISA",
            "The instruction set to compute with: baseline, on x86-64 avx2, avx512 or avx512vnni, on arm64 dotprod or i8mm."
        )
        page += entry("HF_HUB_CACHE, HF_HOME", "Where models named org/name are looked up.")
        return page
    }

    private static func entries(_ table: CommandTable) -> String {
        table.positionals.map { entry("<\($0.name)>", $0.help) }.joined()
            + table.visibleForms.map { entry($0.label, $0.help) }.joined()
    }

    private static func examples(_ table: CommandTable) -> String {
        table.examples.map { ".PP\n\(escaped($0.comment))\n.PP\n.nf\n    \(escaped($0.line))\n.fi\n" }.joined()
    }

    private static func entry(_ label: String, _ help: String) -> String {
        ".TP\n\\fB\(escaped(label))\\fR\n\(escaped(help))\n"
    }

    /// A line that begins with a dot or a quote would be a command; a hyphen must stay one, to be copied.
    private static func escaped(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let guarded = line.first == "." || line.first == "'" ? "\\&" + line : String(line)
            return guarded.reduce(into: "") { $0 += $1 == "-" ? "\\-" : $1 == "\\" ? "\\e" : String($1) }
        }
        return lines.joined(separator: "\n")
    }
}
