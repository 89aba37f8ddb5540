#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

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
        guard let name = arguments.text(.output)?.split(separator: "/").last, let dot = name.lastIndex(of: ".")
        else { return nil }
        let suffix = name[name.index(after: dot)...].lowercased()
        guard let format = suffix == "txt" ? .text : OutputFormat(rawValue: suffix), format != .text || suffix == "txt"
        else { return nil }
        guard formats.contains(format) else {
            let possible = formats.map(\.rawValue).joined(separator: ", ")
            throw UsageError(
                "'\(displayed(String(name)))' is named like \(suffix), which can't hold this: it is one of \(possible)."
                    + " Choose one with '--format <format>', or another name.")
        }
        return format
    }

    /// Numbers as bytes are nothing to look at.
    func checkBinary() throws(UsageError) {
        if path == nil || path == "-", isatty(STDOUT_FILENO) == 1 {
            throw UsageError("Binary data is not for terminals: name a file with '-o <file>', or use a pipe.")
        }
    }
}
