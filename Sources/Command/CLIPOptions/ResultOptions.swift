import CLIPSystem
import PictureCollections

/// How results are written.
package enum OutputFormat: String, CaseIterable, Sendable {
    /// For people.
    case text
    /// One JSON object a line.
    case jsonl
    /// One JSON array.
    case json
    /// Comma-separated values with a header (RFC 4180).
    case csv
    /// A NumPy array of 32-bit floats.
    case npy
    /// Text for PostgreSQL's COPY.
    case pgcopy
    /// The paths of pictures alone, for xargs and the like.
    case paths

    /// What the names of such files end in, without the dot.
    package var endings: [String] {
        switch self {
        case .text: ["txt"]
        case .jsonl: ["jsonl", "ndjson"]
        default: [rawValue]
        }
    }
}

/// The options that say where the results of a command go and how, of those formats that it has.
package struct ResultOptions: Sendable {
    package static let output = Option(
        "output", short: "o", .target("file"), group: .output,
        help: "Write to a file, which appears complete or not at all. (default: standard output)")
    package static let quiet = Option(
        "quiet", short: "q", off: "progress", default: false, group: .output,
        help: "Leave out progress bar and warnings; errors are always shown. (default: --progress, at a terminal)")
    package static let color = Option(
        "color", .choice("when"), default: ColorChoice.auto, group: .output,
        help: """
            Whether messages have colours: auto at a terminal unless NO_COLOR is set, always, or never. (default: auto)
            """)
    /// Of what is written beside the results.
    package static let messages: [any AnyOption] = [quiet, color]
    static let nulSeparated = Option(
        "null", short: "0", group: .output, help: "With --paths each path ends with a NUL byte, as xargs -0 reads it.")

    let formats: [OutputFormat]
    package let format: Option<OutputFormat?>

    package init(_ formats: OutputFormat...) {
        self.formats = formats
        var help = "How results are written: \(formats.map(\.rawValue).joined(separator: ", "))."
        let shorthands = [OutputFormat.json, .paths].filter { formats.contains($0) }.map(\.rawValue)
        if !shorthands.isEmpty {
            help += " " + shorthands.map { "--\($0) means --format \($0)" }.joined(separator: ", ") + "."
        }
        if formats.contains(.npy) { help += " npy is for files and pipes." }
        let fallback = formats.contains(.text) ? "text at a terminal, jsonl elsewhere" : "jsonl"
        help += " (default: by the name after -o, else \(fallback))"
        format = Option(
            "format", .choice("format", of: formats), group: .output, shorthands: shorthands, help: help)
    }

    /// Of results that have parts of their own.
    package static let records = ResultOptions(.text, .jsonl, .json)
    /// Of results that are rows alike.
    package static let table = ResultOptions(.text, .jsonl, .json, .csv)
    /// Of pictures of an index, a row each.
    package static let listing = ResultOptions(.text, .jsonl, .json, .csv, .paths)
    /// Of embeddings.
    package static let vectors = ResultOptions(.text, .jsonl, .json, .csv, .npy, .pgcopy)

    /// All of them.
    package var all: [any AnyOption] {
        [format] + (formats.contains(.paths) ? [ResultOptions.nulSeparated] : [])
            + [ResultOptions.output, OutputFiles.overwrite] + ResultOptions.messages
    }
}

/// Where the results of a command line go and how.
package struct ResultChoice {
    /// nil: text at a terminal, else JSON lines.
    package var format: OutputFormat?
    /// nil: standard output.
    package let path: String?
    /// Whether paths end with a NUL byte rather than a line's end.
    package private(set) var isNULSeparated = false

    package init(format: OutputFormat?, path: String?) {
        self.format = format
        self.path = path
    }

    /// Takes `--format` and `-o`, whose name may promise a format.
    package init(_ arguments: inout Arguments, _ options: ResultOptions) throws(UsageError) {
        path = arguments.take(ResultOptions.output)
        format = arguments.take(options.format)
        if format == nil, let path, let ending = OutputName(path).ending {
            format = options.formats.first { $0.endings.contains(ending) }
            try OutputName(path).check(options.formats.flatMap(\.endings), of: options.format)
        }
        if format == .npy { try checkBinary() }
        if format == .paths {
            isNULSeparated = arguments.take(ResultOptions.nulSeparated)
        } else if options.formats.contains(.paths) {
            try arguments.refuse([ResultOptions.nulSeparated], "without '--paths'")
        }
    }

    /// Takes `--format` alone, of results that go to standard output.
    package init(formatOf arguments: inout Arguments, _ options: ResultOptions) {
        self.init(format: arguments.take(options.format), path: nil)
    }

    /// Whether results are for programs rather than for people.
    package var isData: Bool { format.map { $0 != .text } ?? (!isStandardOutput || isatty(STDOUT_FILENO) != 1) }

    package var isStandardOutput: Bool { path == nil || path == "-" }

    /// Numbers as bytes are nothing to look at.
    package func checkBinary() throws(UsageError) {
        if isStandardOutput, isatty(STDOUT_FILENO) == 1 {
            throw UsageError("Binary data is not for terminals: name a file with '-o <file>', or use a pipe.")
        }
    }
}

/// What the name of a file that is written promises.
package struct OutputName {
    private let path: String
    private let name: String
    /// What stands behind its last dot, lower-case; nil without one.
    package let ending: String?

    package init(_ path: String) {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let dot = name.lastIndex(of: ".")
        ending = dot.map { name[name.index(after: $0)...].lowercased() }.flatMap { $0.isEmpty ? nil : $0 }
        self.name = name
        self.path = path
    }

    /// How another program makes such a file of one that is written here; nil where none is known to.
    private func conversion(from known: [String]) -> String? {
        guard ending == "parquet", known.contains("jsonl"), !path.contains(where: { "'\"\\$`\n".contains($0) }) else {
            return nil
        }
        let lines = path.dropLast("parquet".count) + "jsonl"
        return "write \(lines), then: duckdb -c \"COPY (FROM '\(lines)') TO '\(path)'\""
    }

    /// Refuses a name that promises what will not be in the file.
    /// - Parameters:
    ///   - known: the endings that are right.
    ///   - option: by which to say what is wanted, where the name is not to say it.
    package func check(_ known: [String], of option: any AnyOption) throws(UsageError) {
        guard let ending, !known.contains(ending) else { return }
        let endings = known.map { "." + $0 }.joined(separator: ", ")
        let conversion = conversion(from: known).map { " For parquet \(displayed($0))." } ?? ""
        let isChoice = option.form.placeholder == "format"
        throw UsageError(
            "'\(displayed(name))' is named like \(displayed(ending)), which is not written here: the name may end in \(endings)."
                + (isChoice
                    ? " Choose with '--\(option.form.name) <format>', or another name." : " Choose another name.")
                + conversion)
    }
}
