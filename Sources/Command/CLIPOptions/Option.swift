import CLIPSystem
import PictureCollections

/// One option as a command declares it: by this the parser reads it, help, completions and manual page describe it, and
/// the command takes its value, of a type that is the declaration's.
package final class Option<Value: Sendable>: AnyOption, Sendable {
    package let form: OptionForm
    /// What it is where it isn't given.
    let standard: Value
    private let read: @Sendable (_ given: [String], _ form: OptionForm) throws(UsageError) -> Value

    private init(
        _ form: OptionForm, standard: Value,
        read: @escaping @Sendable (_ given: [String], _ form: OptionForm) throws(UsageError) -> Value
    ) {
        self.form = form
        self.standard = standard
        self.read = read
    }

    /// The value that was given, the last one if there are several.
    /// - Parameter given: as it was written; not empty.
    func value(of given: [String]) throws(UsageError) -> Value { try read(given, form) }

    package func check(_ given: [String]) throws(UsageError) { _ = try value(of: given) }
}

extension Option {
    /// An option with a value, nil where it isn't given.
    package convenience init<Wrapped>(
        _ name: String, short: Character? = nil, _ kind: ValueKind<Wrapped>, group: OptionGroup = .command,
        isHidden: Bool = false, shorthands: [String] = [], help: String
    ) where Value == Wrapped? {
        self.init(
            OptionForm(name, short, kind.form, group, isHidden: isHidden, shorthands: shorthands, help: help),
            standard: nil
        ) { given, form throws(UsageError) in try kind.read(given[given.count - 1], form) }
    }

    /// An option with a value.
    package convenience init(
        _ name: String, short: Character? = nil, _ kind: ValueKind<Value>, default standard: Value,
        group: OptionGroup = .command, help: String
    ) {
        self.init(OptionForm(name, short, kind.form, group, help: help), standard: standard) {
            given, form throws(UsageError) in try kind.read(given[given.count - 1], form)
        }
    }

    /// An option that may be given several times: all its values in order.
    package convenience init<Element>(
        each name: String, _ kind: ValueKind<Element>, group: OptionGroup = .command, help: String
    ) where Value == [Element] {
        self.init(OptionForm(name, nil, kind.form, group, isRepeatable: true, help: help), standard: []) {
            given, form throws(UsageError) in
            var values: [Element] = []
            for text in given { values.append(try kind.read(text, form)) }
            return values
        }
    }

    /// An option without a value: on when it is named.
    package convenience init(
        _ name: String, short: Character? = nil, group: OptionGroup = .command, isHidden: Bool = false, help: String
    ) where Value == Bool {
        self.init(OptionForm(name, short, .flag, group, isHidden: isHidden, help: help), standard: false) {
            _, _ throws(UsageError) in true
        }
    }

    /// An option without a value: on by its name, off by the other.
    package convenience init(
        _ name: String, short: Character? = nil, off: String, default standard: Bool, group: OptionGroup = .command,
        help: String
    ) where Value == Bool {
        self.init(OptionForm(name, short, .pair(off: off), group, help: help), standard: standard) {
            given, _ throws(UsageError) in given[given.count - 1] == OptionForm.on
        }
    }
}

/// What of an option doesn't depend on the type of its value.
package protocol AnyOption: AnyObject, Sendable {
    var form: OptionForm { get }
    /// Refuses values that it can't take.
    func check(_ given: [String]) throws(UsageError)
}

/// The heading in the help under which an option stands.
package enum OptionGroup: String, CaseIterable, Sendable {
    case command = "OPTIONS"
    case pictures = "PICTURE OPTIONS"
    case output = "OUTPUT OPTIONS"
}

/// How an option is written, and what is said of it.
package struct OptionForm: Sendable {
    /// What may follow the option.
    package enum Value: Sendable {
        /// Nothing: it is on when named.
        case flag
        /// Nothing: on by this name, off by the other.
        case pair(off: String)
        /// A text; a path may be meant.
        case text(String, mayBePath: Bool)
        /// The name or path of a model.
        case model(String)
        /// The path of a file to read, `-` for standard input.
        case file(String)
        /// The path of a file to write, `-` for standard output.
        case target(String)
        /// One of a few words.
        case choice(String, [String])
    }

    /// What stands for a flag that is on.
    static let on = "true"

    /// The long name without its dashes.
    package let name: String
    package let short: Character?
    package let value: Value
    package let group: OptionGroup
    package let isRepeatable: Bool
    package let isHidden: Bool
    /// Words to choose from that are options by themselves: `--json` is `--format json`.
    package let shorthands: [String]
    package let help: String

    init(
        _ name: String, _ short: Character?, _ value: Value, _ group: OptionGroup, isRepeatable: Bool = false,
        isHidden: Bool = false, shorthands: [String] = [], help: String
    ) {
        self.name = name
        self.short = short
        self.value = value
        self.group = group
        self.isRepeatable = isRepeatable
        self.isHidden = isHidden
        self.shorthands = shorthands
        self.help = help
    }

    /// The name of the value in usage texts; nil when the option takes none.
    package var placeholder: String? {
        switch value {
        case .flag, .pair: nil
        case .text(let name, _), .model(let name), .file(let name), .target(let name), .choice(let name, _): name
        }
    }

    /// The words that may follow, if they are few.
    package var choices: [String] { if case .choice(_, let words) = value { words } else { [] } }

    /// Whether a path may follow.
    package var takesPath: Bool {
        switch value {
        case .file, .target, .model: true
        case .text(_, let mayBePath): mayBePath
        case .flag, .pair, .choice: false
        }
    }

    /// Whether the name of a model may follow.
    package var takesModel: Bool { if case .model = value { true } else { false } }

    /// Every spelling that names this option, dashes included.
    package var spellings: [String] {
        var spellings = ["--" + name]
        if let short { spellings.insert("-\(short)", at: 0) }
        if case .pair(let off) = value { spellings.append("--" + off) }
        return spellings
    }

    /// Every word that is read as this option, those included that choose a value too.
    package var everySpelling: [String] { spellings + shorthands.map { "--" + $0 } }

    /// As it stands in error messages: `--format <format>`.
    package var signature: String { "--" + name + (placeholder.map { " <\($0)>" } ?? "") }

    /// As it stands in help: `-o, --output <file>`.
    package var label: String {
        var label = "--" + name
        if case .pair(let off) = value { label += "/--" + off }
        if let short { label = "-\(short), " + label }
        return label + (placeholder.map { " <\($0)>" } ?? "")
    }

    /// The option as it was given, with its value.
    package func written(_ given: String) -> String {
        if case .pair(let off) = value { return "--" + (given == OptionForm.on ? name : off) }
        return "--" + name + (placeholder == nil ? "" : " \(displayed(given))")
    }
}

