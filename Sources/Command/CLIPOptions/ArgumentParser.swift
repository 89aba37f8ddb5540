import PictureCollections

/// Reads a command's arguments as its table says.
package struct ArgumentParser {
    private let table: CommandTable
    private let others: [CommandTable]
    private var arguments = Arguments()

    /// Reads and checks arguments, and holds the outputs among them against the inputs.
    /// - Parameters:
    ///   - raw: what follows the command's name. Bytes, since a file's name may be any.
    ///   - others: the commands that an option may be of that this one has not.
    package static func parse(
        _ raw: some Sequence<[UInt8]>, as table: CommandTable, among others: [CommandTable] = []
    ) throws(UsageError) -> Arguments {
        var parser = ArgumentParser(table: table, others: others)
        var arguments = try parser.parse(Array(raw))
        arguments.outputs = try OutputFiles(&arguments, table)
        return arguments
    }

    /// Whether `--help` or `-h` stands anywhere before `--`.
    package static func asksForHelp(_ raw: some Sequence<[UInt8]>) -> Bool {
        for argument in raw {
            if argument.elementsEqual("--".utf8) { return false }
            if CommandTable.help.form.spellings.contains(where: { argument.elementsEqual($0.utf8) }) { return true }
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
        guard let option = table.options.first(where: { $0.form.spellings.contains(spelling) }) else {
            let named = table.options.first { $0.form.shorthands.contains { "--" + $0 == text } }
            guard let named else { throw unknown(spelling) }
            return try arguments.add(String(text.dropFirst(2)), to: named)
        }
        try take(option, spelling, attached: equals.map { String(text[text.index(after: $0)...]) }, &rest)
    }

    /// `-o file`, `-o=file`, `-ofile`, and flags in one: `-q0`.
    private mutating func parseShort(_ text: String, _ rest: inout ArraySlice<[UInt8]>) throws(UsageError) {
        var letters = text.dropFirst()
        while let letter = letters.popFirst() {
            guard let option = table.options.first(where: { $0.form.short == letter }) else {
                throw text.dropFirst().first == letter ? unknown(text) : unknown("-\(letter)")
            }
            if option.form.placeholder == nil {
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
        _ option: any AnyOption, _ spelling: String, attached: String?, _ rest: inout ArraySlice<[UInt8]>
    ) throws(UsageError) {
        let form = option.form
        guard form.placeholder != nil else {
            guard attached == nil else { throw noValue(spelling) }
            let isOff = if case .pair(let off) = form.value { spelling == "--" + off } else { false }
            return try arguments.add(isOff ? "false" : OptionForm.on, to: option)
        }
        var value = attached
        // A value that begins with a dash must be attached, or a forgotten value would swallow the next option; a negative
        // number is none.
        if value == nil, let next = rest.first, next.first != UInt8(ascii: "-") || next.count == 1 || isNumber(next) {
            value = String(validating: rest.removeFirst(), as: UTF8.self)
            guard value != nil else {
                throw UsageError("The value of '\(form.signature)' is not UTF-8: name the file otherwise.")
            }
        }
        guard let value else { throw missingValue(form, next: rest.first) }
        try arguments.add(value, to: option)
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
                let others = positional.unless.map { " or '\($0.form.signature)'" }.joined()
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
            guard case .file = option.form.value else { return uses }
            return uses + arguments.given(option).count { $0 == "-" }
        }
        uses += arguments.positionals.enumerated().count { table.positional(at: $0)?.path(in: $1)?.text == "-" }
        if uses > 1 { throw UsageError("Standard input is named \(uses) times, it can be read once.") }
    }

    private func unknown(_ spelling: String) -> UsageError {
        let known = table.visibleForms.flatMap(\.everySpelling).filter { $0.hasPrefix("--") }
        let word = String(spelling.drop { $0 == "-" })
        if let exclusion = table.exclusion, word.count > 1, !spelling.hasPrefix("--"),
            !known.contains(where: { $0.hasPrefix("--" + word) })
        {
            return UsageError(
                "Unknown option '\(displayed(spelling))'. To leave out what shows '\(displayed(word))', write "
                    + "'--\(exclusion.form.name) \(displayed(word))'.")
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
        let others = others.filter { table in
            table.options.contains { $0.form.spellings.contains(spelling) && $0 !== CommandTable.help }
        }
        if !others.isEmpty {
            return " It is one of \(others.map { "'clip \($0.name)'" }.joined(separator: ", "))."
        }
        return table.positionals.isEmpty ? "" : " After '--' everything is taken as it is."
    }

    private func missingValue(_ option: OptionForm, next: [UInt8]?) -> UsageError {
        let next = next.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let isOption =
            next.isEmpty
            || table.options.contains { option in
                option.form.spellings.contains(String(next.prefix { $0 != "=" }))
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
