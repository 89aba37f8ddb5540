import CLIPOptions

/// One subcommand. A new one is a file in Commands/ and an entry in `Root.commands`.
protocol Command: Sendable {
    /// How it is called.
    static var table: CommandTable { get }

    /// Takes its arguments, read by the table: all that have an effect. What is left is refused.
    /// - Throws: when they contradict each other.
    init(_ arguments: inout Arguments) throws(UsageError)

    /// - Parameter console: is told what fails of it, which lets the rest go on.
    /// - Throws: what ends the whole run.
    func run(_ console: Console) throws
}
