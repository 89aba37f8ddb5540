/// Why a command line makes no sense. Exit status 64.
struct UsageError: Error, Equatable {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}

/// Reads a command's arguments as its table says.
struct ArgumentParser {
    let table: CommandTable
    private var arguments = Arguments()

    init(_ table: CommandTable) {
        self.table = table
    }

    /// - Parameter raw: what follows the command's name. Bytes, since a file's name may be any.
    static func parse(_ raw: some Sequence<[UInt8]>, as table: CommandTable) throws(UsageError) -> Arguments {
        var parser = ArgumentParser(table)
        return try parser.parse(Array(raw))
    }

    /// Whether `--help` or `-h` stands anywhere before `--`.
    static func asksForHelp(_ raw: some Sequence<[UInt8]>) -> Bool {
        for argument in raw {
            if argument.elementsEqual("--".utf8) { return false }
            if Option.help.spellings.contains(where: { argument.elementsEqual($0.utf8) }) { return true }
        }
        return false
    }

    private mutating func parse(_ raw: [[UInt8]]) throws(UsageError) -> Arguments {
        var rest = raw[...]
        while let argument = rest.popFirst() {
            if argument.elementsEqual("--".utf8) {
                arguments.positionals += rest
                break
            }
            if argument.count < 2 || argument[0] != UInt8(ascii: "-") {
                arguments.positionals.append(argument)
                continue
            }
            // Where a name is cut or repaired, another file would be read or written.
            guard let text = String(validating: argument, as: UTF8.self) else {
                throw UsageError(
                    "'\(displayed(String(decoding: argument, as: UTF8.self)))' is not UTF-8, as options and their values are."
                        + " Other arguments may be any bytes, behind '--' too.")
            }
            if text.hasPrefix("--") {
                try parseLong(text, &rest)
            } else {
                try parseShort(text, &rest)
            }
        }
        try checkCount()
        try checkStandardInput()
        return arguments
    }

    private mutating func parseLong(_ text: String, _ rest: inout ArraySlice<[UInt8]>) throws(UsageError) {
        let equals = text.firstIndex(of: "=")
        let spelling = String(text[..<(equals ?? text.endIndex)])
        guard let option = table.options.first(where: { $0.spellings.contains(spelling) }) else {
            throw unknown(spelling)
        }
        try take(option, spelling, attached: equals.map { String(text[text.index(after: $0)...]) }, &rest)
    }

    /// `-o file`, `-o=file`, `-ofile`, and flags in one: `-q0`.
    private mutating func parseShort(_ text: String, _ rest: inout ArraySlice<[UInt8]>) throws(UsageError) {
        var letters = text.dropFirst()
        while let letter = letters.popFirst() {
            guard let option = table.options.first(where: { $0.short == letter }) else {
                throw text.dropFirst().first == letter ? unknown(text) : unknown("-\(letter)")
            }
            if option.placeholder == nil {
                guard letters.first != "=" else { throw noValue("-\(letter)") }
                try take(option, "-\(letter)", attached: nil, &rest)
            } else {
                let attached = letters.first == "=" ? letters.dropFirst() : letters
                try take(
                    option, "-\(letter)", attached: letters.isEmpty ? nil : String(attached), &rest)
                return
            }
        }
    }

    private mutating func take(
        _ option: Option, _ spelling: String, attached: String?, _ rest: inout ArraySlice<[UInt8]>
    ) throws(UsageError) {
        guard option.placeholder != nil else {
            guard attached == nil else { throw noValue(spelling) }
            if case .pair(let off) = option.value {
                arguments.set(option, to: spelling == "--" + off ? "false" : "true")
            } else {
                arguments.set(option, to: "true")
            }
            return
        }
        var value = attached
        // A value that begins with a dash must be attached, or a forgotten value would swallow the next option; a negative
        // number is none.
        if value == nil, let next = rest.first, next.first != UInt8(ascii: "-") || next.count == 1 || isNumber(next) {
            value = String(validating: rest.removeFirst(), as: UTF8.self)
            guard value != nil else {
                throw UsageError("The value of '\(option.signature)' is not UTF-8: name the file otherwise.")
            }
        }
        guard let value else { throw missingValue(option, next: rest.first) }
        try check(value, for: option)
        if option.isRepeatable { arguments.append(option, value) } else { arguments.set(option, to: value) }
    }

