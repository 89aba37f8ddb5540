/// The shells that can complete `clip`'s command lines.
enum CompletionShell: String, CaseIterable, Sendable {
    case bash, zsh, fish

    /// A script for the shell to load.
    func script(_ root: CommandTable, _ tables: [CommandTable]) -> String {
        switch self {
        case .bash: bashCompletion(root, tables)
        case .zsh: zshCompletion(root, tables)
        case .fish: fishCompletion(root, tables)
        }
    }
}

extension CommandTable {
    /// What completions offer.
    var visibleOptions: [Option] { options.filter { !$0.isHidden } }
    /// Whether an argument without a dash is a path.
    var takesPaths: Bool { positionals.contains(where: \.isPath) }
}

extension Option {
    /// Whether a path follows.
    var takesPath: Bool {
        switch value {
        case .file, .target: true
        default: name == Option.model.name
        }
    }
}
