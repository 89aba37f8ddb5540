#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// Anything that can go wrong in this library. `message` is one line that says what, where, what was expected, what was
/// found and what to do next.
public struct CLIPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What the error is about.
    public enum Kind: String, Sendable {
        /// A picture could not be read or decoded.
        case image
        /// A text could not be tokenized as asked.
        case text
        /// A model could not be found, loaded, written or verified.
        case model
        /// An index of pictures could not be opened, read or written.
        case index
        /// A value handed to the library makes no sense.
        case argument
    }

    /// What the error is about.
    public let kind: Kind
    /// The file that it is about, if there is one.
    public let path: String?
    /// One line, without the path.
    public let message: String

    /// An error of `kind` about `path`.
    public init(_ kind: Kind, path: String? = nil, _ message: String) {
        self.kind = kind
        self.path = path
        self.message = message
    }

    /// The path, if there is one, and the message.
    public var description: String { path.map { "\($0): \(message)" } ?? message }
}

extension CLIPError: LocalizedError {
    /// `description`, which is what `localizedDescription` then says too.
    public var errorDescription: String? { description }
}
