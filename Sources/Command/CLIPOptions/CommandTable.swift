/// Everything there is to know about how a command is called: parser, help, completions and manual page read it.
package struct CommandTable: Sendable {
    package let name: String
    /// One sentence, for lists of commands.
    package let abstract: String
    /// Paragraphs that follow it in the command's own help.
    package let discussion: [String]
    /// In the order in which they are given.
    package let positionals: [Positional]
    package let options: [any AnyOption]
    package let examples: [Example]
    /// What leaves out what a word names, where a word with a dash in front may have been meant so.
    let exclusion: (any AnyOption)?
    /// What its outputs may replace without being told to, since it writes such files.
    let replaces: Set<FileContent>

    /// A command line, and what it does.
    package struct Example: Sendable {
        package let line: String
        let comment: String

        package init(_ line: String, _ comment: String) {
            self.line = line
            self.comment = comment
        }
    }

    package init(
        _ name: String, abstract: String, discussion: [String] = [], positionals: [Positional],
        options: [any AnyOption]...,
        exclusion: (any AnyOption)? = nil, replaces: Set<FileContent> = [], examples: [Example]
    ) {
        self.name = name
        self.abstract = abstract
        self.discussion = discussion
        self.positionals = positionals
        self.options = options.flatMap { $0 } + [CommandTable.help]
        self.examples = examples
        self.exclusion = exclusion
        self.replaces = replaces
    }

    package static let help = Option("help", short: "h", help: "Show help information.")

    /// What help and completions offer.
    package var visibleForms: [OptionForm] { options.map(\.form).filter { !$0.isHidden } }

    /// What the argument in this place is.
    func positional(at index: Int) -> Positional? {
        var first = 0
        return positionals.first { positional in
            if index - first < positional.count.upperBound { return true }
            first += positional.count.upperBound
            return false
        }
    }

    /// The call in one line: `clip classify [<options>] <path> ...`.
    package var usage: String {
        (["clip", name, "[<options>]"] + positionals.map(\.signature)).joined(separator: " ")
    }
}
