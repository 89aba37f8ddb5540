/// A command's arguments, read and checked.
struct Arguments {
    private var values: [String: [String]] = [:]
    /// What is no option, in order. Bytes, since a file's name may be any.
    var positionals: [[UInt8]] = []

    /// The arguments that are no options, as text.
    var texts: [String] { positionals.map { String(decoding: $0, as: UTF8.self) } }

    /// Whether the option was given.
    func has(_ option: Option) -> Bool { values[option.name] != nil }

    /// The option's value, the last one if it was given more than once.
    func text(_ option: Option) -> String? { values[option.name]?.last }

    /// Every value of a repeatable option, in order.
    func all(_ option: Option) -> [String] { values[option.name] ?? [] }

    /// The value of an option that takes a whole number.
    func integer(_ option: Option) -> Int? { text(option).flatMap { Int($0) } }

    /// Whether a flag is on.
    func flag(_ option: Option, default standard: Bool = false) -> Bool {
        text(option).map { $0 == "true" } ?? standard
    }

    /// The word that was chosen, as a case of an enumeration that spells its cases so.
    func choice<Word: RawRepresentable<String>>(_ option: Option, as type: Word.Type = Word.self) -> Word? {
        text(option).flatMap { Word(rawValue: $0) }
    }

    mutating func set(_ option: Option, to value: String) { values[option.name] = [value] }

    mutating func append(_ option: Option, _ value: String) { values[option.name, default: []].append(value) }
}
