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

    /// The line that loads it, and the file that the line belongs into.
    package var installation: String {
        switch self {
        case .bash: "source <(clip --generate-completion-script bash), in ~/.bashrc"
        case .zsh: "source <(clip --generate-completion-script zsh), in ~/.zshrc"
        case .fish: "clip --generate-completion-script fish | source, in\n      ~/.config/fish/config.fish"
        }
    }
}

/// A completion function for bash 3.2 and later. Where it answers nothing, readline completes files, with all that
/// belongs to that: blanks, quotes, `~`.
private func bashCompletion(_ root: CommandTable, _ tables: [CommandTable]) -> String {
    let names = (tables.map(\.name) + ["help"]).joined(separator: " ")
    var script = """
        # Completion of clip for bash. Load it with: source <(clip --generate-completion-script bash)
        _clip() {
            local program="$1" rest="$COMP_LINE" trimmed word i
            local -a words=()
            # bash splits at = and : too, which are parts of options and of names: what stands together is one word.
            for ((i = 0; i <= COMP_CWORD; i++)); do
                word="${COMP_WORDS[i]}"
                trimmed="${rest#"${rest%%[![:space:]]*}"}"
                if ((${#words[@]} > 0)) && [[ "$trimmed" == "$rest" ]]; then
                    words[${#words[@]}-1]+="$word"
                else
                    words+=("$word")
                fi
                rest="${trimmed#"$word"}"
            done
            local current="${words[${#words[@]}-1]}" command="${words[1]-}" option="" value
            COMPREPLY=()
            if ((${#words[@]} <= 2)); then
                _clip_offer "\(names) \(root.visibleForms.flatMap(\.spellings).joined(separator: " "))" "$current"
                return
            fi
            value="$current"
            if [[ "$current" == --*=* ]]; then
                option="${current%%=*}" value="${current#*=}"
            elif ((${#words[@]} > 3)); then
                option="${words[${#words[@]}-2]}"
            fi
            case "$command" in
            help)
                _clip_offer "\(tables.map(\.name).joined(separator: " "))" "$current"
                return ;;

        """
    for table in tables {
        script += "    \(table.name))\n        case \"$option\" in\n"
        for option in table.visibleForms where option.placeholder != nil {
            script += "        \(option.spellings.joined(separator: "|"))) "
            if !option.choices.isEmpty {
                script += "_clip_offer \"\(option.choices.joined(separator: " "))\" \"$value\""
            } else if option.takesModel {
                script += "_clip_models \"$value\""
            } else if !option.takesPath {
                script += "_clip_nothing"
            } else {
                script += ":"
            }
            script += "; return ;;\n"
        }
        script += "        esac\n"
        script += "        if [[ \"$current\" == -* ]]; then\n"
        let spellings = table.visibleForms.flatMap(\.spellings).joined(separator: " ")
        script += "            _clip_offer \"\(spellings)\" \"$current\"\n"
        if table.positionals.contains(where: \.isModel) {
            script += "        else\n            _clip_models \"$current\"\n"
        } else if !table.positionals.contains(where: \.isPath) {
            script += "        else\n            _clip_nothing\n"
        }
        script += "        fi ;;\n"
    }
    return script + """
            esac
        }
        # Offers those words of a list that begin with what is written, and nothing else.
        _clip_offer() {
            local IFS=$' \\t\\n'
            COMPREPLY=($(compgen -W "$1" -- "$2"))
            _clip_nothing
        }
        # Offers names of models; where there is none of the kind, files.
        _clip_models() {
            local name quoted="" text="$1" IFS=$'\\n'
            [[ "$text" == [\\"\\']* ]] && quoted=1 text="${text:1}"
            for name in $("$program" --generate-model-names 2>/dev/null); do
                [[ "$name" == "$text"* ]] || continue
                # Of a word with a colon, bash replaces what stands behind it.
                if [[ -z "$quoted" && "$text" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
                    name="${name#"${text%"${text##*:}"}"}"
                fi
                COMPREPLY+=("$name")
            done
        }
        # No files where none is meant, in a bash that can be told so.
        _clip_nothing() { compopt +o default 2>/dev/null || true; }
        complete -o default -F _clip clip

        """
}

