/// A token that is looked for in the text itself, before it is split into words.
struct AddedToken: Sendable, Equatable {
    struct Options: OptionSet, Sendable {
        let rawValue: UInt32

        /// Looked for after the cleaning, not before.
        static let normalized = Options(rawValue: 1)
        /// Takes the white space before it.
        static let stripsLeft = Options(rawValue: 2)
        /// Takes the white space after it.
        static let stripsRight = Options(rawValue: 4)
        /// Not found inside a longer word.
        static let singleWord = Options(rawValue: 8)
    }

    var id: UInt32
    /// UTF-8, never empty; cleaned already if the token is normalized.
    var content: [UInt8]
    var options: Options

    /// The order in the table: those that are looked for before the cleaning come first, then by content.
    func isBefore(_ other: AddedToken) -> Bool {
        let kinds = (options.contains(.normalized), other.options.contains(.normalized))
        return kinds.0 == kinds.1 ? content.lexicographicallyPrecedes(other.content) : kinds.1
    }
}
