import CLIPSystem

/// Manual pages in the language of man(7), for `man -l` or a package.
package enum ManualPage {
    /// clip(1): the program, and where its commands are described.
    package static func main(_ root: CommandTable, _ tables: [CommandTable]) -> String {
        var page = head(root.name, root.abstract)
        page += ".SH SYNOPSIS\n.B clip\n.I subcommand\n[options] [arguments]\n"
        page += ".SH DESCRIPTION\n" + paragraphs(root.discussion) + ".SH OPTIONS\n"
        page += entries(root, in: .command)
        page += ".SH SUBCOMMANDS\nEach has a page of its own, such as\n.BR clip\\-\(escaped(tables[0].name)) (1).\n"
        for table in tables { page += ".TP\n.BR clip\\-\(escaped(table.name)) (1)\n\(escaped(table.abstract))\n" }
        page += examples(root) + ".SH EXIT STATUS\n"
        page += entry("0", "Everything succeeded.")
        page += entry("1", "Something failed; each failure is a line on standard error, and the rest was done.")
        page += entry("64", "The command line makes no sense.")
        page += ".SH ENVIRONMENT\n"
        page += entry("CLIP_MODEL", "The model to use where --model is not given.")
        page += entry("CLIP_MODELS", "The folder of installed models: .clip files that are called by their bare names.")
        page += entry("CLIP_THREADS", "How many threads compute where --threads is not given.")
        page += entry(
            "CLIP_ISA",
            "The instruction set to compute with: baseline, on x86-64 avx2, avxvnni, avx512 or avx512vnni, on arm64 dotprod or i8mm."
        )
        page += entry("HF_HUB_CACHE, HF_HOME", "Where models named org/name are looked up.")
        page += ".SH FILES\n"
        page += entry("~/.local/share/clip/models", "Installed models, unless CLIP_MODELS is set.")
        page += entry("~/.cache/huggingface/hub", "Models that were fetched, shared with Python's tools.")
        page += entry("FOLDER/.clip-index", "The index of a folder of pictures.")
        page += ".SH SEE ALSO\n"
        return page + tables.map { ".BR clip\\-\(escaped($0.name)) (1)" }.joined(separator: ",\n") + "\n"
    }

    /// The page of one command: clip-classify(1).
    package static func page(of table: CommandTable) -> String {
        var page = head("clip-\(table.name)", table.abstract)
        page += ".SH SYNOPSIS\n.B clip \(escaped(table.name))\n[options]"
        page += table.positionals.map { " " + escaped($0.signature) }.joined() + "\n"
        page += ".SH DESCRIPTION\n" + paragraphs([table.abstract] + table.discussion)
        if !table.positionals.isEmpty {
            page += ".SH ARGUMENTS\n" + table.positionals.map { entry("<\($0.name)>", $0.help) }.joined()
        }
        for group in OptionGroup.allCases {
            let entries = entries(table, in: group)
            if !entries.isEmpty { page += ".SH \(group.rawValue)\n" + entries }
        }
        page += examples(table)
        return page + ".SH SEE ALSO\n.BR clip (1),\nfor exit status, environment and files\n"
    }

    private static func head(_ name: String, _ abstract: String) -> String {
        let purpose = abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract
        let title = escaped(name.uppercased())
        return ".TH \(title) 1 \"\(PackageVersion.date)\" \"clip \(PackageVersion.text)\" \"User Commands\"\n"
            + ".SH NAME\n\(escaped(name)) \\- \(escaped(purpose))\n"
    }

    private static func paragraphs(_ texts: [String]) -> String {
        texts.map { escaped($0) + "\n" }.joined(separator: ".PP\n")
    }

    private static func entries(_ table: CommandTable, in group: OptionGroup) -> String {
        table.visibleForms.filter { $0.group == group }.map { entry($0.label, $0.help) }.joined()
    }

    private static func examples(_ table: CommandTable) -> String {
        guard !table.examples.isEmpty else { return "" }
        return ".SH EXAMPLES\n"
            + table.examples.map { ".TP\n\\fB\(escaped($0.line))\\fR\n\(escaped($0.comment))\n" }.joined()
    }

    private static func entry(_ label: String, _ help: String) -> String {
        ".TP\n\\fB\(escaped(label))\\fR\n\(escaped(help))\n"
    }

    /// A line that begins with a dot or a quote would be a command; a hyphen must stay one, to be copied. An empty line is none
    /// that a page may have.
    private static func escaped(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true).map { line in
            let guarded = line.first == "." || line.first == "'" ? "\\&" + line : String(line)
            return guarded.reduce(into: "") { $0 += $1 == "-" ? "\\-" : $1 == "\\" ? "\\e" : String($1) }
        }
        return lines.joined(separator: "\n")
    }
}
