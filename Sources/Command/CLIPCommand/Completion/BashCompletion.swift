/// A completion function for bash 3.2 and later.
func bashCompletion(_ root: CommandTable, _ tables: [CommandTable]) -> String {
    var script = """
        # Completion of clip for bash. Load it with: source <(clip --generate-completion-script bash)
        _clip() {
            local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
            local command="${COMP_WORDS[1]}" words=""
            COMPREPLY=()
            if [[ $COMP_CWORD -eq 1 ]]; then
                words="\((tables.map(\.name) + ["help"] + root.visibleOptions.flatMap(\.spellings)).joined(separator: " "))"
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
        for option in table.visibleOptions where option.placeholder != nil {
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
        script += "        words=\"\(table.visibleOptions.flatMap(\.spellings).joined(separator: " "))\" ;;\n"
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