/// A completion function for zsh, to be loaded as it is or saved as `_clip` in a folder of `$fpath`.
private func zshCompletion(_ root: CommandTable, _ tables: [CommandTable]) -> String {
    var script = """
        #compdef clip
        # Completion of clip for zsh. Load it with: source <(clip --generate-completion-script zsh)
        _clip_models() {
            local -a names
            names=(${(f)"$("$clip_program" --generate-model-names 2>/dev/null)"})
            _alternative 'models:model:compadd -a names' 'files:file:_files'
        }
        _clip() {
            local clip_program="${(Q)words[1]}"
            local -a commands
            commands=(

        """
    for table in tables { script += "        \(zshQuoted("\(table.name):\(table.abstract)"))\n" }
    script += """
            )
            if (( CURRENT == 2 )); then
                if [[ "$words[2]" == -* ]]; then
                    _arguments \(root.visibleForms.flatMap(zshArguments).joined(separator: " "))
                else
                    _describe -t commands 'subcommand' commands
                fi
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
            // Of texts there is nothing to offer. With a message in place of an empty list zsh would complete no option either.
            let action = positional.isModel ? "_clip_models" : positional.isPath ? "_files" : "()"
            specifications.append(zshQuoted("*:\(positional.name):\(action)"))
        }
        script += "    \(table.name))\n        _arguments -S \\\n            "
        script += specifications.joined(separator: " \\\n            ") + " ;;\n"
    }
    return script + """
            esac
        }
        if [[ "$funcstack[1]" == _clip ]]; then
            _clip "$@"
        else
            (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
            compdef _clip clip
        fi

        """
}

/// An option's specifications for `_arguments`, one per spelling.
private func zshArguments(_ option: OptionForm) -> [String] {
    let help = option.help.replacing(":", with: "\\:").replacing("[", with: "\\[").replacing("]", with: "\\]")
    let value: String
    if !option.choices.isEmpty {
        value = ":\(option.placeholder ?? ""):(\(option.choices.joined(separator: " ")))"
    } else if let placeholder = option.placeholder {
        value = ":\(placeholder):\(option.takesModel ? "_clip_models" : option.takesPath ? "_files" : " ")"
    } else {
        value = ""
    }
    // One spelling rules out the others. A value stands behind the option or in the same word.
    let exclusion = option.isRepeatable ? "*" : "(\(option.spellings.joined(separator: " ")))"
    return option.spellings.map { spelling in
        let separator = option.placeholder == nil ? "" : spelling.hasPrefix("--") ? "=" : "+"
        return zshQuoted("\(exclusion)\(spelling)\(separator)[\(help)]\(value)")
    }
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
    var script = """
        # Completion of clip for fish. Load it with: clip --generate-completion-script fish | source
        function __clip_in
            set -l words (commandline -opc)
            test (count $words) -ge 2; and test "$words[2]" = $argv[1]
        end
        function __clip_models
            set -l words (commandline -opc)
            $words[1] --generate-model-names 2>/dev/null
        end
        complete -c clip -f

        """
    for option in root.visibleForms { script += fishLine("__fish_use_subcommand", option) }
    for table in tables {
        script += "complete -c clip -n __fish_use_subcommand -a \(table.name) -d \(fishQuoted(table.abstract))\n"
    }
    let names = tables.map(\.name).joined(separator: " ")
    script += "complete -c clip -n '__clip_in help' -a '\(names)'\n"
    for table in tables {
        let condition = "'__clip_in \(table.name)'"
        if table.positionals.contains(where: \.isPath) { script += "complete -c clip -n \(condition) -F\n" }
        if table.positionals.contains(where: \.isModel) {
            script += "complete -c clip -n \(condition) -a '(__clip_models)'\n"
        }
        for option in table.visibleForms { script += fishLine(condition, option) }
    }
    return script
}

private func fishLine(_ condition: String, _ option: OptionForm) -> String {
    var line = "complete -c clip -n \(condition) -l \(option.name)"
    if let short = option.short { line += " -s \(short)" }
    if !option.choices.isEmpty {
        line += " -x -a '\(option.choices.joined(separator: " "))'"
    } else if option.takesModel {
        line += " -r -F -a '(__clip_models)'"
    } else if option.takesPath {
        line += " -r -F"
    } else if option.placeholder != nil {
        line += " -x"
    }
    let description = " -d \(fishQuoted(option.help))\n"
    line += description
    if case .pair(let off) = option.value { line += "complete -c clip -n \(condition) -l \(off)\(description)" }
    return line
}

private func fishQuoted(_ text: String) -> String {
    "'" + text.reduce(into: "") { $0 += $1 == "'" || $1 == "\\" ? "\\\($1)" : String($1) } + "'"
}
