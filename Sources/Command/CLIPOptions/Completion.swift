/// The shells that can complete `clip`'s command lines.
package enum CompletionShell: String, CaseIterable, Sendable {
    case bash, zsh, fish

    /// A script for the shell to load.
    package func script(_ root: CommandTable, _ tables: [CommandTable]) -> String {
        switch self {
        case .bash: bashCompletion(root, tables)
        case .zsh: zshCompletion(root, tables)
        case .fish: fishCompletion(root, tables)
        }
    }
}

/// A completion function for bash 3.2 and later.
private func bashCompletion(_ root: CommandTable, _ tables: [CommandTable]) -> String {
    var script = """
        # Completion of clip for bash. Load it with: source <(clip --generate-completion-script bash)
        _clip() {
            local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
            local command="${COMP_WORDS[1]}" words=""
            COMPREPLY=()
            if [[ $COMP_CWORD -eq 1 ]]; then
                words="\((tables.map(\.name) + ["help"] + root.visibleForms.flatMap(\.spellings)).joined(separator: " "))"
                COMPREPLY=($(compgen -W "$words" -- "$current"))
                return
            fi
            case "$command" in
            help)
                words="\(tables.map(\.name).joined(separator: " "))"
                COMPREPLY=($(compgen -W "$words" -- "$current"))
                return ;;

        """
    for table in tables {
        script += "    \(table.name))\n        case \"$previous\" in\n"
        for option in table.visibleForms where option.placeholder != nil {
            script += "        \(option.spellings.joined(separator: "|")))\n"
            if !option.choices.isEmpty {
                script +=
                    "            COMPREPLY=($(compgen -W \"\(option.choices.joined(separator: " "))\" -- \"$current\"))\n"
            } else if option.takesPath {
                script += "            COMPREPLY=($(compgen -f -- \"$current\"))\n"
            }
            script += "            return ;;\n"
        }
        script += "        esac\n"
        script += "        words=\"\(table.visibleForms.flatMap(\.spellings).joined(separator: " "))\" ;;\n"
    }
    return script + """
            esac
            if [[ "$current" == -* ]]; then
                COMPREPLY=($(compgen -W "$words" -- "$current"))
            else
                COMPREPLY=($(compgen -f -- "$current"))
            fi
        }
        complete -o filenames -F _clip clip

        """
}

/// A completion function for zsh.
private func zshCompletion(_ root: CommandTable, _ tables: [CommandTable]) -> String {
    var script = """
        #compdef clip
        # Completion of clip for zsh. Save it as _clip in a folder of $fpath.
        _clip() {
            local -a commands
            commands=(

        """
    for table in tables { script += "        \(zshQuoted("\(table.name):\(table.abstract)"))\n" }
    script += """
            )
            if (( CURRENT == 2 )); then
                _describe -t commands 'subcommand' commands
                _arguments \(root.visibleForms.flatMap(zshArguments).joined(separator: " "))
                return
            fi
            local command="$words[2]"
            shift words
            (( CURRENT-- ))
            case "$command" in
            help) _describe -t commands 'subcommand' commands ;;

        """
    for table in tables {
        var specifications = table.visibleForms.flatMap(zshArguments)
        if let positional = table.positionals.last {
            specifications.append(zshQuoted("*:\(positional.name):\(positional.isPath ? "_files" : " ")"))
        }
        script += "    \(table.name))\n        _arguments \\\n            "
        script += specifications.joined(separator: " \\\n            ") + " ;;\n"
    }
    return script + """
            esac
        }
        _clip "$@"

        """
}

/// An option's specifications for `_arguments`, one per spelling.
private func zshArguments(_ option: OptionForm) -> [String] {
    let help = option.help.replacing(":", with: "\\:").replacing("[", with: "\\[").replacing("]", with: "\\]")
    let value: String
    if !option.choices.isEmpty {
        value = ":\(option.placeholder ?? ""):(\(option.choices.joined(separator: " ")))"
    } else if let placeholder = option.placeholder {
        value = ":\(placeholder):\(option.takesPath ? "_files" : " ")"
    } else {
        value = ""
    }
    let repeats = option.isRepeatable ? "*" : ""
    return option.spellings.map { zshQuoted("\(repeats)\($0)[\(help)]\(value)") }
}

private func zshQuoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

extension String {
    /// With every `old` replaced: what `replacing` of the standard library does, without loading the engine for
    /// regular expressions.
    fileprivate func replacing(_ old: Character, with new: String) -> String {
        reduce(into: "") { $0 += $1 == old ? new : String($1) }
    }
}

/// Completions for fish.
private func fishCompletion(_ root: CommandTable, _ tables: [CommandTable]) -> String {
    var script = "# Completion of clip for fish. Load it with: clip --generate-completion-script fish | source\n"
    script += "complete -c clip -f\n"
    for option in root.visibleForms { script += fishLine("__fish_use_subcommand", option) }
    for table in tables {
        script += "complete -c clip -n __fish_use_subcommand -a \(table.name) -d \(fishQuoted(table.abstract))\n"
    }
    let names = tables.map(\.name).joined(separator: " ")
    script += "complete -c clip -n '__fish_seen_subcommand_from help' -a '\(names)'\n"
    for table in tables {
        let condition = "'__fish_seen_subcommand_from \(table.name)'"
        if table.positionals.contains(where: \.isPath) { script += "complete -c clip -n \(condition) -F\n" }
        for option in table.visibleForms { script += fishLine(condition, option) }
    }
    return script
}

private func fishLine(_ condition: String, _ option: OptionForm) -> String {
    var line = "complete -c clip -n \(condition) -l \(option.name)"
    if let short = option.short { line += " -s \(short)" }
    if !option.choices.isEmpty {
        line += " -x -a '\(option.choices.joined(separator: " "))'"
    } else if option.takesPath {
        line += " -r -F"
    } else if option.placeholder != nil {
        line += " -x"
    }
    line += " -d \(fishQuoted(option.help))\n"
    if case .pair(let off) = option.value { line += "complete -c clip -n \(condition) -l \(off)\n" }
    return line
}

private func fishQuoted(_ text: String) -> String {
    "'" + text.reduce(into: "") { $0 += $1 == "'" || $1 == "\\" ? "\\\($1)" : String($1) } + "'"
}
