import CLIP
import CLIPOptions
import CLIPSystem
import PictureCollections

/// The command `clip`: finds the subcommand, runs it, and turns what goes wrong into messages and an exit status.
enum Root {
    /// 0: done; 1: something failed, every failure said on standard error; 64: the command line makes no sense.
    enum Status {
        static let success: Int32 = 0
        static let failure: Int32 = 1
        static let usage: Int32 = 64
    }

    static let versionText = "clip \(PackageVersion.text)"

    static var commands: [any Command.Type] {
        [
            EmbedImage.self, EmbedText.self, Classify.self, Similarity.self, Score.self, Compare.self, Explain.self,
            AuditPictures.self, Evaluate.self, Index.self, Search.self, Dedupe.self, Undo.self, Cluster.self,
            Filter.self,
            Outliers.self,
            Assist.self, Vectors.self, Tokenize.self, Preprocess.self, Pull.self, Models.self, Info.self, Verify.self,
            Pack.self,
            Export.self, Bench.self,
        ]
    }

    static var tables: [CommandTable] { commands.map { $0.table } }

    private static let version = Option("version", short: "V", help: "Show the version.")
    private static let completionScript: Option<CompletionShell?> = Option(
        "generate-completion-script", .choice("shell"), isHidden: true,
        help: "Print a completion script for a shell.")
    private static let manual: Option<String?> = Option(
        "generate-manual", .text("page"), isHidden: true,
        help: "Print a manual page: clip, or that of a subcommand.")
    private static let modelNames = Option(
        "generate-model-names", isHidden: true, help: "Print the names that --model takes here, for completions.")
    /// What this program runs itself with for a picture that a library of the system decodes.
    private static let decodingRequest = Option(
        "answer-decoding-request", isHidden: true,
        help: "Decode the picture on standard input for the process that has started this one.")

    /// What stands before a subcommand.
    static let table = CommandTable(
        "clip",
        abstract: "Embed, compare and name pictures and texts with CLIP.",
        discussion: [
            """
            Everything runs on this machine, and only 'clip pull' uses the network. Results go to standard output as text at a \
            terminal, else as one JSON object a line; progress, warnings and errors go to standard error.
            """
        ],
        positionals: [],
        options: [version, completionScript, manual, modelNames, decodingRequest],
        examples: [
            .init(#"clip classify photo.jpg --labels "dog,cat""#, "Which of the labels fits the picture best?"),
            .init("clip embed-image photos -o photos.npy", "The embeddings of all pictures in a folder, for NumPy."),
        ])

    /// Runs the program with `arguments`, the program's own name left out.
    /// - Returns: the exit status.
    static func run(_ arguments: [[UInt8]]) -> Int32 {
        Signals.prepare()
        PictureOptions.useSystemDecoders(
            of: programPath().map { (path: $0, arguments: [decodingRequest.form.spellings[0]]) })
        do {
            return try dispatch(arguments)
        } catch {
            // The reader of a pipe has gone, which is no news to anybody.
            if (error as? CLIPError)?.systemCode == EPIPE { return Signals.diesOfClosedPipe() }
            Console.write(error: shown(error))
        }
        return Status.failure
    }

    private static func dispatch(_ arguments: [[UInt8]]) throws -> Int32 {
        guard let first = arguments.first else { return try show(help()) }
        let rest = arguments.dropFirst()
        let name = String(decoding: first, as: UTF8.self)
        if name == "help" { return try help(rest) }
        if name.hasPrefix("-") { return try runWithoutCommand(arguments) }
        guard let command = command(name) else { return reject(unknownCommand(name), as: table) }
        if ArgumentParser.asksForHelp(rest) { return try show(HelpText.of(command.table)) }
        if rest.count == 1, version.form.spellings.contains(where: { rest.first!.elementsEqual($0.utf8) }) {
            return try show(versionText + "\n")
        }
        let made: any Command
        let console: Console
        do throws(UsageError) {
            var arguments = try ArgumentParser.parse(rest, as: command.table, among: tables)
            Terminal.setColors(arguments.take(ResultOptions.color))
            console = Console(isQuiet: arguments.take(ResultOptions.quiet))
            made = try command.init(&arguments)
            try arguments.checkAllTaken(command.table)
        } catch {
            return reject(error, as: command.table)
        }
        do {
            try made.run(console)
            return console.hasFailed ? Status.failure : Status.success
        } catch let error as CLIPError where error.kind == .argument && error.path == nil {
            return reject(UsageError(error.sentence), as: command.table)
        }
    }

    private static func runWithoutCommand(_ arguments: [[UInt8]]) throws -> Int32 {
        if ArgumentParser.asksForHelp(arguments) { return try show(help()) }
        var parsed: Arguments
        do throws(UsageError) {
            parsed = try ArgumentParser.parse(arguments, as: table, among: tables)
        } catch {
            return reject(error, as: table)
        }
        if parsed.take(version) { return try show(versionText + "\n") }
        if let page = parsed.take(manual) {
            guard page != table.name else { return try show(ManualPage.main(table, tables)) }
            guard let command = command(page) else { return reject(unknownCommand(page), as: table) }
            return try show(ManualPage.page(of: command.table))
        }
        if parsed.take(decodingRequest) { return PictureOptions.answerDecodingRequest() }
        if parsed.take(modelNames) {
            let names = ModelAtHand.names() + ModelShortName.all().map(\.name)
            return try show(names.filter { !$0.contains("\n") }.map { $0 + "\n" }.joined())
        }
        if let shell = parsed.take(completionScript) {
            return try show(shell.script(table, tables))
        }
        return reject(UsageError("Missing subcommand."), as: table)
    }

    private static func help(_ names: ArraySlice<[UInt8]>) throws -> Int32 {
        guard let first = names.first, first.first != UInt8(ascii: "-") else { return try show(help()) }
        let name = String(decoding: first, as: UTF8.self)
        if name == "help" { return try show(help()) }
        guard let command = command(name) else { return reject(unknownCommand(name), as: table) }
        return try show(HelpText.of(command.table))
    }

    private static func help() -> String { HelpText.of(table, tables) }

    private static func command(_ name: String) -> (any Command.Type)? {
        commands.first { $0.table.name == name }
    }

    private static func unknownCommand(_ name: String) -> UsageError {
        let names = tables.map(\.name)
        let hint = Spelling.suggestion(for: name, among: names + ["help"])
        let all = hint.isEmpty ? " It is one of \(names.joined(separator: ", "))." : ""
        return UsageError("Unknown subcommand '\(displayed(name))'.\(hint)\(all)")
    }

    private static func show(_ text: String) throws -> Int32 {
        let output = try Output(path: nil)
        try output.write(text)
        try output.finish()
        return Status.success
    }

    private static func reject(_ error: UsageError, as table: CommandTable) -> Int32 {
        let isRoot = table.name == self.table.name
        let usage = isRoot ? "clip <subcommand>" : table.usage
        let call = isRoot ? "clip" : "clip \(table.name)"
        let heading = Terminal.emphasized("Error:", .error, on: STDERR_FILENO)
        Console.writeLines(
            "\(heading) \(error.message)\nUsage: \(usage)\n  See '\(call) --help' for more information.\n")
        return Status.usage
    }
}
