import PictureCollections

/// Why a command line makes no sense. Exit status 64.
package struct UsageError: Error, Equatable {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }
}

/// A command's arguments, read and checked.
///
/// A command takes all of its options before it runs. What was given and not taken has no effect, and is refused then:
/// an option that is passed over silently would be taken for obeyed.
package struct Arguments {
    private var values: [ObjectIdentifier: [String]] = [:]
    private var taken: Set<ObjectIdentifier> = []
    /// What is no option, in order. Bytes, since a file's name may be any.
    package internal(set) var positionals: [[UInt8]] = []
    /// Files that stand where the command line will write.
    package internal(set) var outputs = OutputFiles()

    /// The arguments that are no options, as text.
    package var texts: [String] { positionals.map { String(decoding: $0, as: UTF8.self) } }

    /// The value of an option.
    package mutating func take<Value>(_ option: Option<Value>) -> Value {
        taken.insert(ObjectIdentifier(option))
        let given = given(option)
        guard !given.isEmpty else { return option.standard }
        // The parser has checked it.
        return (try? option.value(of: given)) ?? option.standard
    }

    /// What was given of an option, as it was written, without taking it.
    package func given(_ option: any AnyOption) -> [String] { values[ObjectIdentifier(option)] ?? [] }

    /// Refuses options that would be without effect.
    /// - Parameter reason: why they would, to stand after "has no effect".
    package func refuse(_ options: [any AnyOption], _ reason: String) throws(UsageError) {
        for option in options {
            guard let value = given(option).last else { continue }
            throw UsageError("'\(option.form.written(value))' has no effect \(reason).")
        }
    }

    /// Refuses what a command has not taken, and outputs that must not be replaced.
    package func checkAllTaken(_ table: CommandTable) throws(UsageError) {
        try refuse(
            table.options.filter { !taken.contains(ObjectIdentifier($0)) }, "with the other arguments given")
        if let refusal = outputs.refusal { throw refusal }
    }

    /// Notes what was given, after what was given before where an option may come several times.
    mutating func add(_ value: String, to option: any AnyOption) throws(UsageError) {
        try option.check([value])
        values[ObjectIdentifier(option)] = option.form.isRepeatable ? given(option) + [value] : [value]
    }
}
