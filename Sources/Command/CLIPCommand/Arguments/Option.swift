import CLIPSystem

/// One option: what the parser accepts, and what help, completions and the manual page say of it.
struct Option: Sendable {
    /// What may follow the option.
    enum Value: Sendable {
        /// Nothing: it is on when named.
        case flag
        /// Nothing: on by this name, off by the other.
        case pair(off: String)
        /// Any text.
        case text(String)
        /// The path of a file to read, `-` for standard input.
        case file(String)
        /// The path of a file to write, `-` for standard output.
        case target(String)
        /// One of a few words.
        case choice(String, [String])
        /// A whole number.
        case integer(String, ClosedRange<Int>)
    }

    /// The heading in the help under which an option stands.
    enum Group: String, CaseIterable, Sendable {
        case command = "OPTIONS"
        case pictures = "PICTURE OPTIONS"
        case output = "OUTPUT OPTIONS"
    }

    /// The long name without its dashes.
    let name: String
    let short: Character?
    let value: Value
    let group: Group
    let isRepeatable: Bool
    let isHidden: Bool
    /// Of a target: what it may replace without being told to, since it is what the command writes.
    let replaces: Set<FileContent>
    let help: String

    init(
        _ name: String, short: Character? = nil, _ value: Value = .flag, group: Group = .command,
        isRepeatable: Bool = false, isHidden: Bool = false, replaces: Set<FileContent> = [], help: String
    ) {
        self.name = name
        self.short = short
        self.value = value
        self.group = group
        self.isRepeatable = isRepeatable
        self.isHidden = isHidden
        self.replaces = replaces
        self.help = help
    }

    /// The name of the value in usage texts; nil when the option takes none.
    var placeholder: String? {
        switch value {
        case .flag, .pair: nil
        case .text(let name), .file(let name), .target(let name), .choice(let name, _), .integer(let name, _): name
        }
    }

    /// The words that may follow, if they are few.
    var choices: [String] { if case .choice(_, let words) = value { words } else { [] } }

    /// Every spelling that names this option, dashes included.
    var spellings: [String] {
        var spellings = ["--" + name]
        if let short { spellings.insert("-\(short)", at: 0) }
        if case .pair(let off) = value { spellings.append("--" + off) }
        return spellings
    }

    /// As it stands in error messages: `--format <format>`.
    var signature: String { "--" + name + (placeholder.map { " <\($0)>" } ?? "") }
}

/// What a command takes besides options.
struct Positional: Sendable {
    /// The name in usage texts.
    let name: String
    /// The fewest and the most that may be given. The fewest counts only where no `unless` option is given.
    let count: ClosedRange<Int>
    /// Options that may stand in for the arguments.
    let unless: [Option]
    let help: String
    /// Whether they name files: for completions, and so that none is written over.
    let isPath: Bool
    /// What may stand before a path, to say that it is one.
    let pathPrefix: String

    init(
        _ name: String, count: ClosedRange<Int>, unless: [Option] = [], isPath: Bool = false, pathPrefix: String = "",
        help: String
    ) {
        self.name = name
        self.pathPrefix = pathPrefix
        self.count = count
        self.unless = unless
        self.isPath = isPath
        self.help = help
    }

    /// The path that an argument names, if it may name one.
    func path(in argument: [UInt8]) -> PathBytes? {
        guard isPath else { return nil }
        let isMarked = argument.starts(with: pathPrefix.utf8)
        return PathBytes(isMarked ? Array(argument.dropFirst(pathPrefix.utf8.count)) : argument)
    }

    /// As it stands in usage texts: `<path> ...`.
    var signature: String {
        let name = "<\(self.name)>" + (count.upperBound > 1 ? " ..." : "")
        return count.lowerBound == 0 || !unless.isEmpty ? "[\(name)]" : name
    }
}