    private func check(_ value: String, for option: Option) throws(UsageError) {
        switch option.value {
        case .flag, .pair, .text: break
        case .file, .target:
            guard !value.isEmpty else { throw UsageError("The value of '\(option.signature)' is empty.") }
        case .choice(_, let words):
            guard !words.contains(value) else { return }
            throw UsageError(
                "The value '\(displayed(value))' is invalid for '\(option.signature)'."
                    + Spelling.suggestion(for: value, among: words) + " It is one of \(words.joined(separator: ", ")).")
        case .integer(_, let range):
            guard let number = Int(value), range.contains(number) else {
                throw UsageError(
                    "The value '\(displayed(value))' is invalid for '\(option.signature)':"
                        + " expected a whole number from \(range.lowerBound) to \(range.upperBound).")
            }
        }
    }

    private func checkCount() throws(UsageError) {
        let given = arguments.positionals.count
        var (least, most) = (0, 0)
        for positional in table.positionals {
            let isReplaced = positional.unless.contains { !arguments.given($0).isEmpty }
            least += isReplaced ? 0 : positional.count.lowerBound
            most = most.addingReportingOverflow(positional.count.upperBound).partialValue
            if most < 0 { most = .max }
            if given < least {
                let others = positional.unless.map { " or '\($0.signature)'" }.joined()
                throw UsageError("Missing expected argument '\(positional.signature.trimmingBrackets)'\(others).")
            }
        }
        if given > most {
            let extra = arguments.positionals[most...].map { "'\(displayed(String(decoding: $0, as: UTF8.self)))'" }
            throw UsageError("Unexpected argument\(extra.count == 1 ? "" : "s"): \(extra.joined(separator: ", ")).")
        }
    }

    private func checkStandardInput() throws(UsageError) {
        var uses = table.options.reduce(0) { uses, option in
            guard case .file = option.value else { return uses }
            return uses + arguments.given(option).count { $0 == "-" }
        }
        uses += arguments.positionals.enumerated().count { table.positional(at: $0)?.path(in: $1)?.text == "-" }
        if uses > 1 { throw UsageError("Standard input is named \(uses) times, it can be read once.") }
    }

    private func unknown(_ spelling: String) -> UsageError {
        let known = table.options.filter { !$0.isHidden }.flatMap(\.spellings).filter { $0.hasPrefix("--") }
        let word = String(spelling.drop { $0 == "-" })
        let isExclusion = !spelling.hasPrefix("--") && table.options.contains { $0.name == "minus" }
        if word.count > 1, isExclusion, !known.contains(where: { $0.hasPrefix("--" + word) }) {
            return UsageError(
                "Unknown option '\(displayed(spelling))'. To leave out what shows '\(displayed(word))', write "
                    + "'--minus \(displayed(word))'.")
        }
        // A single letter is near to every other: only what begins with it can be meant.
        let hint =
            word.count > 1
            ? Spelling.suggestion(for: "--" + word, among: known)
            : Spelling.suggestion(amongFew: known.filter { $0.hasPrefix("--" + word) })
        return UsageError("Unknown option '\(displayed(spelling))'.\(hint.isEmpty ? advice(spelling, word) : hint)")
    }

    /// What may have been meant by an option that is like none of the command's.
    private func advice(_ spelling: String, _ word: String) -> String {
        let others = Root.commands.map { $0.table }.filter { table in
            table.options.contains { $0.spellings.contains(spelling) && $0.name != Option.help.name }
        }
        if !others.isEmpty {
            return " It is one of \(others.map { "'clip \($0.name)'" }.joined(separator: ", "))."
        }
        return table.positionals.isEmpty ? "" : " After '--' everything is taken as it is."
    }

    private func missingValue(_ option: Option, next: [UInt8]?) -> UsageError {
        let next = next.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let isOption =
            next.isEmpty
            || table.options.contains { option in
                option.spellings.contains(String(next.prefix { $0 != "=" }))
            }
        let hint = isOption ? "" : " One that begins with a dash is attached: '--\(option.name)=\(displayed(next))'."
        return UsageError("Missing value for '\(option.signature)'.\(hint)")
    }

    private func noValue(_ spelling: String) -> UsageError {
        UsageError("The option '\(spelling)' takes no value.")
    }
}

extension String {
    fileprivate var trimmingBrackets: String { hasPrefix("[") ? String(dropFirst().dropLast()) : self }
}

/// Whether a word is a number, and so no option: no option begins with a digit.
private func isNumber(_ word: [UInt8]) -> Bool { Double(String(decoding: word, as: UTF8.self)) != nil }
