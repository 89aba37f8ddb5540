/// The manual page, for `man -l` or a package.
enum ManualPage {
    static func text(_ root: CommandTable, _ tables: [CommandTable]) -> String {
        var page = ".TH CLIP 1 \"\" \"\(Root.versionText)\" \"User commands\"\n"
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
        page += entry("CLIP_ISA", "baseline, avx2, avx512 or avx512vnni: the instruction set to compute with.")
        page += entry("HF_HUB_CACHE, HF_HOME", "Where models named org/name are looked up.")
        return page
    }

    private static func entries(_ table: CommandTable) -> String {
        table.positionals.map { entry("<\($0.name)>", $0.help) }.joined()
            + table.visibleOptions.map { entry(HelpText.label($0), $0.help) }.joined()
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
