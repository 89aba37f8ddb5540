import CLIPSystem

/// What the name of a file that is written promises.
struct OutputName {
    private let name: String
    /// What stands behind its last dot, lower-case; nil without one.
    let ending: String?

    init(_ path: String) {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let dot = name.lastIndex(of: ".")
        ending = dot.map { name[name.index(after: $0)...].lowercased() }.flatMap { $0.isEmpty ? nil : $0 }
        self.name = name
    }

    /// Refuses a name that promises what will not be in the file.
    /// - Parameters:
    ///   - known: the endings that are right.
    ///   - option: by which to say what is wanted, where the name is not to say it.
    func check(_ known: [String], of option: Option) throws(UsageError) {
        guard let ending, !known.contains(ending) else { return }
        let endings = known.map { "." + $0 }.joined(separator: ", ")
        let isChoice = option.placeholder == "format"
        throw UsageError(
            "'\(displayed(name))' is named like \(displayed(ending)), which can't hold this: it is one of \(endings)."
                + (isChoice ? " Choose with '--\(option.name) <format>', or another name." : " Choose another name."))
    }
}

/// The options that say where results go and how.
struct OutputOptions {
    /// nil: text at a terminal, else JSON lines.
    let format: OutputFormat?
    /// nil: standard output.
    let path: String?
    let isQuiet: Bool

    init(format: OutputFormat?, path: String?, isQuiet: Bool) {
        self.format = format
        self.path = path
        self.isQuiet = isQuiet
    }

    init(_ arguments: Arguments, formats: [OutputFormat]) throws(UsageError) {
        if let chosen: OutputFormat = arguments.choice(.format(formats)) {
            format = chosen
        } else {
            format = try OutputOptions.format(named: arguments, formats)
        }
        path = arguments.text(.output)
        isQuiet = arguments.flag(.quiet)
        if format == .npy { try checkBinary() }
    }

    /// The format that the file's name promises, if it promises one.
    private static func format(
        named arguments: Arguments, _ formats: [OutputFormat]
    ) throws(UsageError) -> OutputFormat? {
        guard let path = arguments.text(.output) else { return nil }
        let name = OutputName(path)
        guard let ending = name.ending else { return nil }
        let format = formats.first { $0.endings.contains(ending) }
        guard format == nil else { return format }
        try name.check(formats.flatMap(\.endings), of: .format(formats))
        return nil
    }

    /// Whether results are for programs rather than for people.
    var isData: Bool { format.map { $0 != .text } ?? (path != nil && path != "-" || isatty(STDOUT_FILENO) != 1) }

    /// Numbers as bytes are nothing to look at.
    func checkBinary() throws(UsageError) {
        if path == nil || path == "-", isatty(STDOUT_FILENO) == 1 {
            throw UsageError("Binary data is not for terminals: name a file with '-o <file>', or use a pipe.")
        }
    }
}
