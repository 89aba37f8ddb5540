/// Everything there is to know about how a command is called: parser, help, completions and manual page read it.
struct CommandTable: Sendable {
    let name: String
    /// One sentence, for lists of commands.
    let abstract: String
    /// Paragraphs that follow it in the command's own help.
    let discussion: [String]
    /// In the order in which they are given.
    let positionals: [Positional]
    let options: [Option]
    let examples: [Example]

    /// A command line, and what it does.
    struct Example: Sendable {
        let line: String
        let comment: String

        init(_ line: String, _ comment: String) {
            self.line = line
            self.comment = comment
        }
    }

    init(
        _ name: String, abstract: String, discussion: [String] = [], positionals: [Positional], options: [Option],
        examples: [Example]
    ) {
        self.name = name
        self.abstract = abstract
        self.discussion = discussion
        self.positionals = positionals
        self.options = options + [.help]
        self.examples = examples
    }

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
    var usage: String {
        (["clip", name, "[<options>]"] + positionals.map(\.signature)).joined(separator: " ")
    }
}
