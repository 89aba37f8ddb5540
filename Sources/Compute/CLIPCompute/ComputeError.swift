/// What the environment or a caller asked for can't be had on this machine.
package struct ComputeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One line: what, expected, found.
    package let description: String

    package init(_ description: String) { self.description = description }
}
