import Synchronization

/// A command's arguments, read and checked.
///
/// A command takes all of its options before it runs. What was given and not taken has no effect, and is refused then:
/// an option that is passed over silently would be taken for obeyed.
struct Arguments: Sendable {
    private var values: [String: [String]] = [:]
    private let taken = TakenOptions()
    /// What is no option, in order. Bytes, since a file's name may be any.
    var positionals: [[UInt8]] = []
    /// Files that stand where the command line will write.
    var outputs = OutputFiles()

    /// The arguments that are no options, as text.
    var texts: [String] { positionals.map { String(decoding: $0, as: UTF8.self) } }

    /// Whether the option was given.
    func has(_ option: Option) -> Bool { !all(option).isEmpty }

    /// The option's value, the last one if it was given more than once.
    func text(_ option: Option) -> String? { all(option).last }

    /// Every value of a repeatable option, in order.
    func all(_ option: Option) -> [String] {
        taken.insert(option.name)
        return given(option)
    }

    /// The value of an option that takes a whole number.
    func integer(_ option: Option) -> Int? { text(option).flatMap { Int($0) } }

    /// The value of an option that takes a number.
    func number(_ option: Option) throws(UsageError) -> Float? {
        guard let text = text(option) else { return nil }
        guard let number = Float(text), number.isFinite else {
            throw UsageError("'\(displayed(text))' is no number, as '\(option.signature)' needs.")
        }
        return number
    }

    /// Whether a flag is on.
    func flag(_ option: Option, default standard: Bool = false) -> Bool {
        text(option).map { $0 == "true" } ?? standard
    }

    /// The word that was chosen, as a case of an enumeration that spells its cases so.
    func choice<Word: RawRepresentable<String>>(_ option: Option, as type: Word.Type = Word.self) -> Word? {
        text(option).flatMap { Word(rawValue: $0) }
    }

    /// The values of an option, without taking it.
    func given(_ option: Option) -> [String] { values[option.name] ?? [] }

    /// Refuses options that would be without effect.
    /// - Parameter reason: why they would, to stand after "has no effect".
    func refuse(_ options: [Option], _ reason: String) throws(UsageError) {
        guard let option = options.first(where: { !given($0).isEmpty }) else { return }
        throw UsageError("'\(spelling(option))' has no effect \(reason).")
    }

    /// Refuses what a command has not taken.
    func checkAllTaken(_ table: CommandTable) throws(UsageError) {
        try refuse(table.options.filter { !taken.contains($0.name) }, "with the other arguments given")
    }

    mutating func set(_ option: Option, to value: String) { values[option.name] = [value] }

    mutating func append(_ option: Option, _ value: String) { values[option.name, default: []].append(value) }

    /// An option as it was given.
    private func spelling(_ option: Option) -> String {
        let value = given(option).last ?? ""
        if case .pair(let off) = option.value { return "--" + (value == "true" ? option.name : off) }
        return "--" + option.name + (option.placeholder == nil ? "" : " \(displayed(value))")
    }
}

/// The names of options that a command has asked for.
private final class TakenOptions: Sendable {
    private let names = Mutex(Set<String>())

    func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }
    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}
