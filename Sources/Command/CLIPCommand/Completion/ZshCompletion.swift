/// A completion function for zsh.
func zshCompletion(_ root: CommandTable, _ tables: [CommandTable]) -> String {
    var script = """
        #compdef clip
        # Completion of clip for zsh. Save it as _clip in a folder of $fpath.
        _clip() {
            local -a commands
            commands=(

        """
    for table in tables { script += "        \(quoted("\(table.name):\(table.abstract)"))\n" }
    script += """
            )
            if (( CURRENT == 2 )); then
                _describe -t commands 'subcommand' commands
                _arguments \(root.visibleOptions.flatMap(arguments).joined(separator: " "))
                return
            fi
            local command="$words[2]"
            shift words
            (( CURRENT-- ))
            case "$command" in
            help) _describe -t commands 'subcommand' commands ;;

        """
    for table in tables {
        var specifications = table.visibleOptions.flatMap(arguments)
        if let positional = table.positionals.last {
            specifications.append(quoted("*:\(positional.name):\(positional.isPath ? "_files" : " ")"))
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
private func arguments(_ option: Option) -> [String] {
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
    return option.spellings.map { quoted("\(repeats)\($0)[\(help)]\(value)") }
}

private func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

extension String {
    /// With every `old` replaced: what `replacing` of the standard library does, without loading the engine for
    /// regular expressions.
    fileprivate func replacing(_ old: Character, with new: String) -> String {
        reduce(into: "") { $0 += $1 == old ? new : String($1) }
    }
}