/// What a value is, and how it is read.
package struct ValueKind<Value: Sendable>: Sendable {
    fileprivate let form: OptionForm.Value
    /// What stands behind "expected" when it can't be read; nil where it always can.
    private let expected: String?
    private let parse: @Sendable (String) -> Value?

    private init(_ form: OptionForm.Value, expected: String?, _ parse: @escaping @Sendable (String) -> Value?) {
        self.form = form
        self.expected = expected
        self.parse = parse
    }

    /// A value with rules of its own.
    package init(_ placeholder: String, expected: String, _ parse: @escaping @Sendable (String) -> Value?) {
        self.init(.text(placeholder, mayBePath: false), expected: expected, parse)
    }

    fileprivate func read(_ text: String, _ form: OptionForm) throws(UsageError) -> Value {
        switch form.value {
        case .file where text.isEmpty, .target where text.isEmpty:
            throw UsageError("The value of '\(form.signature)' is empty.")
        default: break
        }
        if let value = parse(text) { return value }
        let words = form.choices
        throw UsageError(
            "The value '\(displayed(text))' is invalid for '\(form.signature)'"
                + (words.isEmpty
                    ? ": expected \(expected ?? "another")."
                    : ".\(Spelling.suggestion(for: text, among: words)) It is one of \(words.joined(separator: ", ")).")
        )
    }
}

extension ValueKind where Value == String {
    /// Any text.
    package static func text(_ placeholder: String, mayBePath: Bool = false) -> ValueKind {
        ValueKind(.text(placeholder, mayBePath: mayBePath), expected: nil) { $0 }
    }

    /// The name or path of a model.
    package static var model: ValueKind { ValueKind(.model("model"), expected: nil) { $0 } }

    /// The path of a file to read.
    package static func file(_ placeholder: String) -> ValueKind { ValueKind(.file(placeholder), expected: nil) { $0 } }

    /// The path of a file to write.
    package static func target(_ placeholder: String) -> ValueKind {
        ValueKind(.target(placeholder), expected: nil) { $0 }
    }
}

extension ValueKind where Value == Int {
    /// A whole number.
    package static func integer(_ placeholder: String, _ range: ClosedRange<Int>) -> ValueKind {
        ValueKind(placeholder, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            Int($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension ValueKind where Value == Float {
    /// A cosine.
    package static var cosine: ValueKind {
        ValueKind("cosine", expected: "a cosine, from -1 to 1") {
            Float($0).flatMap { (-1...1).contains($0) ? $0 : nil }
        }
    }
}

extension ValueKind where Value: RawRepresentable<String> {
    /// One of a few words, each a case of an enumeration that spells its cases so.
    package static func choice(_ placeholder: String, of cases: some Collection<Value>) -> ValueKind {
        let cases = Array(cases)
        return ValueKind(.choice(placeholder, cases.map(\.rawValue)), expected: nil) { text in
            cases.first { $0.rawValue == text }
        }
    }
}

extension ValueKind where Value: RawRepresentable<String> & CaseIterable {
    package static func choice(_ placeholder: String) -> ValueKind { choice(placeholder, of: Value.allCases) }
}

/// What a command takes besides options.
package struct Positional: Sendable {
    /// The name in usage texts.
    package let name: String
    /// The fewest and the most that may be given. The fewest counts only where no `unless` option is given.
    package let count: ClosedRange<Int>
    /// Options that may stand in for the arguments.
    package let unless: [any AnyOption]
    package let help: String
    /// Whether they name files: for completions, and so that none is written over.
    package let isPath: Bool
    /// Whether they name models: for completions.
    package let isModel: Bool
    /// What may stand before a path, to say that it is one.
    let pathPrefix: String

    package init(
        _ name: String, count: ClosedRange<Int>, unless: [any AnyOption] = [], isPath: Bool = false,
        isModel: Bool = false, pathPrefix: String = "", help: String
    ) {
        self.name = name
        self.isModel = isModel
        self.pathPrefix = pathPrefix
        self.count = count
        self.unless = unless
        self.isPath = isPath
        self.help = help
    }

    /// The path that an argument names, if it may name one.
    func path(in argument: [UInt8]) -> PathBytes? {
        guard isPath else { return nil }
        let isMarked = argument.starts(with: pathPrefix.utf8)
        return PathBytes(isMarked ? Array(argument.dropFirst(pathPrefix.utf8.count)) : argument)
    }

    /// As it stands in usage texts: `<path> ...`.
    package var signature: String {
        let name = "<\(self.name)>" + (count.upperBound > 1 ? " ..." : "")
        return count.lowerBound == 0 || !unless.isEmpty ? "[\(name)]" : name
    }
}
