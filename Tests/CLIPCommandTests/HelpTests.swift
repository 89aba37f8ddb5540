import CLIPOptions
import Foundation
import Testing

@testable import CLIPCommand

@Suite struct HelpTests {
    private static var tables: [CommandTable] { Root.tables }

    @Test func `Help names every command, option and argument, and gives an example`() throws {
        for table in Self.tables {
            let help = HelpText.of(table)
            for option in table.visibleForms {
                for spelling in option.spellings { #expect(help.contains(spelling), "\(table.name): \(spelling)") }
                #expect(!option.help.isEmpty)
                for choice in option.choices { #expect(option.help.contains(choice), "\(table.name): \(choice)") }
            }
            for positional in table.positionals { #expect(help.contains("  <\(positional.name)>")) }
            #expect(help.contains("\nEXAMPLES:\n"))
            #expect(table.examples.allSatisfy { $0.line.contains("clip \(table.name)") })
            #expect(HelpText.of(Root.table, Self.tables).contains("\n  \(table.name) "))
        }
    }

    @Test func `Help fits a terminal`() {
        let texts = Self.tables.map { HelpText.of($0) } + [HelpText.of(Root.table, Self.tables)]
        for text in texts {
            for line in text.split(separator: "\n") { #expect(line.count <= 84, "\(line)") }
        }
    }

    @Test func `Option names are used once in a command`() {
        for table in Self.tables {
            let spellings = table.options.flatMap(\.form.spellings)
            #expect(Set(spellings).count == spellings.count, "\(table.name)")
        }
    }

    @Test func `Examples are command lines that the parser takes`() throws {
        for table in Self.tables {
            for example in table.examples {
                let call = example.line.components(separatedBy: " | ").last { $0.contains("clip ") } ?? ""
                let words = try shellWords(call).drop { $0 != table.name }.dropFirst()
                _ = try ArgumentParser.parse(words.map { Array($0.utf8) }, as: table)
            }
        }
    }

    @Test(arguments: ["--help", "-h"])
    func `Help goes to standard output with status 0`(flag: String) throws {
        let all = try ClipProcess.run(flag)
        #expect(all.status == 0 && all.errors.isEmpty && all.text.hasPrefix("OVERVIEW: "))
        #expect(try ClipProcess.run().text == all.text)
        #expect(try ClipProcess.run("help").text == all.text)
        #expect(all.text.contains("--generate-completion-script"))
        for table in Self.tables {
            let help = try ClipProcess.run(table.name, "--zzz", flag)
            #expect(help.status == 0 && help.errors.isEmpty && help.text.contains("USAGE: clip \(table.name) "))
            #expect(try ClipProcess.run("help", table.name).text == help.text)
        }
    }

    @Test func `Help has help`() throws {
        let result = try ClipProcess.run("help", "help")
        #expect(try result.status == 0 && result.text == ClipProcess.run("help").text)
    }

    @Test func `The version goes to standard output`() throws {
        let version = try ClipProcess.run("--version")
        #expect(version.status == 0 && version.text.wholeMatch(of: /clip \d+\.\d+\.\d+\n/) != nil)
        #expect(try ClipProcess.run("classify", "--version").text == version.text)
    }

    @Test(arguments: [
        (["clasify", "x"], "Unknown subcommand 'clasify'. Did you mean 'classify'?"),
        (["embed", "x"], "Unknown subcommand 'embed'. Did you mean 'embed-image' or 'embed-text'?"),
        (["xyzzy"], "Unknown subcommand 'xyzzy'. It is one of embed-image,"),
        (["help", "pakc"], "Unknown subcommand 'pakc'. Did you mean 'pack'?"),
        (["--vresion"], "Unknown option '--vresion'. Did you mean '--version'?"),
        (["embed-image"], "Missing expected argument '<path> ...' or '--files-from <file>' or '--index <file>'."),
        (["embed-text"], "Missing expected argument '<text> ...' or '--file <file>'."),
        (["embed-image", "--fit", "corp", "x"], "Did you mean 'crop'?"),
        (["classify", "x"], "Missing expected option '--labels <labels>' or '--labels-file <file>'."),
        (["classify", "x", "--labels", "a,,b"], "Label 2 in '--labels a,,b' is empty."),
        (["classify", "x", "--labels", "a", "--format", "npy"], "It is one of text, jsonl, json, csv."),
        (["classify", "x", "--labels", "a", "-o", "x.npy"], "'x.npy' is named like npy"),
        (["similarity", "a"], "Missing expected argument '<b> ...'."),
        (["similarity", "-", "-"], "Standard input is named 2 times"),
        (["preprocess", "a", "b", "-o", "x.png"], "A png holds one picture"),
        (["preprocess", "a", "--fit", "multicrop", "-o", "x.png"], "A png holds one picture"),
        (["pack", "x", "-o", "-"], "A model needs a file"),
        (["pack", "x"], "Missing expected option '--output <file>'."),
        (["info", "a", "--model", "b"], "The model is named twice"),
        (["info", "a", "b"], "Unexpected argument: 'b'."),
        (["embed-text", "-x"], "Unknown option '-x'."),
        (["embed-image", "-m", "x", "y"], "Unknown option '-m'. Did you mean '--model' or '--max-pixels'?"),
        (["embed-image", "-model", "x", "y"], "Unknown option '-model'. Did you mean '--model'?"),
        (["embed-image", "x", "--labels", "y"], "Unknown option '--labels'. It is one of 'clip classify', "),
        (["search", "a cat", "-dog"], "Unknown option '-dog'. To leave out what shows 'dog', write '--minus dog'."),
        (["bench", "--seconds", "0"], "expected more than 0, at most 3600."),
        (["classify", "x", "--labels", "-dog"], "'--labels=-dog'"),
        (["embed-image", "x", "--null"], "'--null' has no effect with the other arguments given."),
        (["cluster", "--index", "x", "--template", "a {}"], "'--template a {}' has no effect without names"),
        (
            ["dedupe", "--threshold", "1.5"],
            "'1.5' is invalid for '--threshold <cosine>': expected a cosine, from -1 to 1."
        ),
        (["embed-image", "x", "-o", "x.parquet"], "the name may end in .txt, .jsonl, .ndjson, .json, .csv"),
        (
            ["classify", "x", "--labels", "a", "-o", "in/x.parquet"],
            #"write in/x.jsonl, then: duckdb -c "COPY (FROM 'in/x.jsonl') TO 'in/x.parquet'""#
        ),
        (["audit", "x", "--labels", "dog|,cat"], "The label \"dog|\" has an empty wording"),
        (["search", "x", "--html-links"], "'--html-links' has no effect without the '--html <file>'"),
    ])
    func `What makes no sense has status 64 and says what would`(arguments: [String], message: String) throws {
        let result = try ClipProcess.run(ClipProcess.path, arguments)
        #expect(result.status == 64 && !result.wasKilled)
        #expect(result.output.isEmpty)
        let lines = result.errorLines
        #expect(lines.count == 3)
        #expect(lines.first?.hasPrefix("Error: ") == true && lines.first?.contains(message) == true, "\(lines)")
        #expect(lines.dropFirst().first?.hasPrefix("Usage: clip ") == true)
        #expect(lines.last?.hasSuffix("--help' for more information.") == true)
    }

    @Test func `Bash takes its completions and completes with them`() throws {
        let script = """
            set -e
            eval "$($clip --generate-completion-script bash)"
            complete_line() {
                COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMPREPLY=(); _clip "$clip"
                echo "${COMPREPLY[*]}"
            }
            complete_line clip emb
            complete_line clip classify --lab
            complete_line clip embed-image --format js
            complete_line clip help pa
            complete_line clip embed-text --threads ""
            complete_line clip classify --model ViT-B-32:laion2b_s
            COMP_WORDS=(clip classify --format = js) COMP_CWORD=4 COMP_LINE="clip classify --format=js"; _clip "$clip"
            echo "${COMPREPLY[*]}"
            complete_line clip info embed
            """
        let result = try ClipProcess.bash(script)
        #expect(result.status == 0, "\(result.errors)")
        #expect(
            result.text == """
                embed-image embed-text
                --labels --labels-file
                jsonl json
                pack

                laion2b_s34b_b79k
                jsonl json
                embedded

                """)
    }

    @Test(arguments: CompletionShell.allCases)
    func `Completions name everything that help names`(shell: CompletionShell) throws {
        let script = try ClipProcess.run("--generate-completion-script", shell.rawValue)
        #expect(script.status == 0)
        for table in Self.tables {
            #expect(script.text.contains(table.name))
            for option in table.visibleForms { #expect(script.text.contains(option.name)) }
        }
    }

    @Test func `Every command has a manual page with all of its options, hyphens ready to be copied`() throws {
        let main = try ClipProcess.run("--generate-manual", "clip").text
        #expect(main.hasPrefix(".TH CLIP 1 ") && main.contains("\nclip \\- "))
        for table in Self.tables {
            let escaped = table.name.split(separator: "-").joined(separator: "\\-")
            #expect(main.contains(".BR clip\\-\(escaped) (1)\n"))
            let page = try ClipProcess.run("--generate-manual", table.name).text
            #expect(page.hasPrefix(".TH CLIP\\-\(escaped.uppercased()) 1 "))
            #expect(page.contains("\nclip\\-\(escaped) \\- "))
            for option in table.visibleForms {
                #expect(page.contains("\\-\\-" + option.name.split(separator: "-").joined(separator: "\\-")))
            }
            #expect(!page.contains("\n'") && !page.contains("--") && !page.contains("\n\n"))
        }
        #expect(try ClipProcess.run("--generate-manual", "nothing").status == 64)
    }
}

/// The words of a command line, as bash splits it, file names not expanded.
private func shellWords(_ line: String) throws -> [String] {
    let command = line.replacing(/>.*/, with: "")
    let result = try ClipProcess.bash("set -f; printf '%s\\n' \(command)")
    return result.lines
}
