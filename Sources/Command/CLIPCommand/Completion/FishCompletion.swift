/// Completions for fish.
func fishCompletion(_ root: CommandTable, _ tables: [CommandTable]) -> String {
    var script = "# Completion of clip for fish. Load it with: clip --generate-completion-script fish | source\n"
    script += "complete -c clip -f\n"
    for option in root.visibleOptions { script += line("__fish_use_subcommand", option) }
    for table in tables {
        script += "complete -c clip -n __fish_use_subcommand -a \(table.name) -d \(quoted(table.abstract))\n"
    }
    let names = tables.map(\.name).joined(separator: " ")
    script += "complete -c clip -n '__fish_seen_subcommand_from help' -a '\(names)'\n"
    for table in tables {
        let condition = "'__fish_seen_subcommand_from \(table.name)'"
        if table.takesPaths { script += "complete -c clip -n \(condition) -F\n" }
        for option in table.visibleOptions { script += line(condition, option) }
    }
    return script
}

private func line(_ condition: String, _ option: Option) -> String {
    var line = "complete -c clip -n \(condition) -l \(option.name)"
    if let short = option.short { line += " -s \(short)" }
    if !option.choices.isEmpty {
        line += " -x -a '\(option.choices.joined(separator: " "))'"
    } else if option.takesPath {
        line += " -r -F"
    } else if option.placeholder != nil {
        line += " -x"
    }
    line += " -d \(quoted(option.help))\n"
    if case .pair(let off) = option.value { line += "complete -c clip -n \(condition) -l \(off)\n" }
    return line
}

private func quoted(_ text: String) -> String {
    "'" + text.reduce(into: "") { $0 += $1 == "'" || $1 == "\\" ? "\\\($1)" : String($1) } + "'"
}
